"""Looks at progress, not at processes: a Celery worker can live and consume nothing."""

import time
from dataclasses import dataclass, field

from django.db import DatabaseError, connection

from core.enums import JobQueue

LOOK_EVERY_SECONDS = 10.0
PATIENCE_SECONDS = 60.0

STUCK = """
    SELECT queue, count(*) FROM core_job waiting
    WHERE lane = COALESCE(current_setting('tongdao.lane', true), '') AND state = 'ready'
      AND due_at < now() - make_interval(secs => %(patience)s)
      AND NOT EXISTS (SELECT FROM core_job d WHERE d.state = 'done' AND d.queue = waiting.queue
                      AND d.done_at > now() - make_interval(secs => %(patience)s))
    GROUP BY queue ORDER BY queue
"""


@dataclass
class Watchdog:
    """Says when jobs of a queue have been due for a minute while none of them was done in that minute."""

    patience: float = PATIENCE_SECONDS
    _look_at: float = field(default=0.0)
    _quiet_until: float = field(default_factory=lambda: time.monotonic() + PATIENCE_SECONDS)

    def count_stuck_jobs(self) -> dict[JobQueue, int]:
        """How many jobs wait in vain, by queue; none where all is well, just restarted, or the database cannot be asked."""
        now = time.monotonic()
        if now < self._look_at or now < self._quiet_until:
            return {}
        self._look_at = now + LOOK_EVERY_SECONDS
        try:
            with connection.cursor() as cursor:
                cursor.execute(STUCK, {"patience": self.patience})
                stuck = {JobQueue(queue): jobs for queue, jobs in cursor.fetchall()}
        except DatabaseError:
            return {}
        finally:
            connection.close()
        if stuck:
            self._quiet_until = now + self.patience
        return stuck

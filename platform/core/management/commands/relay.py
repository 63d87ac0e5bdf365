"""Ring Celery for due jobs, for ever."""

import logging
import time
from typing import Any

from django.core.management.base import BaseCommand
from django.db import Error as DatabaseError
from django.db import close_old_connections, connection

from core.tasks import ring

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = "Rings the Celery workers for every due job row; rings again while a row is not done."

    def handle(self, *args: Any, **options: Any) -> None:
        while True:
            try:
                rung = ring()
            except DatabaseError as error:
                logger.warning("the database is away: %s", error)
                connection.close()
                rung = 0
                time.sleep(1)
            except Exception as error:  # the broker is away: the rows wait
                logger.warning("the broker is away, jobs wait in the database: %s", error)
                rung = 0
                time.sleep(1)
            if not rung:
                time.sleep(0.5)
            close_old_connections()

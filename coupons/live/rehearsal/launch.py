"""Start a rehearsal's process so that nothing that starts or stops around it ends it."""

import os
import subprocess
import sys

from django.conf import settings

from coupons.live.models import Rehearsal
from coupons.live.rehearsal.processes import report_folder


def launch_rehearsal(rehearsal: Rehearsal) -> int:
    """The number of the process; it is a session leader of its own, and says what it does in a log file."""
    with (report_folder(rehearsal.lane) / "rehearsal.log").open("ab") as log:
        process = subprocess.Popen(
            [
                sys.executable,
                "manage.py",
                "rehearse",
                str(rehearsal.session_id),
                "--begin",
                str(rehearsal.pk),
            ],
            cwd=settings.ROOT,
            env=os.environ.copy(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return process.pid

"""A worker knows how to do every kind of job that anything in the house asks for."""

import re
import subprocess
import sys
from pathlib import Path

from django.conf import settings

KIND = re.compile(r"@job_(?:set_)?handler\(\s*\"(\w+)\"")
ROOMS = ("platform", "merchants", "coupons", "providers")
ASK = """
import django
django.setup()
from config.celery import app
app.loader.import_default_modules()
from core.domain import jobs
print(*sorted({*jobs._handlers, *jobs._outside_handlers}))
"""


def test_every_kind_of_job_is_known_to_a_fresh_worker() -> None:
    root = Path(settings.ROOT)
    written = {
        kind
        for room in ROOMS
        for file in (root / room).glob("**/*.py")
        if "tests" not in file.parts
        for kind in KIND.findall(file.read_text())
    }
    told = subprocess.run(
        [sys.executable, "-c", ASK],
        cwd=root,
        env={"DJANGO_SETTINGS_MODULE": "config.settings", "PYTHONPATH": ":".join(sys.path), "DEBUG": "1"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert written
    assert written - set(told) == set()

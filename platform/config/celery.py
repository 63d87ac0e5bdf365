"""The Celery application; tasks are found in each app's tasks.py."""

import os
from typing import Any

from celery import Celery
from celery.signals import task_prerun

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("tongdao")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

# Celery would connect anew for every task: a few milliseconds each, and every plan made again. Instead a worker keeps
# its connection for this many tasks, and looks before each whether it still works (a database that was restarted).
app.conf["CELERY_DB_REUSE_MAX"] = 1_000


@task_prerun.connect
def look_at_connections(**kwargs: Any) -> None:
    from django.db import close_old_connections

    close_old_connections()

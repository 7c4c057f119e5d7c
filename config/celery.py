"""Celery is the wake-up call; the ledger in the database is what must happen (ledger/)."""

import os
import threading
from typing import Any

from celery import Celery
from celery.signals import worker_ready
from django.utils.module_loading import import_string

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("ombud")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_ready.connect  # Celery's own word that a worker is up: a job would reach only one of them
def look_after_machine(**_: Any) -> None:
    """Beside its work every worker looks at the machine that it runs on, every five minutes."""
    keep_looking = import_string("registry.jobs.sandbox_hosts.keep_looking")
    threading.Thread(target=keep_looking, name="machine", daemon=True).start()

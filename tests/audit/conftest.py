"""A trail with a key and a place for its checkpoints."""

from pathlib import Path

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.services.tokens import create_token
from audit import keys
from audit.jobs.checkpoint import sign
from audit.models import Event
from ledger import runner
from ledger.models import Job


@pytest.fixture
def key(settings):
    """The key of this installation."""
    return keys.make(Path(settings.AUDIT_KEY))


@pytest.fixture
def grow(olga):
    """Adds events to the trail."""

    def add(count):
        for number in range(count):
            create_token(actor=olga, owner=olga, name=f"laptop {number}", scopes=["read"], days=30)
        return Event.objects.count()

    return add


@pytest.fixture
def checkpoint(key):
    """Signs the trail as it is."""

    def write():
        with transaction.atomic():
            return sign([key])

    return write


@pytest.fixture
def five_events(grow):
    grow(5)


@pytest.fixture
def run_jobs():
    """Does what is due of one kind, as a worker would."""

    def run(kind):
        jobs = list(Job.objects.filter(kind=kind, state="due").order_by("pk"))
        for job in jobs:
            runner.run(job_id=job.pk)
        return len(jobs)

    return run


@pytest.fixture
def queries():
    return lambda: CaptureQueriesContext(connection)


def tamper(sql, *arguments):
    """Change the trail as somebody with the owner's rights on the database could."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(sql, arguments)
        cursor.execute("SET session_replication_role = DEFAULT")

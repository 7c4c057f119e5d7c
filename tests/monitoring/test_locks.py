"""Locks are taken in one order, so that jobs wait for each other and never in a ring."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from ledger import claims
from ledger.models import Job
from monitoring.jobs.baselines import count_new_references
from monitoring.jobs.fold import fold_batch
from monitoring.models import Batch
from registry.models import Reference
from tests.monitoring import world
from tests.monitoring.world import rows

pytestmark = pytest.mark.django_db
LOCKING = re.compile(r'^UPDATE "(\w+)"|FROM "(\w+)".* FOR (?:NO KEY )?UPDATE', re.DOTALL)


def locked_by(work):
    """The tables whose rows a piece of work locks, in order, each once."""
    with CaptureQueriesContext(connection) as caught:
        work()
    found = filter(None, (LOCKING.search(query["sql"]) for query in caught))
    return list(dict.fromkeys(match[1] or match[2] for match in found))


def test_a_fold_locks_the_model_before_its_job_and_its_batch(robot, version):
    world.send(robot, version, rows(50))
    claim = claims.claim(job_id=Job.objects.get(kind="monitoring.fold").pk)
    order = locked_by(lambda: fold_batch(claim))
    assert order == ["registry_model", "ledger_job", "monitoring_batch"]


def test_a_counted_reference_locks_the_model_before_batches_and_their_jobs(robot, version):
    world.send(robot, version, rows(50))
    world.work()
    Reference.objects.update(edges=None, profile=None, frozen_at=None)
    order = locked_by(count_new_references)
    tables = [
        "registry_model",
        "registry_reference",
        "monitoring_referencestudy",
        "monitoring_batch",
        "ledger_job",
    ]
    assert order == tables
    assert Batch.objects.get().folded_at is None

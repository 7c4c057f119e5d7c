"""The ledger: unique, claimed with a lease, fenced, given back, buried."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now
from kombu.exceptions import OperationalError

from config.jobs import Kind
from ledger import claims, poller, runner
from ledger.models import Job, JobState

DONE: list[int] = []


@pytest.fixture(autouse=True)
def kinds(settings):
    DONE.clear()
    settings.LEDGER_KINDS = {
        "count": Kind("tests.ledger.test_ledger.count", "evaluate", lease_seconds=3, attempts=2),
        "fail": Kind("tests.ledger.test_ledger.fail", "evaluate", lease_seconds=3, attempts=2),
    }


def count(claim):
    with transaction.atomic():
        claims.finish(claim=claim)
        DONE.append(claim.subject_id)


def fail(claim):
    raise RuntimeError("the reference has no rows")


def lapse(job_id):
    """The worker that held it is gone: its lease runs out."""
    Job.objects.filter(pk=job_id).update(lease_until=Now() - timedelta(seconds=1))


def test_a_job_is_unique_by_what_it_computes(db):
    first = claims.enqueue(kind="count", key="window 1", subject_id=7)
    assert first is not None
    assert claims.enqueue(kind="count", key="window 1", subject_id=7) is None
    assert Job.objects.count() == 1


def test_a_job_runs_once_however_often_it_is_announced(db):
    job_id = claims.enqueue(kind="count", key="window 1", subject_id=7)
    for _ in range(10):
        runner.run(job_id=job_id)
    assert DONE == [7]
    assert Job.objects.get().state == JobState.DONE


def test_a_job_whose_worker_died_is_found_by_the_poller(db):
    job_id = claims.enqueue(kind="count", key="window 1", subject_id=7)
    assert claims.claim(job_id=job_id) is not None
    assert claims.due() == [], "the lease still runs"
    lapse(job_id)
    assert claims.due() == [(job_id, "evaluate")]
    runner.run(job_id=job_id)
    assert DONE == [7]


def test_a_late_writer_is_fenced_and_stores_nothing(db):
    job_id = claims.enqueue(kind="count", key="window 1", subject_id=7)
    late = claims.claim(job_id=job_id)
    lapse(job_id)
    runner.run(job_id=job_id)
    with pytest.raises(claims.Fenced):
        count(late)
    assert DONE == [7]


def test_a_heartbeat_keeps_the_lease_but_not_a_lost_one(db):
    job_id = claims.enqueue(kind="count", key="window 1", subject_id=7)
    mine = claims.claim(job_id=job_id)
    assert claims.keep(claim=mine)
    lapse(job_id)
    theirs = claims.claim(job_id=job_id)
    assert theirs.token == mine.token + 1
    assert not claims.keep(claim=mine)
    assert claims.keep(claim=theirs)


def test_a_failing_job_is_tried_again_and_then_dead_with_its_error(db):
    job_id = claims.enqueue(kind="fail", key="window 1", subject_id=7)
    runner.run(job_id=job_id)
    job = Job.objects.get()
    assert (job.state, job.attempts) == (JobState.DUE, 1)
    runner.run(job_id=job_id)
    assert Job.objects.get().attempts == 1, "it waits for its back-off"
    Job.objects.update(due_at=Now())
    runner.run(job_id=job_id)
    job = Job.objects.get()
    assert job.state == JobState.DEAD
    assert "the reference has no rows" in job.error
    runner.run(job_id=job_id)
    assert Job.objects.get().attempts == 2


def test_a_job_that_killed_every_worker_is_buried(db):
    job_id = claims.enqueue(kind="count", key="poison", subject_id=7)
    for _ in range(2):
        assert claims.claim(job_id=job_id) is not None
        lapse(job_id)
    assert claims.claim(job_id=job_id) is None
    poller.wake_due()
    job = Job.objects.get()
    assert job.state == JobState.DEAD
    assert "last allowed attempt" in job.error


def test_a_changed_subject_makes_a_finished_job_due_again(db):
    claims.enqueue(kind="count", key="model 7", subject_id=7)
    runner.run(job_id=Job.objects.get().pk)
    claims.again(kind="count", key="model 7", subject_id=7)
    runner.run(job_id=Job.objects.get().pk)
    assert DONE == [7, 7]


def test_a_job_rolled_back_with_its_transaction_was_never_there(db):
    with transaction.atomic():
        claims.enqueue(kind="count", key="window 1", subject_id=7)
        transaction.set_rollback(True)
    assert not Job.objects.exists()


def test_a_missing_broker_costs_no_job(db, settings, django_capture_on_commit_callbacks):
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
    with django_capture_on_commit_callbacks(execute=True):
        job_id = claims.enqueue(kind="count", key="window 1", subject_id=7)
    assert claims.due() == [(job_id, "evaluate")]


def test_a_broker_that_is_away_is_left_alone_for_some_seconds(db, monkeypatch):
    tried = []

    def away(*, args, **_):
        tried.append(args[0])
        raise OperationalError("nobody listens")

    monkeypatch.setattr(claims, "_rest", claims.Rest())
    monkeypatch.setattr("ledger.tasks.run_job.apply_async", away)
    for job_id in (1, 2, 3):
        claims.wake(job_id, "evaluate")
    assert tried == [1]
    claims._rest.until -= claims.BROKER_REST_SECONDS
    claims.wake(4, "evaluate")
    assert tried == [1, 4]


@pytest.mark.django_db(transaction=True)
def test_of_ten_workers_at_the_same_instant_one_gets_the_job():
    job_id = claims.enqueue(kind="count", key="window 1", subject_id=7)
    start, won = threading.Barrier(10), []

    def race():
        start.wait()
        won.append(claims.claim(job_id=job_id) is not None)
        connection.close()

    racers = [threading.Thread(target=race) for _ in range(10)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    assert sorted(won) == [False] * 9 + [True]


def test_a_long_queue_is_not_announced_again_and_again(db, settings, monkeypatch):
    woken = []
    monkeypatch.setattr("ledger.poller.claims.wake", lambda job_id, queue: woken.append(job_id))
    jobs = [claims.enqueue(kind="count", key=f"window {n}", subject_id=n) for n in range(5)]
    monkeypatch.setattr("ledger.poller._announced", lambda queue: 5)
    assert poller.wake_due() == 0
    monkeypatch.setattr("ledger.poller._announced", lambda queue: 2)
    assert poller.wake_due() == 3, "two messages still wait, so three were lost"
    assert woken == jobs[:3]

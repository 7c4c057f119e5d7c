"""Workers are killed with -9 in mid-job: nothing is lost, nothing is counted twice."""

import logging
import os
import random
import signal

from django.db.models import Sum

from ledger import claims
from ledger.models import Job, JobState
from tests.faults.counting import (
    MODELS,
    assert_folded_once,
    held,
    lots,
    send_all,
    states,
    wait_for_all,
)
from tests.faults.processes import until

log = logging.getLogger(__name__)

SEED = 20261122
ROUNDS = 3


def running() -> int:
    return Job.objects.filter(state=JobState.RUNNING).count()


def kill_somewhere(worker, dice) -> bool:
    """kill -9 for one pool process while some job runs, wherever it is; False if all is done."""
    until(lambda: running() or not unfinished(), "a job runs", pause=0.002)
    children = worker.children()
    if not children or not unfinished():
        return False
    try:
        os.kill(dice.choice(children), signal.SIGKILL)
    except ProcessLookupError:
        # One that was killed before, and was cleared away since it was listed: another one.
        return kill_somewhere(worker, dice)
    return True


def kill_in_transaction(worker, *, whole) -> int:
    """kill -9 for pool processes, or the whole worker, while their results are half written."""
    with held(MODELS) as waiting:
        until(waiting, lambda: f"a job waits: {states()}\n{worker.tail()}")
        met = len(waiting())
        if whole:
            worker.kill()
        for child in [] if whole else worker.children():
            os.kill(child, signal.SIGKILL)
    return met


def unfinished() -> bool:
    return Job.objects.exclude(state=JobState.DONE).exists()


def test_workers_killed_in_mid_job_again_and_again_lose_nothing_and_double_nothing(
    house, version, robot
):
    dice = random.Random(SEED)
    batches = lots(30)
    assert send_all(robot, version, batches) == 1200
    house.beat()
    worker = house.worker()
    met = anywhere = 0
    for _ in range(ROUNDS):
        for _ in range(3):
            anywhere += kill_somewhere(worker, dice)
        met += kill_in_transaction(worker, whole=False)
        met += kill_in_transaction(worker, whole=True)
        worker = house.worker()
    wait_for_all(house)
    attempts = Job.objects.aggregate(n=Sum("attempts"))["n"]
    about = (
        f"{2 * ROUNDS} kills inside {met} transactions ({ROUNDS} of the whole worker), "
        f"{anywhere} at any moment, {attempts} attempts for {len(batches)} jobs: {states()}"
    )
    log.info(about)
    assert met >= 2 * ROUNDS, about
    assert attempts >= len(batches) + met, f"no kill met a job; {about}"
    assert states()["done"] == len(batches), about
    assert_folded_once(version, batches, about)


def test_ten_announcements_of_every_job_to_two_workers_are_one_result(
    house, version, robot, broker
):
    batches = lots(12)
    send_all(robot, version, batches)
    jobs = list(Job.objects.all())
    for _ in range(9):
        for job in jobs:
            claims.wake(job.pk, job.queue)
    queued = broker.llen("ingest")
    assert queued == 120, "each of 12 jobs is announced ten times"
    house.worker()
    house.worker()
    wait_for_all(house)
    until(
        lambda: not broker.llen("ingest") and not broker.hlen("unacked"),
        "every announcement has been heard",
    )
    about = f"{queued} announcements of {len(jobs)} jobs: {states()}"
    assert Job.objects.aggregate(n=Sum("attempts"))["n"] == len(jobs), about
    assert_folded_once(version, batches, about)

"""A job that nobody can do ends dead, and the others hardly wait for it."""

import logging
import time

from django.db import transaction

from ledger import claims
from ledger.models import Job, JobState
from tests.faults.counting import assert_folded_once, errors, lots, send_all, states
from tests.faults.processes import until
from tests.faults.settings import LEASE_SECONDS, POISON_ATTEMPTS

log = logging.getLogger(__name__)

LITTLE = 2 * LEASE_SECONDS + 24  # seconds, on a busy machine; a pool process must be replaced


def test_poison_is_dead_after_its_attempts_and_others_hardly_wait(house, version, robot):
    house.beat()
    worker = house.worker()
    with transaction.atomic():
        for kind in ("faults.raises", "faults.kills"):
            for place in range(2):
                claims.enqueue(kind=kind, key=f"poison {place}", subject_id=place)
    batches, began = lots(10), time.monotonic()
    send_all(robot, version, batches)
    folds = Job.objects.filter(kind="monitoring.fold")
    until(
        lambda: not folds.exclude(state=JobState.DONE).exists(),
        lambda: f"the others are done: {states()} {errors()}\n{worker.tail()}",
        seconds=LITTLE,
    )
    waited = time.monotonic() - began
    poison = Job.objects.exclude(kind="monitoring.fold")
    until(
        lambda: poison.filter(state=JobState.DEAD).count() == 4,
        lambda: f"4 poisonous jobs are dead: {states()}\n{worker.tail()}",
    )
    about = f"10 jobs beside 4 poisonous ones took {waited:.1f} s: {states()}"
    log.info(about)
    assert set(poison.values_list("attempts", flat=True)) == {POISON_ATTEMPTS}, about
    said = dict(poison.filter(key="poison 0").values_list("kind", "error"))
    assert "however often it is tried" in said["faults.raises"]
    assert "The worker died in the last allowed attempt" in said["faults.kills"]
    assert "jobs are dead" in worker.said()
    assert "faults.raises poison 0 failed: dead" in worker.said()
    assert_folded_once(version, batches, about)

"""PostgreSQL cuts connections in the middle of jobs: they are done again, once."""

import logging

from django.db import connection
from django.db.models import Sum

from ledger.models import Job
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


def terminate(backends) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(pg_terminate_backend(pid)::int) FROM unnest(%s::int[]) pid", [backends]
        )
        return int(cursor.fetchone()[0])


def backends_of_others() -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        return [row[0] for row in cursor.fetchall()]


def test_a_connection_cut_in_the_middle_of_a_job_costs_one_attempt(house, version, robot):
    batches = lots(10)
    send_all(robot, version, batches)
    house.beat()
    worker = house.worker()
    cut = 0
    for _ in range(3):
        with held(MODELS) as waiting:
            until(waiting, lambda: f"a job waits: {states()}\n{worker.tail()}")
            cut += terminate(waiting())
    # And every connection of the worker at once, heartbeats and idle ones too.
    cut_at_large = terminate(backends_of_others())
    wait_for_all(house)
    attempts = Job.objects.aggregate(n=Sum("attempts"))["n"]
    about = (
        f"{cut} connections cut inside transactions, {cut_at_large} at large, {attempts} attempts "
        f"for {len(batches)} jobs: {states()}"
    )
    log.info(about)
    assert cut >= 3, about
    assert attempts >= len(batches) + cut, about
    assert states()["done"] == len(batches), about
    assert worker.popen.poll() is None, worker.tail()
    assert_folded_once(version, batches, about)


def test_a_job_whose_connection_was_cut_is_given_back_at_once(house, version, robot):
    """Not only when its lease ends: the worker is alive and knows that it failed."""
    (batch,) = lots(1)
    send_all(robot, version, [batch])
    worker = house.worker()
    with held(MODELS) as waiting:
        until(waiting, lambda: f"the job waits: {states()}\n{worker.tail()}")
        assert terminate(waiting()) == 1
    until(
        lambda: Job.objects.get().state == "due", lambda: f"{states()}\n{worker.tail()}", seconds=10
    )
    assert "terminating connection" in Job.objects.get().error

"""The broker forgets or is away: messages are lost, jobs are not."""

import pytest
from django.db.models import Sum

from ledger.models import Job
from tests.faults.counting import assert_folded_once, lots, send_all, states, wait_for_all


def test_flushed_queues_cost_seconds_and_no_job(house, version, robot, broker):
    first, second, third = lots(20), lots(10, prefix="c"), lots(5, prefix="d")
    send_all(robot, version, first)
    assert broker.llen("ingest") == 20, "20 jobs are announced"
    broker.flushdb()
    assert broker.llen("ingest") == 0
    beat, worker = house.beat(), house.worker()
    wait_for_all(house)
    assert_folded_once(version, first, f"20 messages lost before any was read: {states()}")

    # Once more under running processes, who must go on hearing and being heard.
    send_all(robot, version, second)
    broker.flushdb()
    wait_for_all(house)
    send_all(robot, version, third)
    wait_for_all(house)
    attempts = Job.objects.aggregate(n=Sum("attempts"))["n"]
    about = f"flushed twice, 35 jobs, {attempts} attempts: {states()}"
    assert {beat.popen.poll(), worker.popen.poll()} == {None}, "beat and worker live on"
    # A job may be tried again (a busy machine outlives a lease of 3 s); its result counts once.
    assert states()["done"] == 35, about
    assert_folded_once(version, [*first, *second, *third], about)


def test_a_worker_that_lost_its_broker_hears_again(house, version, robot, broker):
    """Every connection to the broker is cut: the consumer connects anew and work goes on."""
    house.beat()
    house.worker()
    cut = sum(_cut(broker, client) for client in broker.client_list())
    assert cut >= 2, "the worker and beat were connected"
    batches = lots(6)
    send_all(robot, version, batches)
    wait_for_all(house)
    assert_folded_once(version, batches, f"{cut} connections cut, 6 jobs: {states()}")


def _cut(broker, client) -> bool:
    number = str(broker.connection_pool.connection_kwargs["db"])
    mine = client["id"] == str(broker.client_id())
    if client["db"] != number or mine:
        return False
    return bool(broker.client_kill_filter(_id=client["id"], skipme=True))


@pytest.fixture(autouse=True)
def _a_flush_is_of_our_own_database(broker):
    assert broker.connection_pool.connection_kwargs["db"] >= 9

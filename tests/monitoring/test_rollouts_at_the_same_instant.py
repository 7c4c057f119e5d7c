"""A person stops the challenger while the machine raises its share: one outcome, whoever is first.

Two real connections: the first holds its transaction open, the second waits for the model's lock.
"""

from collections.abc import Callable
from threading import Thread
from typing import Any

import pytest
from django.db import connection, transaction

from monitoring.jobs.rollouts import schedule_rollouts
from monitoring.models import Rollout, RolloutLook
from monitoring.services.rollouts import stop_rollout
from tests.monitoring import world
from tests.monitoring.test_rollouts import (  # noqa: F401 - fixtures
    events,
    experiment,
    newer,
    rollout,
    sent,
    share_now,
)

pytestmark = pytest.mark.django_db(transaction=True)


def one_after_the_other(first: Callable[[], Any], second: Callable[[], Any]) -> None:
    """The second begins while the first has not committed, and has to wait for it."""
    met: list[Exception | None] = []

    def wait_and_do() -> None:
        try:
            second()
            met.append(None)
        except Exception as error:
            met.append(error)
        finally:
            connection.close()

    thread = Thread(target=wait_and_do, daemon=True)
    with transaction.atomic():
        first()
        thread.start()
        thread.join(timeout=1.0)
        assert thread.is_alive(), f"it did not wait: {met}"
    thread.join(timeout=20)
    assert met == [None]


@pytest.fixture
def due(robot, version, newer, rollout):  # noqa: F811
    """A rollout whose next step is due."""
    sent(robot, version, 1_600, prefix="a")
    sent(robot, newer, 400, seed=2, prefix="b")
    schedule_rollouts()
    return rollout


def stop(olga: Any, due: Rollout) -> None:
    stop_rollout(actor=olga, experiment_id=due.experiment_id, reason="Complaints")


def step() -> None:
    world.work("monitoring.rollout")


def test_a_step_that_meets_a_stop_waits_for_it_and_is_not_taken(olga, due):
    one_after_the_other(lambda: stop(olga, due), step)
    assert share_now() == 0
    assert events("monitoring.rollout.stepped") == 0
    assert RolloutLook.objects.get().did == "Nothing: it is stopped."


def test_a_stop_that_meets_a_step_waits_for_it_and_takes_the_share_away(olga, due):
    one_after_the_other(step, lambda: stop(olga, due))
    assert share_now() == 0
    assert Rollout.objects.get().state == "stopped"
    assert events("monitoring.rollout.stepped") == 1
    assert events("monitoring.rollout.stopped") == 1

"""A worker killed while it raises a share or stops a challenger is followed by one that ends it."""

from decimal import Decimal

import pytest

from ledger.runner import run
from monitoring.jobs.rollouts import schedule_rollouts
from monitoring.models import Experiment, Incident, RolloutLook
from tests.killing import die_at
from tests.monitoring.test_rollouts import (
    events,
    experiment,
    newer,
    rollout,
    sent,
    share_now,
)

__all__ = ["experiment", "newer", "rollout"]
pytestmark = pytest.mark.django_db(transaction=True)
IMPORTS = """
from decimal import Decimal
from audit.models import Event
from monitoring.models import Rollout, RolloutLook, RolloutStep
from registry.models import Deployment
"""
UNCHANGED = (
    "(Rollout.objects.get().state, Rollout.objects.get().step) == ('running', 0)"
    " and Deployment.objects.get(role='challenger', ended_at__isnull=True).traffic_share"
    " == Decimal('0.2') and RolloutStep.objects.count() == 1 and not RolloutLook.objects.exists()"
    " and not Event.objects.filter(event__in=('monitoring.rollout.stepped',"
    " 'monitoring.rollout.halted', 'monitoring.incident.opened')).exists()"
)
# What would come next when the worker dies.
RAISING = {
    "before anything": ("monitoring.jobs.rollouts", "strata_of"),
    "before the step": ("monitoring.jobs.rollouts", "step_up"),
    "before the share": ("monitoring.jobs.rollout_moves", "give"),
    "after the share, before it is on record": ("monitoring.jobs.rollout_moves", "record"),
}
STOPPING = {
    "before it is stopped": ("monitoring.jobs.rollouts", "halt"),
    "before the traffic is taken away": ("monitoring.jobs.rollout_moves", "give"),
    "before the experiment ends": ("monitoring.jobs.rollout_moves", "_stop_experiment"),
    "before people are told": ("monitoring.jobs.rollout_moves", "_open_incident"),
}


def die(places):
    schedule_rollouts()
    return die_at(places.values(), kind="monitoring.rollout", unchanged=UNCHANGED, imports=IMPORTS)


def test_killed_at_each_step_of_raising_a_share_it_is_raised_once(robot, version, newer, rollout):
    sent(robot, version, 1_600, prefix="a")
    sent(robot, newer, 400, seed=2, prefix="b")
    run(job_id=die(RAISING).pk)
    assert share_now() == Decimal("0.5")
    assert events("monitoring.rollout.stepped") == 1
    assert RolloutLook.objects.get().did.startswith("Raised to 50.00%")


def test_killed_at_each_step_of_stopping_a_challenger_it_is_stopped_once(
    robot, version, newer, rollout
):
    sent(robot, version, 2_400, skill=4, prefix="a")
    sent(robot, newer, 600, skill=-2, seed=2, prefix="b")
    run(job_id=die(STOPPING).pk)
    rollout.refresh_from_db()
    assert (rollout.state, share_now()) == ("halted", 0)
    assert events("monitoring.rollout.halted") == 1
    assert Incident.objects.get(version=newer).entries.count() == 1
    assert Experiment.objects.get().stopped_at is not None

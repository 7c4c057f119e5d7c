"""The challenger's share: raised in steps, held back by guard-rails, stopped at once."""

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.utils import timezone

from accounts.policies import Refused
from audit.models import Event
from clients import ombud_assignment
from ledger.models import Job, JobState
from monitoring.jobs.experiments import schedule_looks
from monitoring.jobs.rollouts import schedule_rollouts
from monitoring.models import Experiment, Incident, Rollout, RolloutLook, RolloutStep
from monitoring.reads.experiments import experiment_of
from monitoring.reads.rollouts import assignment_of
from monitoring.services.experiments import (
    Design,
    ExperimentInvalid,
    declare_experiment,
    stop_experiment,
)
from monitoring.services.rollouts import (
    pause_rollout,
    resume_rollout,
    start_rollout,
    stop_rollout,
)
from monitoring.stats.experiments.assignment import complaint_about, position, role_of
from registry.models import Deployment
from registry.states import Stage
from tests.monitoring import world
from tests.monitoring.world import START, rows

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
STEPS = (
    {"share": "0.2", "hours": 24, "rows": 100},
    {"share": "0.5", "hours": 24, "rows": 100},
)
GUARDS = ({"metric": "error_rate", "margin": 0.05},)
VECTORS = Path(__file__).parents[2] / "clients" / "vectors" / "assignment.json"


@pytest.fixture
def newer(model, version):
    """Version 2, a challenger that may get up to half of the traffic."""
    made = world.make_version(model, number=2)
    for one, role, share in ((version, "champion", 1), (made, "challenger", Decimal("0.5"))):
        one.stage = Stage.SERVING
        one.save(update_fields=["stage"])
        Deployment.objects.create(
            version=one, model=model, role=role, traffic_share=share, started_at=START - DAY
        )
    return made


@pytest.fixture
def experiment(olga, model, newer):
    design = Design(
        name="Newer trees",
        kind="split",
        champion=1,
        challenger=2,
        endpoint="error_rate",
        starts_at=START,
        ends_at=timezone.now() + 30 * DAY,
        planned_rows=6_000,
        challenger_share=0.5,
    )
    return declare_short(olga, model, design)


def declare_short(olga, model, design):
    kept = replace(design, starts_at=design.ends_at - 300 * DAY)
    made = declare_experiment(actor=olga, model_id=model.pk, design=kept)
    Experiment.objects.filter(pk=made.pk).update(starts_at=START)
    made.refresh_from_db()
    return made


@pytest.fixture
def rollout(olga, experiment):
    made = start_rollout(actor=olga, experiment_id=experiment.pk, steps=STEPS, guards=GUARDS)
    made.periods.update(began_at=START)
    return made


def sent(robot, version, n, *, skill=2.0, seed=1, prefix="a"):
    found = rows(n, hours=48, skill=skill, seed=seed, prefix=prefix)
    for row in found:
        row["at"] = row["at"].replace(hour=12)
    world.send(robot, version, found)
    world.send_outcomes(robot, version.model, found)
    world.work("monitoring.")


def followed(rollout):
    schedule_rollouts()
    world.work("monitoring.rollout")
    rollout.refresh_from_db()
    return RolloutLook.objects.filter(rollout=rollout).last()


def share_now():
    return Deployment.objects.get(role="challenger", ended_at__isnull=True).traffic_share


def events(name):
    return Event.objects.filter(event=name).count()


def test_the_first_share_is_given_at_once_and_the_past_one_is_kept(olga, rollout):
    assert share_now() == Decimal("0.2")
    assert Deployment.objects.filter(role="challenger").count() == 2
    assert events("registry.deployment.share_changed") == 1
    assert events("monitoring.rollout.started") == 1


def test_the_share_is_raised_when_time_rows_and_guard_rails_allow(robot, version, newer, rollout):
    sent(robot, version, 1_600, prefix="a")
    sent(robot, newer, 400, seed=2, prefix="b")
    look = followed(rollout)
    assert look.did.startswith("Raised to 50.00%")
    assert share_now() == Decimal("0.5")
    assert events("monitoring.rollout.stepped") == 1
    assert schedule_rollouts() == 0


def test_no_step_is_taken_before_there_are_enough_rows(robot, version, newer, rollout):
    sent(robot, version, 160, prefix="a")
    sent(robot, newer, 40, seed=2, prefix="b")
    assert "40 of 100 rows" in followed(rollout).did
    assert share_now() == Decimal("0.2")


def test_harm_stops_it_within_one_look(robot, version, newer, rollout, experiment, olga):
    sent(robot, version, 2_400, skill=4, prefix="a")
    sent(robot, newer, 600, skill=-2, seed=2, prefix="b")
    look = followed(rollout)
    assert look.did.startswith("Stopped. error rate")
    assert rollout.state == "halted"
    assert share_now() == 0
    incident = Incident.objects.get(version=newer)
    assert (incident.severity, incident.kind) == ("critical", "performance")
    assert incident.entries.count() == 1
    experiment.refresh_from_db()
    assert experiment.stopped_at is not None
    assert events("monitoring.rollout.halted") == 1
    assert events("monitoring.experiment.stopped") == 1
    assert schedule_rollouts() == 0
    assert assignment_of(olga, slug="flight-delay", environment="production").experiment == ""


def test_traffic_that_is_not_split_as_declared_takes_no_step(
    olga, robot, version, newer, rollout, experiment
):
    sent(robot, version, 800, prefix="a")
    sent(robot, newer, 800, seed=2, prefix="b")
    assert "not split as declared" in followed(rollout).did
    assert (rollout.state, rollout.by_machine) == ("paused", True)
    assert share_now() == Decimal("0.2")
    schedule_looks()
    world.work("monitoring.look")
    assert experiment_of(olga, experiment.pk).answer == "invalid"


def test_a_stop_at_the_same_instant_wins_over_the_step(olga, robot, version, newer, rollout):
    sent(robot, version, 1_600, prefix="a")
    sent(robot, newer, 400, seed=2, prefix="b")
    schedule_rollouts()
    stop_rollout(actor=olga, experiment_id=rollout.experiment_id, reason="Complaints")
    world.work("monitoring.rollout")
    assert share_now() == 0
    assert events("monitoring.rollout.stepped") == 0
    assert RolloutLook.objects.get().did == "Nothing: it is stopped."


def test_a_worker_that_dies_in_a_step_leaves_nothing_half(
    robot, version, newer, rollout, monkeypatch
):
    sent(robot, version, 1_600, prefix="a")
    sent(robot, newer, 400, seed=2, prefix="b")
    schedule_rollouts()

    def dies(**_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(RolloutLook.objects, "update_or_create", dies)
        with pytest.raises(KeyboardInterrupt):
            world.work("monitoring.rollout")
    assert share_now() == Decimal("0.2")
    assert events("monitoring.rollout.stepped") == 0
    job = Job.objects.get(kind="monitoring.rollout")
    assert job.state == JobState.RUNNING
    Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - DAY)
    world.run(job)
    assert share_now() == Decimal("0.5")
    assert events("monitoring.rollout.stepped") == 1


def test_people_pause_resume_and_stop_with_a_reason(olga, rollout):
    told = {"actor": olga, "experiment_id": rollout.experiment_id}
    assert pause_rollout(**told, reason="Holiday").state == "paused"
    with pytest.raises(ExperimentInvalid, match="no step to pause"):
        pause_rollout(**told, reason="Again")
    with pytest.raises(ExperimentInvalid, match="Say why"):
        resume_rollout(**told, reason=" ")
    assert resume_rollout(**told, reason="Back").state == "running"
    assert stop_rollout(**told, reason="Enough").state == "stopped"
    assert share_now() == 0
    assert RolloutStep.objects.filter(ended_at__isnull=True).get().share == 0


def test_ending_the_experiment_ends_its_traffic(olga, rollout):
    stop_experiment(actor=olga, experiment_id=rollout.experiment_id, reason="Complaints")
    rollout.refresh_from_db()
    assert rollout.state == "stopped"
    assert share_now() == 0


def test_a_challenger_with_another_role_is_followed_no_further(rollout, newer):
    Deployment.objects.filter(role="challenger").update(ended_at=timezone.now())
    assert "no challenger any more" in followed(rollout).did
    assert rollout.state == "finished"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"steps": ()}, "steps"),
        ({"steps": ({"share": "0.5"}, {"share": "0.2"})}, "steps"),
        ({"steps": ({"share": "0.00001"},)}, "steps"),
        ({"steps": ({"share": "0.6"},)}, "steps"),
        ({"guards": ()}, "guards"),
        ({"guards": ({"metric": "luck", "margin": 1.0},)}, "guards"),
        ({"guards": ({"metric": "value", "margin": -1.0},)}, "guards"),
        ({"environment": "staging"}, "environment"),
        ({"false_stop": 0.9}, "false_stop"),
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_is_given(olga, experiment, changes, field):
    said = {"steps": STEPS, "guards": GUARDS} | changes
    with pytest.raises(ExperimentInvalid) as refusal:
        start_rollout(actor=olga, experiment_id=experiment.pk, **said)
    assert refusal.value.field == field
    assert not Rollout.objects.exists()
    assert share_now() == Decimal("0.5")
    assert events("monitoring.rollout.started") == 0


def test_strangers_and_auditors_give_no_share(sam, adam, experiment):
    for person in (sam, adam):
        with pytest.raises(Refused):
            start_rollout(actor=person, experiment_id=experiment.pk, guards=GUARDS)
    assert not Rollout.objects.exists()


def test_a_unit_is_assigned_in_one_query_and_as_the_client_does(
    olga, sam, rollout, signed_in, django_assert_num_queries
):
    with django_assert_num_queries(1):
        found = assignment_of(olga, slug="flight-delay", environment="production")
    assert len(found.salt) == 32
    assert found.share == Decimal("0.2")
    client = signed_in(olga)
    answer = client.get("/api/v1/models/flight-delay/assignment?unit=customer-7")
    assert answer.status_code == 200
    told = answer.json()
    mine = ombud_assignment.role(
        salt=told["salt"],
        experiment=told["experiment"],
        unit="customer-7",
        share=told["share"],
    )
    assert told["role"] == mine
    assert told["version"] == {"champion": 1, "challenger": 2}[mine]
    assert answer["Cache-Control"] == "private, max-age=10"
    again = client.get(
        "/api/v1/models/flight-delay/assignment?unit=customer-7",
        headers={"If-None-Match": answer["ETag"]},
    )
    assert again.status_code == 304
    wrong = client.get("/api/v1/models/flight-delay/assignment?unit=two words")
    assert wrong.status_code == 422
    assert "visible ASCII" in wrong.json()["detail"]
    assert signed_in(sam).get("/api/v1/models/flight-delay/assignment").status_code == 404


def test_the_client_and_the_server_hold_the_same_vectors():
    assert ombud_assignment.check(str(VECTORS)) == 12
    told = json.loads(VECTORS.read_text())
    for one in told["vectors"]:
        place = position(one["salt"], one["experiment"], one["unit"])
        assert str(place) == one["position"]
        for share, expected in one["roles"].items():
            assert role_of(place, int(Decimal(share) * 10_000)) == expected
    for unit in told["refused"]:
        assert complaint_about(unit)
        with pytest.raises(ombud_assignment.UnitRefused):
            ombud_assignment.position(salt="0", experiment="e", unit=unit)

"""Challenger against champion, from rows that are sent to an answer that may be acted on."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.policies import Refused
from audit.models import Event
from monitoring.jobs.experiments import moments_of, schedule_looks
from monitoring.models import Experiment, ExperimentLook
from monitoring.reads.experiments import Phase, experiment_of, experiments_of, finding_of
from monitoring.services.experiments import (
    Design,
    ExperimentInvalid,
    declare_experiment,
    stop_experiment,
)
from tests.monitoring import world
from tests.monitoring.world import FIELDS, START, rows

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
SPLIT = Design(
    name="Newer trees",
    kind="split",
    champion=1,
    challenger=2,
    endpoint="error_rate",
    starts_at=START,
    ends_at=START + 4 * DAY,
    planned_rows=6_000,
    challenger_share=0.5,
)
SHADOW = replace(SPLIT, kind="shadow", challenger_share=None, ends_at=START + 10 * DAY)


@pytest.fixture
def newer(model, version):
    return world.make_version(model, number=2)


def gathered(found):
    """The same rows in one hour of each day: fewer profiles."""
    for row in found:
        row["at"] = row["at"].replace(hour=12)
    return found


def sent(robot, version, n, *, skill, seed, prefix, outcomes=True, hours=96.0):
    found = gathered(rows(n, hours=hours, skill=skill, seed=seed, prefix=prefix))
    world.send(robot, version, found)
    if outcomes:
        world.send_outcomes(robot, version.model, found)
    world.work("monitoring.")
    return found


def declared(actor, model, design):
    return declare_experiment(actor=actor, model_id=model.pk, design=design)


def looked(olga, experiment):
    schedule_looks()
    world.work("monitoring.look")
    return experiment_of(olga, experiment.pk)


def test_a_worse_challenger_is_found_out(olga, robot, model, version, newer):
    sent(robot, version, 3_000, skill=3, seed=1, prefix="a")
    sent(robot, newer, 3_000, skill=0.5, seed=2, prefix="b")
    seen = looked(olga, declared(olga, model, SPLIT))
    assert seen.answer == "worse"
    assert [look.as_of - START for look in seen.looks] == [DAY, 2 * DAY, 3 * DAY, 4 * DAY]
    assert (seen.look.champion_rows, seen.look.challenger_rows) == (3_000, 3_000)
    found = finding_of(seen.look, "error_rate", looks="any")
    arms = found["arms"]
    assert found["value"] == pytest.approx(arms["challenger"]["value"] - arms["champion"]["value"])
    assert 0 < found["low"] < found["value"] < found["high"]


def test_equal_versions_stay_undecided_at_every_look(olga, robot, model, version, newer):
    sent(robot, version, 3_000, skill=2, seed=1, prefix="a")
    sent(robot, newer, 3_000, skill=2, seed=2, prefix="b")
    seen = looked(olga, declared(olga, model, SPLIT))
    assert seen.answer == "undecided"
    assert len(seen.looks) == 4


def test_traffic_that_is_not_split_as_declared_makes_it_invalid(olga, robot, model, version, newer):
    sent(robot, version, 3_000, skill=3, seed=1, prefix="a")
    sent(robot, newer, 1_500, skill=0.5, seed=2, prefix="b")
    seen = looked(olga, declared(olga, model, SPLIT))
    assert seen.answer == "invalid"
    assert "not split as declared" in seen.reason
    fair = replace(SPLIT, name="Thirds", challenger_share=1 / 3)
    Experiment.objects.update(concluded_at=timezone.now())
    assert looked(olga, declared(olga, model, fair)).answer == "worse"


def test_a_shadow_is_compared_on_the_rows_that_both_answered(olga, robot, model, version, newer):
    found = sent(robot, version, 2_000, skill=3, seed=1, prefix="a", hours=240)
    for place, row in enumerate(found):
        if place % 10 == 0 and row["origin"] == "JFK":
            row["late"] = not row["was_late"]  # the shadow is wrong where the champion may be right
    world.send(robot, newer, found[200:1_700])
    world.work("monitoring.")
    seen = looked(olga, declared(olga, model, SHADOW))
    assert seen.answer == "worse"
    agreement = finding_of(seen.look, "agreement_share", looks="one")
    assert agreement["n"] == 1_500
    wrong = finding_of(seen.look, "mcnemar", looks="one")
    unequal = [row for row in seen.look.findings if row["endpoint"] == "disagreement"]
    worst = max(unequal, key=lambda row: row["value"])
    assert worst["about"] == "origin = JFK"
    assert worst["parameters"]["adjusted_p"] < 0.001
    assert wrong["parameters"]["shadow_only"] == round(wrong["value"] * 1_500)


def test_scores_decide_where_answers_are_equal(olga, robot, model, version, newer):
    found = sent(robot, version, 1_000, skill=1, seed=1, prefix="a", hours=240)
    for row in found:
        row["score"] = 0.75 * row["score"] + 0.25 * row["was_late"]
    world.send(robot, newer, found)
    world.work("monitoring.")
    design = replace(SHADOW, endpoint="brier", planned_rows=1_000)
    seen = looked(olga, declared(olga, model, design))
    assert seen.answer == "better"
    assert finding_of(seen.look, "agreement_share", looks="one")["value"] == 1.0


def test_split_traffic_is_compared_by_its_scores_too(olga, robot, model, version, newer):
    sent(robot, version, 2_000, skill=1, seed=1, prefix="a")
    sent(robot, newer, 2_000, skill=4, seed=2, prefix="b")
    seen = looked(olga, declared(olga, model, replace(SPLIT, endpoint="brier")))
    assert seen.answer == "better"
    assert finding_of(seen.look, "brier", looks="one")["n"] == 2_000


def test_late_outcomes_renew_the_looks_they_touch(olga, robot, model, version, newer):
    first = sent(robot, version, 2_000, skill=3, seed=1, prefix="a", outcomes=False)
    second = sent(robot, newer, 2_000, skill=0.5, seed=2, prefix="b", outcomes=False)
    experiment = declared(olga, model, SPLIT)
    assert looked(olga, experiment).answer == "undecided"
    schedule_looks()
    assert world.work("monitoring.look") == 0
    Experiment.objects.update(concluded_at=None)
    for found in (first, second):
        world.send_outcomes(robot, model, found)
    world.work("monitoring.join")
    assert looked(olga, experiment).answer == "worse"
    assert ExperimentLook.objects.count() == 4


def test_a_look_is_not_taken_while_rows_are_on_their_way(olga, robot, model, version, newer):
    world.send(robot, version, gathered(rows(100, prefix="a")))
    declared(olga, model, SPLIT)
    assert schedule_looks() == 0


def test_it_is_concluded_when_the_last_outcome_was_due(olga, robot, model, version, newer):
    sent(robot, version, 500, skill=2, seed=1, prefix="a")
    sent(robot, newer, 500, skill=2, seed=2, prefix="b")
    experiment = declared(olga, model, SPLIT)
    assert looked(olga, experiment).phase == Phase.WAITING
    assert schedule_looks() == 0
    assert experiment_of(olga, experiment.pk).phase == Phase.CONCLUDED
    told = Event.objects.filter(event="monitoring.experiment.concluded")
    assert told.count() == 1


def test_one_that_is_declared_after_its_start_says_so(olga, model, version, newer):
    late = declared(olga, model, SPLIT)
    now = timezone.now()
    early = declared(
        olga, model, replace(SHADOW, starts_at=now, ends_at=now + 30 * DAY, name="Soon")
    )
    told = {seen.experiment.pk: seen.afterwards for seen in experiments_of(olga)}
    assert told == {late.pk: True, early.pk: False}
    assert experiment_of(olga, early.pk).phase == Phase.RUNNING


def test_a_year_is_looked_at_thirty_times(olga, model, version, newer):
    year = declared(olga, model, replace(SPLIT, ends_at=START + 365 * DAY))
    moments = moments_of(year, START + 400 * DAY)
    assert len(moments) <= 31
    assert moments[-1] == START + 365 * DAY


def test_a_stopped_one_keeps_what_it_saw_and_looks_no_further(olga, model, version, newer):
    now = timezone.now()
    design = replace(SPLIT, starts_at=now - 3 * DAY, ends_at=now + 30 * DAY)
    experiment = declared(olga, model, design)
    with pytest.raises(ExperimentInvalid, match="Say why"):
        stop_experiment(actor=olga, experiment_id=experiment.pk, reason=" ")
    stopped = stop_experiment(actor=olga, experiment_id=experiment.pk, reason="Complaints")
    assert moments_of(stopped, now + 40 * DAY)[-1] <= now
    with pytest.raises(ExperimentInvalid, match="ended already"):
        stop_experiment(actor=olga, experiment_id=experiment.pk, reason="Again")
    assert Event.objects.filter(event="monitoring.experiment.stopped").count() == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"challenger": 1}, "challenger"),
        ({"challenger": 9}, "challenger"),
        ({"endpoint": "absolute_error"}, "endpoint"),
        ({"endpoint": "profit"}, "endpoint"),
        ({"challenger_share": None}, "challenger_share"),
        ({"challenger_share": 1.0}, "challenger_share"),
        ({"ends_at": START + timedelta(hours=3)}, "ends_at"),
        ({"ends_at": START - DAY}, "ends_at"),
        ({"planned_rows": 3}, "planned_rows"),
        ({"confidence": 0.2}, "confidence"),
        ({"name": " "}, "name"),
        ({"kind": "shadow"}, "challenger_share"),
        ({"kind": "shadow", "challenger_share": None, "endpoint": "value"}, "endpoint"),
    ],
)
def test_what_does_not_go_together_is_refused_by_name(olga, model, version, newer, changes, field):
    with pytest.raises(ExperimentInvalid) as refusal:
        declared(olga, model, replace(SPLIT, **changes))
    assert refusal.value.field == field
    assert not Experiment.objects.exists()
    assert not Event.objects.filter(event__startswith="monitoring.experiment").exists()


def test_the_same_two_are_compared_once_at_a_time(olga, model, version, newer):
    declared(olga, model, SPLIT)
    with pytest.raises(ExperimentInvalid, match="compared in this way already"):
        declared(olga, model, replace(SPLIT, name="Again"))
    assert Experiment.objects.count() == 1


def test_strangers_and_auditors_declare_nothing(sam, adam, olga, model, version, newer):
    for person in (sam, adam):
        with pytest.raises(Refused):
            declared(person, model, SPLIT)
    assert not Experiment.objects.exists()
    declared(olga, model, SPLIT)
    assert experiments_of(sam) == []
    assert len(experiments_of(adam)) == 1


def test_numbers_are_compared_by_the_size_of_their_errors(olga, robot, team):
    fields = [one for one in FIELDS if one["name"] not in ("late", "score", "was_late")]
    fields += [
        {"name": "minutes", "dtype": "number", "role": "prediction"},
        {"name": "was", "dtype": "number", "role": "outcome"},
    ]
    model = world.make_model(team, olga, slug="air-time", task="regression")

    def told(found, off):
        return [
            {k: v for k, v in row.items() if k not in ("late", "score", "was_late")}
            | {"minutes": row["temperature"] + off * (-1) ** n, "was": row["temperature"]}
            for n, row in enumerate(found)
        ]

    reference = told(rows(4_000, start=START - timedelta(days=30), hours=600, seed=9), 1.0)
    both = [world.make_version(model, number=n, fields=fields, reference=reference) for n in (1, 2)]
    found = gathered(rows(1_000, hours=240, prefix="a"))
    for version, off in zip(both, (3.0, 1.0), strict=True):
        noisy = told(found, off)
        for n, row in enumerate(noisy):
            row["minutes"] += 0.1 * (n % 7)
        body = [{k: v for k, v in row.items() if k != "was"} for row in noisy]
        world.send(robot, version, body)
    truth = [row | {"was_late": row["temperature"]} for row in found]
    world.send_outcomes(robot, model, truth)
    world.work("monitoring.")
    design = replace(SHADOW, endpoint="absolute_error", planned_rows=1_000)
    seen = looked(olga, declared(olga, model, design))
    assert seen.answer == "better"
    found = finding_of(seen.look, "absolute_error_difference", looks="one")
    assert -2.5 < found["value"] < -1.5

"""Every kind of monitor, from rows that are sent to a verdict that says the right thing."""

from datetime import timedelta

import numpy as np
import pytest
from django.utils import timezone

from monitoring.jobs import schedule
from monitoring.jobs.schedule import schedule_windows
from monitoring.models import Incident, Measurement, Monitor
from monitoring.services.ingest import accept_outcomes
from tests.monitoring import world
from tests.monitoring.world import FIELDS, START, rows

pytestmark = pytest.mark.django_db
MORE = [
    {"name": "sex", "dtype": "string", "role": "group", "categories": ["F", "M"]},
    {"name": "milliseconds", "dtype": "number", "role": "latency", "minimum": 0},
    {"name": "failed", "dtype": "boolean", "role": "error"},
    {"name": "profit", "dtype": "number", "role": "value", "unit": "EUR"},
    {"name": "gate", "dtype": "string", "role": "feature", "pattern": "[A-Z][0-9]+"},
]


def gathered(found, start=START):
    """The same rows in every eighth hour only: fewer profiles, the same windows."""
    for row in found:
        hours, rest = divmod(row["at"] - start, timedelta(hours=8))
        row["at"] = start + hours * timedelta(hours=8) + rest / 8
    return found


def richer(found, *, seed=0, slow=1.0, failing=0.001, unfair=0.0, gates=1.0, profit=5.0):
    """Rows with people's sex, latency, errors, profit and a gate."""
    rng = np.random.default_rng(seed)
    for row in found:
        row["sex"] = "F" if rng.random() < 0.4 else "M"
        if row["sex"] == "F" and rng.random() < unfair:
            row["late"] = False
        row["milliseconds"] = float(rng.lognormal(3, 0.4)) * slow
        row["failed"] = bool(rng.random() < failing)
        row["profit"] = float(rng.normal(profit, 3))
        row["gate"] = f"A{rng.integers(30)}" if rng.random() < gates else "lost"
    return found


@pytest.fixture
def service(team, olga):
    """A model whose log has everything."""
    model = world.make_model(team, olga, slug="everything")
    reference = richer(rows(4000, start=START - timedelta(days=30), hours=24 * 28, seed=99))
    return world.make_version(model, fields=[*FIELDS, *MORE], reference=reference)


def evaluated(robot, version, found, *, outcomes=True):
    world.send(robot, version, found)
    if outcomes:
        world.send_outcomes(robot, version.model, found)
    world.work("monitoring.fold")
    world.work("monitoring.join")
    schedule_windows()
    world.work("monitoring.evaluate")


def newest(name, metric="", **more):
    """The newest judged measurement of a default monitor."""
    monitor = Monitor.objects.get(name=name)
    found = Measurement.objects.filter(monitor=monitor, latest=True, **more)
    return found.filter(metric=metric or monitor.metric).order_by("-window_end").first()


def test_a_log_with_everything_gets_a_monitor_of_every_kind_with_its_reason(service):
    schedule_windows()
    monitors = Monitor.objects.filter(model=service.model)
    assert {one.kind for one in monitors} == {
        *("quality", "drift", "novelty", "performance", "estimate", "calibration", "concept"),
        *("fairness", "operations", "business"),
    }
    assert all(one.why for one in monitors)
    hourly = monitors.filter(kind="operations")
    assert {(one.window_hours, one.every_hours) for one in hourly} == {(1, 1)}


def test_women_who_are_refused_more_often_are_seen(robot, service):
    found = richer(gathered(rows(4000, hours=24 * 92, seed=7)), unfair=0.6)
    evaluated(robot, service, found)
    gap = newest("Selection rates of groups", field="sex")
    assert gap.verdict == "breach"
    assert gap.value > 0.1
    assert gap.low is not None
    rates = Measurement.objects.filter(metric="selection_rate", latest=True, run=gap.run)
    assert {one.field for one in rates} >= {"sex = F", "sex = M"}


def test_without_a_gap_groups_are_in_order(robot, service):
    evaluated(robot, service, richer(gathered(rows(4000, hours=24 * 92, seed=8))))
    assert newest("Selection rates of groups", field="sex").verdict == "ok"


def test_the_day_from_which_errors_are_others_is_found(robot, service):
    before = rows(4000, hours=24 * 60, seed=1, skill=4.0)
    after = rows(
        2200, start=START + timedelta(days=60), hours=24 * 32, seed=2, skill=0.5, prefix="a"
    )
    evaluated(robot, service, richer(gathered(before + after)))
    change = newest("Concept drift")
    assert change.verdict == "breach"
    assert change.parameters["confirmed"]
    onset = change.run.window_start + timedelta(hours=change.parameters["onset_hour"])
    assert abs(onset - (START + timedelta(days=60))) <= timedelta(days=8)
    assert change.parameters["shape"] in {"sudden", "uncertain"}


def test_a_service_that_became_slow_is_seen_within_hours(robot, service, monkeypatch):
    monkeypatch.setattr(schedule, "FINE_BACK", timedelta(hours=16))
    schedule_windows()
    Monitor.objects.exclude(name="Latency").update(enabled=False)
    Monitor.objects.filter(name="Latency").update(minimum_n=20)
    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    found = []
    for week in range(5):
        start = now - timedelta(weeks=4 - week, hours=14)
        found += rows(560, start=start, hours=14, seed=week, prefix=f"w{week}-")
    usual = [row for row in found if row["at"] < now - timedelta(hours=6)]
    slow = [row for row in found if row["at"] >= now - timedelta(hours=6)]
    evaluated(robot, service, richer(usual) + richer(slow, slow=3.0), outcomes=False)
    latency = Measurement.objects.filter(metric="latency_p95", latest=True)
    since = now - timedelta(hours=6)
    loud = latency.filter(verdict="breach", window_end__gt=since)
    assert loud.count() >= 4
    assert not latency.filter(verdict="breach", window_end__lte=since).exists()
    incident = Incident.objects.get(kind="operations")
    assert incident.entries.first().text.startswith("Opened")


def test_decisions_that_are_worth_less_are_seen(robot, service):
    evaluated(robot, service, richer(rows(2800, hours=24 * 28, seed=5), profit=3.0))
    worth = newest("Value per decision", field="")
    assert worth.verdict == "breach"
    assert worth.reference_value == pytest.approx(5.0, abs=0.2)
    by_decision = Measurement.objects.filter(run=worth.run, field__startswith="decision ")
    assert by_decision.count() >= 2


def test_texts_off_their_pattern_are_counted(robot, olga, service):
    Monitor.objects.create(
        model=service.model, name="Gates", kind="quality", metric="pattern", breach=0.05
    )
    evaluated(robot, service, richer(rows(1400, hours=168, seed=6), gates=0.8), outcomes=False)
    assert newest("Gates", field="gate").verdict == "breach"


@pytest.mark.parametrize(
    ("metric", "breach"), [("domain_classifier", 0.2), ("correlation_change", 0.3)]
)
def test_rows_that_can_be_told_apart_together_are(robot, service, metric, breach):
    Monitor.objects.create(
        model=service.model, name="Together", kind="drift", metric=metric, breach=breach
    )
    found = richer(rows(2000, hours=168, seed=9))
    for row in found:
        row["distance"] = int(max(0, 1500 + 80 * (row["temperature"] - 5)))
    evaluated(robot, service, found, outcomes=False)
    one = newest("Together")
    assert one.verdict == "breach", (one.value, one.p_value, one.reason)


def test_a_log_without_exploration_has_no_numbers_of_it(robot, model, version):
    evaluated(robot, version, gathered(rows(2800, hours=24 * 28, seed=12)))
    run = newest("ROC AUC", field="").run
    assert set(run.measurements.values_list("field", flat=True)) == {""}


def test_freshness_and_repeated_rows_have_numbers(robot, service):
    for metric in ("freshness", "uniqueness", "schema_change"):
        Monitor.objects.create(
            model=service.model, name=metric, kind="quality", metric=metric, breach=1.0
        )
    evaluated(robot, service, richer(rows(1400, hours=168, seed=10)), outcomes=False)
    assert newest("freshness").value < 3600
    assert newest("uniqueness").value == 0.0
    assert newest("schema_change", field="temperature").value == 0.0


def test_natural_outcomes_and_exploration_are_shown_apart_from_true_ones(robot, team, olga):
    model = world.make_model(team, olga, slug="shop")
    more = {"name": "at_random", "dtype": "boolean", "role": "exploration"}
    version = world.make_version(model, fields=[*FIELDS, more])
    found = gathered(rows(2800, hours=24 * 28, seed=11))
    for place, row in enumerate(found):
        row["at_random"] = place % 10 == 0
    world.send(robot, version, found)
    world.send_outcomes(robot, model, found)
    clicked = [row | {"was_late": row["was_late"] != (n % 5 == 0)} for n, row in enumerate(found)]
    accept_outcomes(
        actor=robot,
        model_id=model.pk,
        key="clicks",
        body=world.ndjson(world.outcomes(clicked)),
        content_type="application/x-ndjson",
        outcome_kind="natural",
    )
    world.work("monitoring.fold")
    world.work("monitoring.join")
    schedule_windows()
    world.work("monitoring.evaluate")
    run = newest("ROC AUC", field="").run
    found = {(one.field, one.metric): one for one in run.measurements.all()}
    assert found["natural outcomes", "agreement_share"].value == pytest.approx(0.8, abs=0.01)
    assert found["natural outcomes", "roc_auc"].value < found["", "roc_auc"].value
    assert found["exploration", "roc_auc"].n == 280
    assert found["", "roc_auc"].n == 2800
    assert found["exploration", "roc_auc"].breach is None, "only true outcomes are judged"

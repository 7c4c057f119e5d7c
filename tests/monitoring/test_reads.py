"""What pages, gates and cards read: prepared, bounded, frozen."""

import dataclasses
from datetime import timedelta

import pytest

from monitoring.jobs import parked
from monitoring.jobs.schedule import schedule_windows
from monitoring.models import Monitor, ParkedOutcome
from monitoring.reads.charts import distribution_of, series_of
from monitoring.reads.health import (
    coverage_of,
    health_of,
    latest_measurements,
    open_incidents,
)
from monitoring.reads.incidents import incident_detail, incidents_for
from monitoring.reads.runs import measurements_of, monitors_of, runs_of
from tests.monitoring import world
from tests.monitoring.world import START

pytestmark = pytest.mark.django_db
WEEK = timedelta(days=7)


@pytest.fixture
def two_weeks(robot, model, version):
    """Two weeks of which the second is warmer, with the outcomes of the first."""
    one = world.rows(700, hours=20)
    two = world.rows(700, hours=20, start=START + WEEK, prefix="g", warmer=8.0)
    last = world.rows(10, hours=2, start=START + 2 * WEEK - timedelta(hours=3), prefix="h")
    world.send(robot, version, [*one, *two, *last])
    world.send_outcomes(robot, model, one)
    world.work()
    schedule_windows()
    world.work("monitoring.evaluate")
    return version


def test_series_have_a_point_for_every_window_with_thresholds(two_weeks, django_assert_num_queries):
    monitor = Monitor.objects.get(name="Drift of inputs")
    with django_assert_num_queries(1):
        found = series_of(
            version_id=two_weeks.pk, monitor_id=monitor.pk, fields=["temperature"], metric="psi"
        )
    (series,) = found
    assert [point.verdict for point in series.points] == ["ok", "breach"]
    assert [point.window_end for point in series.points] == [START + WEEK, START + 2 * WEEK]
    assert (series.warning, series.breach) == (0.1, 0.2)
    with pytest.raises(dataclasses.FrozenInstanceError):
        series.metric = "x"


@pytest.mark.parametrize("field", ["temperature", "carrier", "night"])
def test_a_distribution_adds_up_to_all_rows(two_weeks, django_assert_max_num_queries, field):
    distribution_of(version_id=two_weeks.pk, field=field, start=START, end=START + WEEK)
    with django_assert_max_num_queries(2):
        found = distribution_of(version_id=two_weeks.pk, field=field, start=START, end=START + WEEK)
    assert (found.n, found.reference_n) == (700, 4000)
    assert sum(bar.current for bar in found.bars) == pytest.approx(1)
    assert sum(bar.reference for bar in found.bars) == pytest.approx(1)


def test_a_distribution_of_a_segment_or_of_nothing(two_weeks):
    more = {"version_id": two_weeks.pk, "start": START, "end": START + WEEK}
    part = distribution_of(field="carrier", segment="origin=JFK", **more)
    assert 0 < part.n < 700
    assert distribution_of(field="nothing", **more) is None


def test_runs_measurements_and_monitors(two_weeks, model, django_assert_num_queries):
    with django_assert_num_queries(1):
        runs = runs_of(version_id=two_weeks.pk)
    assert {run.verdict for run in runs} >= {"ok", "breach"}
    with django_assert_num_queries(1):
        numbers = measurements_of(runs[0].id)
    assert numbers[0].judged
    with django_assert_num_queries(3):
        rows = monitors_of(model_id=model.pk, version_id=two_weeks.pk)
    assert sum(row.false_alarms_per_quarter for row in rows) <= 1.0001


def test_health_incidents_and_verdicts_for_gates(two_weeks, olga, django_assert_num_queries):
    with django_assert_num_queries(1):
        health = health_of([two_weeks.pk])[two_weeks.pk]
    assert health["drift"].verdict == "breach"
    assert "temperature" in health["drift"].summary
    with django_assert_num_queries(1):
        (incident,) = open_incidents(version_id=two_weeks.pk)
    with django_assert_num_queries(1):
        latest = latest_measurements(two_weeks.pk)
    psi = next(one for one in latest if (one.field, one.metric) == ("temperature", "psi"))
    assert (psi.verdict, psi.window_end) == ("breach", START + 2 * WEEK)
    olga.held  # noqa: B018 - the roles are read once per request, not once per list
    with django_assert_num_queries(1):
        assert [row.id for row in incidents_for(olga)] == [incident.id]
    with django_assert_num_queries(4):
        detail = incident_detail(olga, incident.id)
    assert detail.alert_count == len(detail.alerts) == 1
    assert detail.timeline[0].person == ""


def test_a_stranger_reads_no_incident(two_weeks, sam):
    (incident,) = open_incidents(version_id=two_weeks.pk)
    assert incidents_for(sam) == []
    assert incident_detail(sam, incident.id) is None


def test_coverage_says_through_when_outcomes_are_due(two_weeks):
    version = type(two_weeks).objects.select_related("model").get(pk=two_weeks.pk)
    found = coverage_of(version, now=START + 2 * WEEK)
    assert (found.rows, found.labelled) == (1410, 700)
    assert found.mature_through == START + WEEK
    assert found.mature_share == 1.0


def test_parked_outcomes_that_named_a_wrong_time_are_found_by_the_retry(
    robot, model, version, monkeypatch
):
    found = world.rows(30)
    world.send(robot, version, found)
    wrong = [{**row, "at": row["at"] + timedelta(days=20)} for row in found]
    world.send_outcomes(robot, model, wrong)
    world.work()
    assert ParkedOutcome.objects.count() == 30
    assert parked.retry_parked() == 0
    monkeypatch.setattr(parked, "NOT_BEFORE", timedelta(seconds=-5))
    assert parked.retry_parked() == 30
    assert parked.retry_parked() == 0
    assert not ParkedOutcome.objects.exists()
    bins_window = coverage_of(
        type(version).objects.select_related("model").get(pk=version.pk), now=START + 5 * WEEK
    )
    assert bins_window.labelled == 30

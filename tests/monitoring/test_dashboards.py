"""The numbers behind dashboards: bounded, thinned out without hiding anything, and over the API."""

from datetime import timedelta

import pyarrow as pa
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from monitoring.models import Measurement, Monitor, Profile, Run
from monitoring.reads import baselines
from monitoring.reads.dashboards.boards import fairness_of
from monitoring.reads.dashboards.curves import reliability_of
from monitoring.reads.dashboards.heat import heat_maps_of
from monitoring.reads.dashboards.lines import Scope, lines_of
from monitoring.stats import building, storage
from tests.monitoring import world
from tests.monitoring.world import START

pytestmark = pytest.mark.django_db
HOUR, WEEK = timedelta(hours=1), timedelta(days=7)
BOARDS = (
    "performance",
    "drift",
    "distribution?field=carrier",
    "calibration",
    "fairness",
    "operations",
    "value",
)


def watch(model, kind, metric, *, hours=168, **more):
    name = f"{kind} {metric}"
    return Monitor.objects.create(
        model=model, name=name, kind=kind, metric=metric, every_hours=hours, **more
    )


def measured(monitor, version, end, values, *, verdict="ok", metric="", **more):
    """One run with a judged measurement for each field."""
    run = Run.objects.create(
        monitor=monitor,
        version=version,
        window_start=end - HOUR * monitor.every_hours,
        window_end=end,
        config_digest="c" * 16,
        verdict=verdict,
        rows=1000,
        labelled=600,
        mature=True,
        compared_with="training data",
        profile_digest="p" * 64,
        library_version="1",
    )
    for field, value in values.items():
        Measurement.objects.create(
            run=run,
            monitor=monitor,
            version=version,
            window_end=end,
            metric=metric or monitor.metric,
            field=field,
            value=value,
            n=1000,
            reference_value=0.0,
            verdict=verdict,
            parameters={"alpha": 0.01, "effect": value},
            **more,
        )
    return run


@pytest.fixture
def hourly(model, version):
    """300 hours, of which the 100th breaches."""
    monitor = watch(model, "drift", "psi", hours=1, breach=0.2)
    for hour in range(1, 301):
        breaches = hour == 100
        values = {"carrier": 0.01, "temperature": 0.4 if breaches else hour / 10_000}
        verdict = "breach" if breaches else "ok"
        measured(monitor, version, START + hour * HOUR, values, verdict=verdict)
    return monitor


def test_short_series_keep_every_window_in_three_queries(model, version, django_assert_num_queries):
    monitor = watch(model, "performance", "roc_auc", warning=0.015, breach=0.04)
    for week in range(1, 5):
        measured(monitor, version, START + week * WEEK, {"": 0.7 + week / 100})
    with django_assert_num_queries(3):
        found = lines_of(Scope(version.pk), model_id=model.pk, kinds=["performance"])
    (line,) = found.lines
    assert [point.value for point in line.points] == [0.71, 0.72, 0.73, 0.74]
    assert (line.judged, line.threshold.breach, found.thinned) == (True, 0.04, False)
    assert line.last.coverage == 0.6
    assert found.mature_through == START + 4 * WEEK


def test_thinned_series_keep_the_breach_and_the_newest_window(model, version, hourly):
    found = lines_of(Scope(version.pk, columns=10), model_id=model.pk, kinds=["drift"])
    line = next(one for one in found.lines if one.field == "temperature")
    assert found.thinned
    assert found.hours == 30
    assert len(line.points) == 10
    assert [point.value for point in line.points if point.verdict == "breach"] == [0.4]
    quiet = [point.value for point in line.points if point.verdict == "ok"]
    assert quiet == sorted(quiet)  # of each column the one farthest from the reference: the last
    assert quiet[-1] == line.last.value == 0.03
    assert line.last.window_end == START + 300 * HOUR


def test_a_long_series_is_read_with_as_many_queries_as_a_short_one(model, version, hourly):
    counts = []
    for columns in (5, 300):
        with CaptureQueriesContext(connection) as caught:
            lines_of(Scope(version.pk, columns=columns), model_id=model.pk, kinds=["drift"])
        counts.append(len(caught))
    assert counts == [3, 3]


def test_a_period_ends_and_begins_where_asked(model, version, hourly):
    scope = Scope(version.pk, since=START + 10 * HOUR, until=START + 20 * HOUR, field="carrier")
    (line,) = lines_of(scope, model_id=model.pk, kinds=["drift"]).lines
    ends = [point.window_end for point in line.points]
    assert ends == [START + hour * HOUR for hour in range(11, 21)]


def test_heat_maps_rank_the_gravest_field_first(model, version, hourly, django_assert_num_queries):
    scope = Scope(version.pk, columns=6)
    with django_assert_num_queries(2):
        found, (heat,) = heat_maps_of(scope, model_id=model.pk, kinds=["drift"])
    assert (found.hours, found.thinned, found.cut) == (50, True, False)
    assert [row.field for row in heat.rows] == ["temperature", "carrier"]
    assert len(heat.columns) == 6
    assert all(len(row.cells) == 6 for row in heat.rows)
    verdicts = [cell.verdict for cell in heat.rows[0].cells]
    assert verdicts.count("breach") == 1


def test_a_cell_shows_what_the_line_of_its_field_shows(model, version, hourly):
    scope = Scope(version.pk, columns=6)
    _, (heat,) = heat_maps_of(scope, model_id=model.pk, kinds=["drift"])
    lines = {line.field: line for line in lines_of(scope, model_id=model.pk, kinds=["drift"]).lines}
    for row in heat.rows:
        points = [
            (one.run_id, one.window_end, one.value, one.reference_value, one.verdict)
            for one in lines[row.field].points
        ]
        cells = [
            (one.run_id, one.window_end, one.value, one.reference_value, one.verdict)
            for one in row.cells
        ]
        assert cells == points


def test_a_cell_without_a_value_is_no_number(model, version):
    monitor = watch(model, "drift", "psi", breach=0.2)
    measured(monitor, version, START + WEEK, {"carrier": None}, verdict="insufficient_data")
    _, (heat,) = heat_maps_of(Scope(version.pk), model_id=model.pk, kinds=["drift"])
    (cell,) = heat.rows[0].cells
    assert (cell.value, cell.verdict) == (None, "insufficient_data")


def test_outdated_revisions_are_not_shown(model, version):
    monitor = watch(model, "drift", "psi", breach=0.2)
    run = measured(monitor, version, START + WEEK, {"carrier": 0.9}, verdict="breach", latest=False)
    Run.objects.filter(pk=run.pk).update(latest=False)
    assert lines_of(Scope(version.pk), model_id=model.pk, kinds=["drift"]).lines == ()


def test_gaps_come_with_the_rates_of_their_groups(model, version, django_assert_num_queries):
    monitor = watch(model, "fairness", "demographic_parity_difference", breach=0.1)
    run = measured(monitor, version, START + WEEK, {"sex": 0.08})
    for group, value in (("F", 0.3), ("M", 0.38)):
        for metric in ("selection_rate", "false_positive_rate"):
            Measurement.objects.create(
                run=run,
                monitor=monitor,
                version=version,
                window_end=run.window_end,
                metric=metric,
                field=f"sex = {group}",
                value=value,
                verdict="ok",
            )
    with django_assert_num_queries(3):
        _, (rates,) = fairness_of(Scope(version.pk), model_id=model.pk)
    assert (rates.gap.field, rates.rate) == ("sex", "selection_rate")
    assert [(one.field, one.last.value) for one in rates.groups] == [
        ("sex = F", 0.3),
        ("sex = M", 0.38),
    ]


def test_the_reliability_curve_counts_every_outcome_of_the_window(version):
    bins = baselines.baseline_of(version.pk).bins
    table = pa.Table.from_pylist(world.rows(500, start=START, hours=1))
    Profile.objects.create(
        version=version,
        hour=START,
        rows=500,
        labelled=500,
        counts=storage.to_bytes(building.profile_predictions(bins, table)),
        outcomes=storage.to_bytes(building.profile_outcomes(bins, table)),
    )
    found = reliability_of(version.pk, start=START, end=START + WEEK)
    assert found.n == 500
    assert sum(one.n for one in found.reference) == 4000
    true = sum(row["was_late"] for row in world.rows(500, start=START, hours=1))
    assert round(sum(one.observed * one.n for one in found.bins)) == true
    assert all(one.low <= one.observed <= one.high for one in found.bins)


def test_every_dashboard_answers_and_strangers_find_none(signed_in, olga, sam, version, hourly):
    client = signed_in(olga)
    for board in BOARDS:
        answer = client.get(f"/api/v1/models/flight-delay/dashboards/{board}")
        assert answer.status_code == 200, answer.content
        assert (answer.json()["model"], answer.json()["version"]) == ("flight-delay", 1)
    client = signed_in(sam)
    for board in BOARDS:
        assert client.get(f"/api/v1/models/flight-delay/dashboards/{board}").status_code == 404


def test_the_heat_map_answers_values_verdicts_and_runs(signed_in, olga, version, hourly):
    address = "/api/v1/models/flight-delay/dashboards/drift?columns=10"
    found = signed_in(olga).get(address).json()
    (heat,) = found["maps"]
    row = heat["rows"][0]
    assert row["field"] == "temperature"
    place = row["verdicts"].index("breach")
    assert (row["values"][place], row["heat"][place]) == (0.4, 2.0)
    assert Run.objects.get(pk=row["runs"][place]).window_end == START + 100 * HOUR
    assert (found["hours_per_column"], found["thinned"], found["cut"]) == (30, True, False)


@pytest.mark.parametrize(
    ("asked", "complaint"),
    [
        ("drift?from=yesterday", "wrong format"),
        ("drift?to=0001-01-01T00:00:00Z", "between 1970 and 2999"),
        ("drift?from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z", "earlier than"),
        ("drift?columns=100000", "less than or equal to 400"),
        ("drift?version=9", "no such version"),
        ("drift?feild=x", "Not a field of this request"),
        ("distribution", "Name the field"),
        ("distribution?field=nothing", "no counted field"),
        (
            "distribution?field=carrier&from=2026-01-01T00:00:00Z&to=2026-04-01T00:00:00Z",
            "at most 31 days",
        ),
    ],
)
def test_bad_questions_are_problems_that_say_how_to_mend(
    signed_in, olga, version, hourly, asked, complaint
):
    answer = signed_in(olga).get(f"/api/v1/models/flight-delay/dashboards/{asked}")
    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert complaint in answer.content.decode()

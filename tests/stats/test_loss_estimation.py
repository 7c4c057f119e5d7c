"""Losses before outcomes: against scikit-learn's ridge, row by row, and as right as they say."""

import json

import numpy as np
import pyarrow as pa
import pytest
from sklearn.linear_model import Ridge

from monitoring.stats import additive, cells, loss_estimation
from monitoring.stats.building import profile_outcomes, profile_predictions
from monitoring.stats.loss_estimation import Losses, cell_shares, estimate_losses, fit_losses
from monitoring.stats.performance import regression
from monitoring.stats.profiles import Profile, empty, merge
from monitoring.stats.reference import FieldSpec, Kind, Role, Schema, Task, freeze
from monitoring.stats.stability import cells_of
from monitoring.stats.trust import validity
from tests.stats.test_stability import assert_defined

SCHEMA = Schema(
    Task.REGRESSION,
    (
        FieldSpec("distance", Role.FEATURE, Kind.NUMERIC, low=0.0),
        FieldSpec("rain", Role.FEATURE, Kind.NUMERIC),
        FieldSpec("carrier", Role.FEATURE, Kind.CATEGORICAL),
        FieldSpec("minutes", Role.PREDICTION, Kind.NUMERIC),
        FieldSpec("actual", Role.OUTCOME, Kind.NUMERIC),
    ),
)


def journeys(n, seed, storm=0.2, noise=None):
    """Return journeys whose error grows with rain and depends on the carrier."""
    rng = np.random.default_rng(seed)
    distance = rng.uniform(100, 3000, n)
    rain = np.where(rng.random(n) < 1 - storm, 0.0, rng.exponential(2, n))
    carrier = rng.choice(["AA", "DL", "UA"], n, p=[0.5, 0.3, 0.2])
    scale = 5 + 3 * np.minimum(rain, 6) + 4 * (carrier == "UA")
    minutes = 20 + distance / 8
    error = rng.normal(0, scale if noise is None else noise, n)
    return pa.table(
        {
            "distance": pa.array(distance, mask=rng.random(n) < 0.03),
            "rain": rain,
            "carrier": pa.array(carrier, mask=rng.random(n) < 0.02),
            "minutes": minutes,
            "actual": minutes + error,
        }
    )


REFERENCE = journeys(20_000, 1)
BINS = freeze(SCHEMA, REFERENCE)
KNOWN = merge([profile_predictions(BINS, REFERENCE), profile_outcomes(BINS, REFERENCE)])
NAMES = ["distance", "rain", "carrier", "minutes"]


@pytest.fixture(scope="module")
def losses():
    return fit_losses(BINS, REFERENCE)


def messy(n=3_000):
    """Return rows with nulls, infinities, values out of range and unseen categories."""
    rng = np.random.default_rng(8)
    return pa.table(
        {
            "distance": rng.choice([np.nan, -5.0, np.inf, -np.inf, 800.0, 2_500.0], n),
            "rain": rng.choice([0.0, 1.0, 400.0], n),
            "carrier": pa.array(rng.choice(["AA", "new", "UA"], n), mask=rng.random(n) < 0.2),
            "minutes": rng.uniform(0, 500, n),
            "actual": rng.uniform(0, 500, n),
        }
    )


@pytest.mark.parametrize("window", [REFERENCE, journeys(3_000, 2, storm=0.6), messy()])
def test_the_estimate_from_counts_is_the_mean_of_the_rows_own_estimates(losses, window):
    found = estimate_losses(BINS, losses, KNOWN, profile_predictions(BINS, window))
    for name, power in (("mae", 1.0), ("rmse", 0.5)):
        by_row = losses.models[name].of_rows(coded(losses, window))
        assert found[name].value == pytest.approx(by_row.mean() ** power, abs=1e-9)


def coded(losses, table):
    """Place rows into the frozen cells, all fields numbered through."""
    columns, start = [], 0
    for one in losses.fields:
        columns.append(np.array(one.place)[cells.tallies_of(BINS, table, one.name)] + start)
        start += one.size
    return np.stack(columns, axis=1)


def test_the_estimate_is_the_mean_of_the_estimates_of_windows_of_one_row(losses):
    table = messy(60)
    single = [profile_predictions(BINS, table.slice(row, 1)) for row in range(60)]
    model = losses.models["mae"]
    by_row = [model.constant + cell_shares(losses, one) @ model.effects for one in single]
    found = estimate_losses(BINS, losses, KNOWN, merge(single))["mae"]
    assert found.value == pytest.approx(np.mean(by_row), abs=1e-9)


def test_rows_lie_in_the_tallies_that_profiles_count():
    for table in (messy(), REFERENCE):
        counted = profile_predictions(BINS, table)
        for name in NAMES:
            tallies = counted.counts[f"field/{name}"].copy()
            if name in BINS.numeric:
                # Rows do not tell null from NaN; their cell is the same.
                size = BINS.numeric[name].size
                tallies[size + 1] += tallies[size]
                tallies[size] = 0
            found = np.bincount(cells.tallies_of(BINS, table, name), minlength=tallies.size)
            assert found.tolist() == tallies.tolist()


def test_cells_are_those_on_which_fields_are_compared(losses):
    shares = cell_shares(losses, KNOWN)
    start = 0
    for one in losses.fields:
        compared = cells_of(BINS, KNOWN, KNOWN, one.name)
        own = shares[start : start + one.size] * KNOWN.rows
        assert own == pytest.approx(compared.reference, abs=1e-6)
        start += one.size
    assert start == shares.size


def test_effects_equal_the_ridge_of_scikit_learn():
    rng = np.random.default_rng(3)
    coded_rows = np.stack([rng.integers(0, 4, 5_000), 4 + rng.integers(0, 6, 5_000)], axis=1)
    target = rng.normal(size=10)[coded_rows].sum(axis=1) + rng.normal(size=5_000)
    design = np.zeros((5_000, 10))
    design[np.arange(5_000)[:, None], coded_rows] = 1.0
    oracle = Ridge(alpha=additive.RIDGE, solver="cholesky").fit(design, target)
    model = additive.fit_additive(coded_rows, (4, 6), target)
    assert np.abs(model.of_rows(coded_rows) - oracle.predict(design)).max() < 1e-9


def test_the_fit_survives_json_bit_by_bit(losses):
    again = Losses.from_json(json.loads(json.dumps(losses.as_json())))
    assert again.as_json() == losses.as_json()
    window = profile_predictions(BINS, journeys(500, 5))
    assert estimate_losses(BINS, again, KNOWN, window) == estimate_losses(
        BINS, losses, KNOWN, window
    )
    nothing = Losses(reason="none")
    assert Losses.from_json(nothing.as_json()).as_json() == nothing.as_json()


def test_a_stormy_window_is_seen_before_outcomes(losses):
    window = journeys(5_000, 6, storm=0.7)
    found = estimate_losses(BINS, losses, KNOWN, profile_predictions(BINS, window))
    came = regression(profile_outcomes(BINS, window))
    baseline = regression(KNOWN)
    for name in ("mae", "rmse"):
        one = found[name]
        assert one.value == pytest.approx(came[name].value, rel=0.05)
        assert one.baseline == baseline[name].value
        assert one.effect == pytest.approx(one.value - one.baseline)
        assert one.effect > 1
        assert one.p_value < 1e-6
        assert one.parameters["skill"] > 0.05
        assert one.parameters["model"] == "additive"
        assert_defined(one)


def test_the_interval_covers_the_realised_value_as_often_as_it_says():
    covered = {"mae": 0, "rmse": 0}
    for seed in range(80):
        table = journeys(2_000, 3 * seed)
        known = merge([profile_predictions(BINS, table), profile_outcomes(BINS, table)])
        window = journeys(1_000, 3 * seed + 1)
        fitted = fit_losses(BINS, table)
        found = estimate_losses(BINS, fitted, known, profile_predictions(BINS, window))
        came = regression(profile_outcomes(BINS, window))
        for name in covered:
            covered[name] += found[name].low <= came[name].value <= found[name].high
    assert all(count >= 71 for count in covered.values()), covered


def test_no_change_is_rejected_no_more_often_than_declared(losses):
    small = {"mae": 0, "rmse": 0}
    for seed in range(150):
        window = profile_predictions(BINS, journeys(1_000, 500 + seed))
        for name, one in estimate_losses(BINS, losses, KNOWN, window).items():
            small[name] += one.p_value < 0.05
    assert max(small.values()) <= 15, small


def test_fields_that_tell_nothing_give_the_constant():
    table = journeys(4_000, 9, noise=5.0)
    bins = freeze(SCHEMA, table)
    known = merge([profile_predictions(bins, table), profile_outcomes(bins, table)])
    fitted = fit_losses(bins, table)
    window = profile_predictions(bins, journeys(1_000, 10, storm=0.9))
    found = estimate_losses(bins, fitted, known, window)["mae"]
    assert found.parameters["skill"] <= 0
    assert found.parameters["model"] == "constant: the fields tell nothing"
    assert found.value == pytest.approx(regression(known)["mae"].value, rel=1e-9)
    assert found.p_value > 0.5


def test_unseen_cells_have_no_effect_and_are_reported(losses):
    for model in losses.models.values():
        assert (model.effects[cell_shares(losses, KNOWN) == 0] == 0).all()
    window = profile_predictions(BINS, messy())
    share = loss_estimation.outside_cells(losses, KNOWN, window)
    assert share == pytest.approx(0.5, abs=0.03)
    found = estimate_losses(BINS, losses, KNOWN, window)
    assert found["mae"].parameters["outside_cells"] == share
    assert not validity(found, {}, outside=share).valid


def test_realised_losses_contradict_an_estimate_that_missed_a_change(losses):
    calm, worse = journeys(3_000, 11), journeys(3_000, 12, noise=25.0)
    for table, valid in ((calm, True), (worse, False)):
        found = estimate_losses(BINS, losses, KNOWN, profile_predictions(BINS, table))
        said = validity(found, regression(profile_outcomes(BINS, table)))
        assert said.valid is valid
        assert ("mae" in said.reason) is not valid


def test_data_that_define_nothing_have_a_reason(losses):
    window = profile_predictions(BINS, journeys(200, 13))
    few = fit_losses(BINS, REFERENCE.slice(0, 99))
    unlabelled = fit_losses(BINS, REFERENCE.drop_columns(["actual"]))
    silent = fit_losses(freeze(Schema(Task.REGRESSION, SCHEMA.fields[:3]), REFERENCE), REFERENCE)
    other = fit_losses(freeze(Schema(Task.BINARY, SCHEMA.fields[:3]), REFERENCE), REFERENCE)
    for fitted, current, reason in (
        (few, window, "fewer than 100 reference rows have a prediction and an outcome"),
        (unlabelled, window, "fewer than 100 reference rows have a prediction and an outcome"),
        (silent, window, "the schema declares no prediction or no outcome"),
        (other, window, "the model is no regression"),
        (losses, empty(BINS), "no rows"),
    ):
        found = estimate_losses(BINS, fitted, KNOWN, current)
        assert {one.reason for one in found.values()} == {reason}
    with pytest.raises(ValueError, match="other bins"):
        estimate_losses(BINS, losses, KNOWN, Profile("another"))


def test_a_reference_without_outcomes_has_no_baseline(losses):
    window = profile_predictions(BINS, journeys(500, 14))
    for known in (empty(BINS), profile_predictions(BINS, REFERENCE)):
        for one in estimate_losses(BINS, losses, known, window).values():
            assert one.value > 0
            assert one.baseline is None
            assert one.p_value is None


@pytest.mark.parametrize("value", [0.0, 1e300, -7.0])
def test_constant_and_extreme_columns_never_raise(value):
    n = 300
    table = pa.table(
        {
            "distance": pa.array([None] * n, pa.float64()),
            "rain": np.full(n, 2.0),
            "carrier": ["AA"] * n,
            "minutes": np.full(n, value),
            "actual": np.zeros(n),
        }
    )
    bins = freeze(SCHEMA, table)
    known = merge([profile_predictions(bins, table), profile_outcomes(bins, table)])
    fitted = fit_losses(bins, table)
    for one in estimate_losses(bins, fitted, known, profile_predictions(bins, table)).values():
        assert_defined(one)
    assert json.dumps(fitted.as_json())


def test_many_categories_and_fields_stay_within_the_limits():
    rng = np.random.default_rng(2)
    names = [f"code_{place}" for place in range(8)]
    fields = [FieldSpec(name, Role.FEATURE, Kind.CATEGORICAL) for name in names]
    schema = Schema(Task.REGRESSION, (*fields, *SCHEMA.fields[3:]))
    texts = {name: [f"v{code}" for code in rng.integers(0, 900, 2_000)] for name in names}
    numbers = {"minutes": rng.normal(size=2_000), "actual": rng.normal(size=2_000)}
    table = pa.table(texts | numbers)
    bins = freeze(schema, table)
    coded_fields, places = cells.code(bins, table, [*names, "minutes"])
    assert max(one.size for one in coded_fields) == cells.MOST_CELLS
    assert sum(one.size for one in coded_fields) <= cells.MOST_COLUMNS
    assert [one.name for one in coded_fields] == [*names[:5], "minutes"]
    assert places.shape == (2_000, len(coded_fields))
    assert places.max() < cells.MOST_COLUMNS


def test_fields_that_do_not_fit_are_left_out_and_counted(monkeypatch):
    monkeypatch.setattr(cells, "MOST_COLUMNS", 32)
    fitted = fit_losses(BINS, REFERENCE)
    assert [one.name for one in fitted.fields] == ["distance", "carrier", "minutes"]
    window = profile_predictions(BINS, journeys(300, 15))
    found = estimate_losses(BINS, fitted, KNOWN, window)["mae"]
    assert found.parameters["fields_left_out"] == 1
    assert found.parameters["fields"] == 3

"""Profiles count what is there, merge exactly in any order, and survive storage."""

import json
import time
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitoring.stats import storage
from monitoring.stats.building import profile_outcomes, profile_predictions
from monitoring.stats.edges import Categories, freeze_categories, freeze_numeric
from monitoring.stats.exact import Exact, exact
from monitoring.stats.profiles import (
    Profile,
    categorical_view,
    empty,
    keep_unseen,
    merge,
    numeric_view,
)
from monitoring.stats.reference import Bins, FieldSpec, Kind, Role, Schema, Task, freeze
from monitoring.stats.splitting import by_hour, by_segment
from tests.stats.conftest import BINARY, flights, journeys

finite = st.floats(allow_nan=False, allow_infinity=False)
anything = st.one_of(st.none(), st.floats(), st.sampled_from([0.0, -0.0, -999.0, 1.0]))


def one_number(values):
    return pa.table({"x": pa.array(values, pa.float64())})


NUMBER = Schema(Task.REGRESSION, (FieldSpec("x", Role.FEATURE, Kind.NUMERIC, -50.0, 50.0),))
NUMBER_BINS = freeze(NUMBER, one_number([0.0] * 30 + list(np.linspace(-20, 20, 400))))
WORD = Schema(Task.REGRESSION, (FieldSpec("w", Role.FEATURE, Kind.CATEGORICAL),))
WORD_BINS = freeze(WORD, pa.table({"w": ["a", "b"]}))


def test_bins_survive_json_without_losing_a_bit(bins):
    again = Bins.from_json(json.loads(json.dumps(bins.as_json())))
    assert again == bins
    assert again.digest == bins.digest


def test_other_data_give_another_digest(bins):
    assert freeze(BINARY, flights(1_000, seed=5)).digest != bins.digest


def test_bins_do_not_depend_on_how_a_database_spells_numbers():
    one, two = (
        Schema(Task.REGRESSION, (FieldSpec("x", Role.FEATURE, Kind.NUMERIC, low, 1e22),))
        for low in (0, 0.0)
    )
    assert freeze(one, one_number([1.0])).digest == freeze(two, one_number([1.0])).digest


def test_bins_of_another_format_are_refused(bins):
    with pytest.raises(ValueError, match="format 99"):
        Bins.from_json({**bins.as_json(), "format": 99})


def test_a_mass_point_is_a_bin_of_its_own(bins):
    edges = bins.numeric["rain"]
    assert edges.masses == (0.0,)
    place = int(np.flatnonzero(edges.is_mass)[0])
    assert edges.edges[place] == 0.0
    assert edges.edges[place + 1] == np.nextafter(0.0, 1.0)


def test_deciles_fall_exactly_on_cuts():
    values = np.random.default_rng(0).normal(size=24_000)
    edges = freeze_numeric(values)
    counts = np.histogram(values, bins=edges.edges)[0]
    assert edges.size == 240
    assert counts.reshape(10, 24).sum(axis=1).tolist() == [2_400] * 10


@pytest.mark.parametrize(("values", "size"), [([], 1), ([3.0] * 9, 3), ([1.0], 1), ([np.nan], 1)])
def test_odd_references_still_give_bins(values, size):
    assert freeze_numeric(np.array(values, dtype=np.float64)).size == size


def test_the_thousand_most_frequent_categories_are_kept():
    known = freeze_categories([(f"c{place:04}", 5_000 - place) for place in range(1_500)])
    assert known.size == 1_000
    assert known.values[0] == "c0000"
    assert len(known.others) == 500
    assert Categories.from_json(known.as_json()) == known


def test_everything_in_a_numeric_field_is_counted_apart():
    values = [None, np.nan, np.inf, -np.inf, -51.0, 51.0, 52.0, 0.0, 1.5]
    view = numeric_view(NUMBER_BINS, profile_predictions(NUMBER_BINS, one_number(values)), "x")
    assert dict(view.apart) == {
        "null": 1, "nan": 1, "positive_infinite": 1, "negative_infinite": 1, "below": 1, "above": 2,
    }  # fmt: skip
    assert (view.n, view.rows, view.missing, view.out_of_range) == (2, 9, 2, 5)
    assert (view.minimum, view.maximum, view.mean) == (-51.0, 52.0, 0.75)


def test_moments_equal_numpy(bins, reference_table):
    view = numeric_view(bins, profile_predictions(bins, reference_table), "rain")
    raw = reference_table["rain"].to_numpy()
    assert view.mean == pytest.approx(raw.mean(), rel=1e-12)
    assert view.sd == pytest.approx(raw.std(), rel=1e-9)


def test_unseen_other_and_null_categories_are_told_apart():
    schema = Schema(Task.REGRESSION, (FieldSpec("w", Role.FEATURE, Kind.CATEGORICAL),))
    bins = Bins(schema, {}, {"w": Categories(("a",), ("rare",))})
    table = pa.table({"w": ["a", "a", "rare", "new", "new", "newer", None]})
    view = categorical_view(bins, profile_predictions(bins, table), "w")
    assert view.counts.tolist() == [2]
    assert dict(view.apart) == {"other": 1, "unseen": 3, "null": 1}
    assert view.most_unseen == {"new": 2, "newer": 1}


def test_one_value_has_one_spelling_whatever_its_type():
    bins = Bins(WORD, {}, {"w": Categories(("1", "0"))})
    for values in ([True, False], [1, 0], [1.0, 0.0], ["1", "0"]):
        view = categorical_view(bins, profile_predictions(bins, pa.table({"w": values})), "w")
        assert view.counts.tolist() == [1, 1]


def test_text_in_a_numeric_field_is_a_clear_error():
    with pytest.raises(ValueError, match="Field 'x' is numeric"):
        profile_predictions(NUMBER_BINS, pa.table({"x": ["many"]}))


def test_a_column_that_is_not_there_counts_as_null():
    profile = profile_predictions(NUMBER_BINS, pa.table({"y": [1, 2]}))
    assert numeric_view(NUMBER_BINS, profile, "x").missing == 2


def test_operations_are_counted():
    schema = Schema(
        Task.REGRESSION,
        (
            FieldSpec("ms", Role.LATENCY, Kind.NUMERIC),
            FieldSpec("e", Role.ERROR, Kind.CATEGORICAL),
        ),
    )
    table = pa.table({"ms": [1.0, 20.0, None], "e": ["timeout", "", None]})
    profile = profile_predictions(freeze(schema, table), table)
    assert (profile.rows, profile.errors, int(profile.latency.sum())) == (3, 1, 2)


@pytest.mark.parametrize(
    "values",
    [[True, False, None], [500, 0, None], ["timeout", "", None], pa.array(["no", "", None])],
)
def test_an_error_is_true_a_number_or_a_text(values):
    schema = Schema(Task.REGRESSION, (FieldSpec("e", Role.ERROR, Kind.CATEGORICAL),))
    table = pa.table({"e": pa.array(values)})
    assert profile_predictions(freeze(schema, table), table).errors == 1
    coded = pa.table({"e": pa.array(values).dictionary_encode()})
    if pa.types.is_string(table["e"].type):
        assert profile_predictions(freeze(schema, coded), coded).errors == 1


def test_decisions_are_counted_by_group_and_by_pair(bins, reference_table):
    profile = profile_predictions(bins, reference_table)
    frame = reference_table.to_pandas()
    place = bins.levels["sex"].index("f")
    assert profile.counts["decisions/sex"][1, place] == int(frame.late[frame.sex == "f"].sum())
    pair = profile.counts['decisions/["sex", "origin"]']
    assert pair.sum() == 20_000
    assert pair.shape == (3, 4 * 5)


def test_the_cube_equals_the_crosstab(bins, reference_table):
    cube = profile_outcomes(bins, reference_table).counts["cube/"][:, :, 0]
    frame = reference_table.to_pandas()
    for said in (0, 1):
        for was in (0, 1):
            wanted = ((frame.late.astype(int) == said) & (frame.was_late == was)).sum()
            assert cube[said, was] == wanted


def test_rows_without_outcome_are_passed_over(bins):
    table = flights(10)
    absent = table.set_column(
        table.schema.get_field_index("was_late"), "was_late", pa.nulls(10, pa.int64())
    )
    assert profile_outcomes(bins, absent).labelled_rows == 0


def test_a_threshold_decides_where_no_prediction_is_logged():
    schema = Schema(
        Task.BINARY,
        (FieldSpec("s", Role.SCORE, Kind.NUMERIC),),
        classes=("no", "yes"),
        threshold=0.5,
    )
    table = pa.table({"s": [0.2, 0.5, 0.9, None]})
    profile = profile_predictions(freeze(schema, table), table)
    assert profile.counts["decisions/"][:, 0].tolist() == [1, 2, 1]


def test_the_two_parts_come_at_different_times_and_add_up(bins):
    table = flights(500, seed=3)
    first = profile_predictions(bins, table)
    later = profile_outcomes(bins, table)
    assert first.labelled_rows == 0
    assert later.rows == 0
    both = first + later
    assert (both.rows, both.labelled_rows) == (500, 500)
    assert both == later + first


def test_streaming_in_batches_gives_the_counts_of_the_whole(bins):
    table = flights(2_000, seed=4)
    whole = profile_predictions(bins, table)
    streamed = profile_predictions(bins, table.to_batches(max_chunksize=333))
    for key, counts in whole.counts.items():
        assert np.array_equal(counts, streamed.counts[key])


@given(st.lists(st.lists(anything, max_size=12), min_size=1, max_size=5), st.randoms())
@settings(max_examples=60, deadline=None)
def test_numeric_profiles_merge_to_the_same_bits_in_any_order(batches, random):
    parts = [profile_predictions(NUMBER_BINS, one_number(batch)) for batch in batches]
    straight = merge(parts)
    random.shuffle(parts)
    folded = parts[0]
    for part in parts[1:]:
        folded = folded + part
    assert folded == straight
    assert storage.digest(folded) == storage.digest(straight)


@given(st.lists(st.lists(st.text(max_size=2), max_size=120), min_size=1, max_size=4), st.randoms())
@settings(max_examples=40, deadline=None)
def test_unseen_categories_merge_to_the_same_in_any_order(batches, random):
    tables = [pa.table({"w": pa.array(batch, pa.string())}) for batch in batches]
    parts = [profile_predictions(WORD_BINS, table) for table in tables]
    straight = merge(parts)
    random.shuffle(parts)
    assert merge([merge(parts[:2]), *parts[2:]]) == straight


@given(st.lists(finite, max_size=20), st.randoms())
@settings(max_examples=60, deadline=None)
def test_exact_sums_do_not_depend_on_order(numbers, random):
    one = sum((exact(number) for number in numbers), Exact())
    random.shuffle(numbers)
    assert sum((exact(number) for number in numbers), Exact()) == one


def test_exact_sums_refuse_what_is_no_number():
    with pytest.raises(ValueError, match="finite"):
        exact(float("nan"))


def test_huge_values_do_not_overflow():
    profile = profile_predictions(
        freeze(NUMBER, one_number([])), one_number([1e308, -1e308, 1e308])
    )
    assert storage.from_bytes(storage.to_bytes(profile)) == profile


def test_unseen_counts_stay_exact_beyond_the_limit():
    tally = {f"v{place}": place + 1 for place in range(500)}
    kept = keep_unseen(tally)
    assert len(kept) == 64
    assert all(tally[value] == count for value, count in kept.items())


def test_profiles_over_different_bins_do_not_merge(bins):
    with pytest.raises(ValueError, match="different bins"):
        merge([empty(bins), Profile("another")])
    with pytest.raises(ValueError, match="nothing to merge"):
        merge([])


def test_merging_leaves_its_parts_alone(bins):
    part = profile_predictions(bins, flights(100))
    before = storage.digest(part)
    merge([part, part, part])
    assert storage.digest(part) == before


def test_bytes_bring_back_the_same_profile(bins, regression_bins):
    one = profile_predictions(bins, flights(300)) + profile_outcomes(bins, flights(300))
    two = profile_outcomes(regression_bins, journeys(300))
    for profile in (one, two, empty(bins)):
        again = storage.from_bytes(memoryview(storage.to_bytes(profile)))
        assert again == profile
        assert storage.digest(again) == storage.digest(profile)
        assert merge([again, again]).rows == 2 * profile.rows


def test_damaged_bytes_are_refused(bins):
    raw = storage.to_bytes(profile_predictions(bins, flights(10)))
    for damaged in (b"", b"PK\x03\x04", raw[:-5], raw[:5] + b"\x00" * 40):
        with pytest.raises(ValueError, match="profile"):
            storage.from_bytes(damaged)


def test_a_day_of_25_fields_merges_in_20_milliseconds():
    rng = np.random.default_rng(0)
    names = [f"x{place}" for place in range(25)]
    schema = Schema(
        Task.REGRESSION, tuple(FieldSpec(name, Role.FEATURE, Kind.NUMERIC) for name in names)
    )
    table = pa.table({name: rng.normal(size=2_000) for name in names})
    hour = profile_predictions(freeze(schema, table), table)
    best = min(_seconds(lambda: merge([hour] * 24)) for _ in range(5))
    assert best < 0.02


def _seconds(work):
    start = time.process_time()
    work()
    return time.process_time() - start


def test_hours_and_segments_hold_every_row_once():
    at = [datetime(2013, 4, 1, hour, 30, tzinfo=UTC) for hour in (7, 5, 7, 6, 5)]
    table = pa.table({"at": at, "origin": ["JFK", "EWR", None, "JFK", "EWR"], "row": range(5)})
    hours = {hour.hour: part["row"].to_pylist() for hour, part in by_hour(table, "at")}
    assert hours == {5: [1, 4], 6: [3], 7: [0, 2]}
    assert list(hours) == [5, 6, 7]
    segments = {name: part["row"].to_pylist() for name, part in by_segment(table, "origin")}
    assert segments == {"": [2], "EWR": [1, 4], "JFK": [0, 3]}


def test_rows_without_event_time_are_refused():
    missing = pa.table({"at": pa.array([None, datetime(2013, 4, 1, tzinfo=UTC)])})
    with pytest.raises(ValueError, match="null in 1 rows"):
        list(by_hour(missing, "at"))
    with pytest.raises(ValueError, match="event times are timestamps"):
        list(by_hour(pa.table({"at": ["soon"]}), "at"))
    assert list(by_hour(missing.slice(0, 0), "at")) == []

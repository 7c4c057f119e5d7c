"""What format 2 of a profile holds equals what pandas and NumPy find in the raw rows."""

import json
import time

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitoring.stats import storage
from monitoring.stats.building import profile_outcomes, profile_predictions
from monitoring.stats.joint import CLIP, FIXED
from monitoring.stats.profiles import merge, numeric_view
from monitoring.stats.reference import Bins, FieldSpec, Kind, Role, Schema, Task, freeze
from tests.stats.conftest import flights

CLASSES = ("a", "b", "c")
MANY = Schema(
    Task.MULTICLASS,
    (
        *(FieldSpec(f"p_{name}", Role.SCORE, Kind.NUMERIC, label=name) for name in CLASSES[::-1]),
        FieldSpec("said", Role.PREDICTION, Kind.CATEGORICAL),
        FieldSpec("was", Role.OUTCOME, Kind.CATEGORICAL),
    ),
    classes=CLASSES,
)
AMOUNT = Schema(
    Task.REGRESSION,
    (
        FieldSpec("said", Role.PREDICTION, Kind.NUMERIC),
        FieldSpec("was", Role.OUTCOME, Kind.NUMERIC),
        FieldSpec("shop", Role.GROUP, Kind.CATEGORICAL),
    ),
)
PLANE = Schema(
    Task.REGRESSION, tuple(FieldSpec(name, Role.FEATURE, Kind.NUMERIC) for name in ("x", "y", "z"))
)


def classified(n, seed=0):
    rng = np.random.default_rng(seed)
    chances = rng.dirichlet([1, 2, 3], n)
    was = np.array(CLASSES)[(rng.random((n, 1)) > chances.cumsum(axis=1)[:, :2]).sum(axis=1)]
    scores = {f"p_{name}": chances[:, place] for place, name in enumerate(CLASSES)}
    return pa.table({**scores, "said": np.array(CLASSES)[chances.argmax(axis=1)], "was": was})


def amounts(n, seed=0):
    rng = np.random.default_rng(seed)
    was = np.where(rng.random(n) < 0.1, 0.0, rng.normal(100, 20, n))
    shop = rng.choice(["north", "south", None], n, p=[0.5, 0.4, 0.1])
    return pa.table({"said": was + rng.normal(1, 5, n), "was": was, "shop": shop.tolist()})


def points(n, seed=0):
    rng = np.random.default_rng(seed)
    x, y, z = rng.normal(size=(3, n))
    missing = rng.random(n) < 0.1
    return pa.table({"x": 3 * x + 7, "y": pa.array(x + y, mask=missing), "z": np.exp(2 * z)})


PLANE_BINS = freeze(PLANE, points(4_000))


def test_bins_of_format_1_are_refused_with_both_numbers(bins):
    with pytest.raises(ValueError, match=r"format 1, expected 2"):
        Bins.from_json({**bins.as_json(), "format": 1})


def test_the_schema_keeps_what_was_added(bins):
    spec = FieldSpec(
        "w", Role.FEATURE, Kind.CATEGORICAL, label="l", component="c", source="s", pattern="p+"
    )
    plain = Schema(Task.BINARY, (spec,), components=("c", "d")).as_json()
    again = Schema.from_json(json.loads(json.dumps(plain)))
    assert again.fields == (spec,)
    assert again.components == ("c", "d")
    assert {role.value for role in Role} >= {"exploration", "bytes", "cpu", "memory", "disk"}
    assert Bins.from_json(json.loads(json.dumps(bins.as_json()))).joint == bins.joint


def test_the_outcome_is_a_field_of_its_own(bins, reference_table):
    profile = profile_outcomes(bins, reference_table)
    counted = dict(
        zip(
            bins.categorical["was_late"].values,
            profile.counts["field/was_late"].tolist(),
            strict=False,
        )
    )
    assert counted == reference_table.to_pandas().was_late.astype(str).value_counts().to_dict()
    assert "field/was_late" not in profile_predictions(bins, reference_table).counts


def test_a_numeric_outcome_has_its_mean():
    table = amounts(3_000)
    view = numeric_view(bins := freeze(AMOUNT, table), profile_outcomes(bins, table), "was")
    assert view.mean == pytest.approx(table["was"].to_numpy().mean(), rel=1e-12)


def test_each_class_has_a_histogram_of_its_scores_in_the_order_of_the_classes():
    table = classified(2_000)
    bins = freeze(MANY, table)
    scores = profile_predictions(bins, table).counts["scores"]
    labelled = profile_outcomes(bins, table).counts["score"]
    assert (scores.shape, labelled.shape) == ((3, 1_000), (3, 2, 1_000))
    was = table["was"].to_numpy(zero_copy_only=False)
    for place, name in enumerate(CLASSES):
        raw = table[f"p_{name}"].to_numpy()
        edges = np.minimum((raw * 1_000).astype(int), 999)
        assert scores[place].tolist() == np.bincount(edges, minlength=1_000).tolist()
        for row, kept in enumerate((was != name, was == name)):
            wanted = np.bincount(edges[kept], minlength=1_000)
            assert labelled[place, row].tolist() == wanted.tolist()


def test_log_loss_and_brier_of_several_classes_are_exact():
    table = classified(2_000)
    sums = profile_outcomes(freeze(MANY, table), table).sums
    chances = np.stack([table[f"p_{name}"].to_numpy() for name in CLASSES], axis=1)
    actual = np.array(CLASSES) == table["was"].to_numpy(zero_copy_only=False)[:, None]
    assert float(sums["labelled/log_loss"]) == pytest.approx(-np.log(chances[actual]).sum())
    assert float(sums["labelled/brier"]) == pytest.approx(((chances - actual) ** 2).sum())


def test_a_model_that_does_not_score_every_class_has_no_scores():
    schema = Schema(Task.MULTICLASS, MANY.fields[1:], classes=CLASSES)
    table = classified(50)
    profile = profile_predictions(freeze(schema, table), table)
    assert "scores" not in profile.counts


def test_scores_by_group_are_the_grouped_histograms(bins, reference_table):
    scores = profile_predictions(bins, reference_table).counts["scores/sex"]
    labelled = profile_outcomes(bins, reference_table).counts["score/sex"]
    frame = reference_table.to_pandas()
    for place, level in enumerate(bins.levels["sex"]):
        own = frame[frame.sex == level]
        edges = np.minimum((own.score * 100).astype(int), 99)
        assert scores[place].tolist() == np.bincount(edges, minlength=100).tolist()
        for truth in (0, 1):
            wanted = np.bincount(edges[own.was_late == truth], minlength=100)
            assert labelled[place, truth].tolist() == wanted.tolist()
    assert scores.shape == (4, 100)


def test_residuals_by_group_are_the_grouped_sums():
    table = amounts(3_000)
    bins = freeze(AMOUNT, table)
    profile = profile_outcomes(bins, table)
    frame = table.to_pandas()
    frame["residual"] = frame.said - frame.was
    for place, level in enumerate(bins.levels["shop"]):
        own = frame[frame["shop"] == level].residual
        wanted = np.histogram(own, bins=bins.residual_edges)[0]
        assert profile.counts["residual/shop"][place].tolist() == wanted.tolist()
        for what, values in {"residual": own, "absolute": own.abs(), "squared": own**2}.items():
            total = float(profile.sums[f"labelled/{what}/shop/{level}"])
            assert total == pytest.approx(values.sum(), rel=1e-12)
    assert profile.counts["residual/shop"].sum() == 3_000


def test_percentages_leave_out_outcomes_of_zero():
    table = amounts(3_000)
    profile = profile_outcomes(freeze(AMOUNT, table), table)
    frame = table.to_pandas()
    away = frame[frame.was != 0]
    assert profile.counts["percentage"].tolist() == [len(away)]
    wanted = ((away.said - away.was).abs() / away.was.abs()).sum()
    assert float(profile.sums["labelled/percentage"]) == pytest.approx(wanted, rel=1e-12)


def test_texts_off_their_pattern_are_counted():
    schema = Schema(
        Task.REGRESSION, (FieldSpec("code", Role.FEATURE, Kind.CATEGORICAL, pattern="[A-Z]{2}|x"),)
    )
    table = pa.table({"code": ["AB", "x", "ABC", "ab", "AB\n", "", None]})
    profile = profile_predictions(freeze(schema, table), table)
    assert profile.counts["pattern/code"].tolist() == [6, 4]


def test_moments_are_whole_numbers_of_the_standardised_values():
    table = points(3_000, seed=1)
    profile = profile_predictions(PLANE_BINS, table)
    frame = table.to_pandas()
    space = PLANE_BINS.joint
    z = (frame - np.array(space.centres)) / np.array(space.scales)
    fixed = np.rint(np.clip(z, -CLIP, CLIP) * FIXED).fillna(0).to_numpy().astype(np.int64)
    there = frame.notna().to_numpy().astype(np.int64)
    assert profile.counts["moments/sum"].tolist() == fixed.sum(axis=0).tolist()
    assert profile.counts["moments/product"].tolist() == (fixed.T @ fixed).tolist()
    assert profile.counts["moments/pairs"].tolist() == (there.T @ there).tolist()


def test_scales_and_centres_are_those_of_the_reference():
    frame = points(4_000).to_pandas()
    assert PLANE_BINS.joint.scales == pytest.approx(frame.std(ddof=0).tolist(), rel=1e-9)
    assert PLANE_BINS.joint.centres == pytest.approx(frame.median().tolist(), abs=0.02)


def test_one_numeric_feature_has_no_moments():
    schema = Schema(Task.REGRESSION, PLANE.fields[:1])
    profile = profile_predictions(freeze(schema, points(50)), points(50))
    assert "moments/sum" not in profile.counts
    assert profile.counts["novel"].tolist() == [50, 0, 0, 0]


def test_sixty_numeric_features_take_part_at_most():
    rng = np.random.default_rng(0)
    names = [f"x{place}" for place in range(70)]
    schema = Schema(
        Task.REGRESSION, tuple(FieldSpec(name, Role.FEATURE, Kind.NUMERIC) for name in names)
    )
    table = pa.table({name: rng.normal(size=200) for name in names})
    profile = profile_predictions(freeze(schema, table), table)
    assert profile.counts["moments/product"].shape == (60, 60)


@given(st.lists(st.integers(0, 70), min_size=1, max_size=6), st.randoms())
@settings(max_examples=25, deadline=None)
def test_moments_and_residuals_merge_to_the_same_bits_in_any_order(sizes, random):
    table = points(420).append_column("was", points(420, seed=2)["x"])
    ends = np.cumsum([0, *sizes])
    parts = [
        profile_predictions(PLANE_BINS, table.slice(int(start), size))
        for start, size in zip(ends[:-1], sizes, strict=True)
    ]
    straight = merge(parts)
    random.shuffle(parts)
    shuffled = merge([merge(parts[:2]), *parts[2:]])
    assert storage.digest(shuffled) == storage.digest(straight)
    whole = profile_predictions(PLANE_BINS, table.slice(0, int(ends[-1])))
    for key in ("moments/sum", "moments/product", "moments/pairs", "novel"):
        assert np.array_equal(shuffled.counts[key], whole.counts[key])


def test_every_key_of_format_2_survives_storage(bins):
    many, amount = classified(100), amounts(100)
    many_bins, amount_bins = freeze(MANY, many), freeze(AMOUNT, amount)
    for frozen, table in ((bins, flights(100)), (many_bins, many), (amount_bins, amount)):
        profile = merge([profile_predictions(frozen, table), profile_outcomes(frozen, table)])
        assert storage.from_bytes(storage.to_bytes(profile)) == profile


def test_a_small_hour_of_25_fields_is_counted_in_30_milliseconds():
    rng = np.random.default_rng(0)
    names = [f"x{place}" for place in range(25)]
    schema = Schema(
        Task.REGRESSION, tuple(FieldSpec(name, Role.FEATURE, Kind.NUMERIC) for name in names)
    )
    table = pa.table({name: rng.normal(size=1_000) for name in names})
    bins = freeze(schema, table)
    taken = []
    for _ in range(5):
        start = time.process_time()
        profile_predictions(bins, table)
        taken.append(time.process_time() - start)
    assert min(taken) < 0.03

"""The worst segments: planted ones are found, and nothing is found where nothing is."""

import doctest
import time

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from monitoring.stats.worst_segments import cells, sums, worst_segments

FIELDS = ["age", "rain", "carrier", "hub", "delay"]


def rows(n, seed):
    rng = np.random.default_rng(seed)
    rain = np.where(rng.random(n) < 0.7, 0.0, rng.exponential(1, n))
    return {
        "age": rng.normal(40, 10, n),
        "rain": rain,
        "carrier": rng.choice(["AA", "B6", "DL", "UA"], n),
        "hub": rng.random(n) < 0.4,
        "delay": rng.integers(0, 4, n),
    }


def search(fields, loss, **options):
    return worst_segments(pa.table({**fields, "loss": loss}), loss="loss", fields=FIELDS, **options)


@pytest.mark.parametrize("module", [cells, sums])
def test_the_examples_in_the_docstrings_run(module):
    assert doctest.testmod(module, extraglobs={"np": np, "pyarrow": pa}).failed == 0


def test_a_planted_pair_of_conditions_is_found_and_measured():
    exact = 0
    for seed in range(20):
        fields = rows(20_000, seed)
        bad = (fields["carrier"] == "B6") & fields["hub"]
        loss = np.random.default_rng(100 + seed).random(20_000) < np.where(bad, 0.3, 0.1)
        found = search(fields, loss.astype(float)).segments
        assert found[0].name == "carrier = B6 and hub = 1"
        finding = found[0].finding
        assert finding.value == pytest.approx(0.3, abs=0.06)
        assert finding.parameters["effect_low"] < finding.effect
        exact += len(found) == 1
    assert exact >= 18


def test_a_single_condition_is_reported_alone():
    fields = rows(20_000, 3)
    loss = np.random.default_rng(4).exponential(1, 20_000) + 0.4 * (fields["delay"] == 3)
    found = search(fields, loss)
    assert [one.name for one in found.segments] == ["delay = 3"]
    assert found.segments[0].conditions[0].low == 2.0
    assert found.searched == 18 + 127


@pytest.mark.parametrize("draw", ["rare errors", "heavy tails"])
def test_with_no_effect_false_discoveries_stay_at_the_level(draw):
    false = 0
    for seed in range(150):
        fields, rng = rows(2_000, seed), np.random.default_rng(1_000 + seed)
        heavy = rng.lognormal(0, 1.5, 2_000)
        loss = (rng.random(2_000) < 0.04).astype(float) if draw == "rare errors" else heavy
        false += bool(search(fields, loss, seed=seed).segments)
    assert false <= stats.binom.ppf(0.95, 150, 0.05)


def test_testing_the_same_rows_that_were_searched_would_not_be_honest():
    false = 0
    for seed in range(40):
        fields, rng = rows(2_000, seed), np.random.default_rng(2_000 + seed)
        loss = rng.normal(size=2_000)
        cut, _ = cells.cut_all(pa.table(fields), FIELDS)
        everything = sums.sums_of(loss)
        scores = []
        for one in cut:
            inside = sums.counted(one.codes, loss, len(one.conditions))
            scores.append(sums.statistic(inside, everything - inside).max())
        false += max(scores) > stats.norm.isf(0.05)
    assert false > 20


def test_equal_inputs_give_equal_bits():
    fields = rows(5_000, 5)
    loss = np.random.default_rng(6).random(5_000) + 0.2 * (fields["age"] > 50)
    assert search(fields, loss) == search(fields, loss)
    assert search(fields, loss, seed=1).segments


def test_welch_is_scipys():
    rng = np.random.default_rng(7)
    one, two = rng.normal(1, 2, 80), rng.normal(0.5, 1, 300)
    wanted = stats.ttest_ind(one, two, equal_var=False, alternative="greater")
    left, right = sums.sums_of(one), sums.sums_of(two)
    assert sums.worse_p(left, right, binary=False) == pytest.approx(wanted.pvalue, abs=1e-12)
    assert float(sums.statistic(left, right)) == pytest.approx(wanted.statistic, abs=1e-12)


def test_few_errors_are_tested_by_fisher():
    one, two = (
        sums.sums_of(np.repeat([1.0, 0.0], [6, 54])),
        sums.sums_of(np.repeat([1.0, 0], [9, 400])),
    )
    wanted = stats.fisher_exact([[6, 54], [9, 400]], alternative="greater").pvalue
    assert sums.worse_p(one, two, binary=True) == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize(
    ("column", "reason"),
    [
        (pa.nulls(1_000), "values of type null are not searched"),
        (pa.nulls(1_000, pa.float64()), "the field is constant"),
        (pa.array([7] * 1_000), "the field is constant"),
        (pa.array([[1]] * 1_000), "values of type list<item: int64> are not searched"),
    ],
)
def test_fields_that_cannot_be_cut_are_skipped_with_the_reason(column, reason):
    table = pa.table({"x": column, "y": np.arange(1_000) % 2, "loss": np.arange(1_000) % 7.0})
    found = worst_segments(table, loss="loss", fields=["x", "y", "gone"])
    assert found.skipped == {"x": reason, "gone": "the field is not in the table"}
    assert found.searched == 2


def test_nulls_infinities_and_ten_thousand_categories_are_cells():
    values = np.random.default_rng(8).normal(size=20_000)
    values[:3_000], values[3_000:3_050] = np.nan, np.inf
    many = np.random.default_rng(9).integers(0, 10_000, 20_000).astype(str)
    loss = np.random.default_rng(10).random(20_000) + np.isnan(values)
    table = pa.table({"x": values, "many": pa.array(many).dictionary_encode(), "loss": loss})
    found = worst_segments(table, loss="loss", fields=["x", "many"])
    assert [one.name for one in found.segments] == ["x is null"]


@pytest.mark.parametrize(
    ("loss", "reason"),
    [
        (pa.array([1.0] * 1_000), "the loss is constant"),
        (pa.nulls(1_000, pa.float64()), "fewer than 200 rows with a loss"),
        (pa.array(["bad"] * 1_000), "fewer than 200 rows with a loss"),
        (pa.array([np.inf] * 1_000), "fewer than 200 rows with a loss"),
    ],
)
def test_losses_that_cannot_be_searched_say_why(loss, reason):
    table = pa.table({"y": np.arange(1_000) % 2, "loss": loss})
    found = worst_segments(table, loss="loss", fields=["y"])
    assert (found.segments, found.reason) == ((), reason)


def test_without_fields_nothing_is_searched():
    table = pa.table({"loss": np.arange(1_000) % 3.0})
    assert (
        worst_segments(table, loss="loss", fields=["loss"]).reason
        == "no field can be cut into cells"
    )


def test_the_whole_search_of_25_fields_is_quick():
    rng = np.random.default_rng(11)
    fields = {f"x{place}": rng.normal(size=100_000) for place in range(20)}
    fields |= {f"c{place}": rng.choice(list("abcdefghijklmno"), 100_000) for place in range(5)}
    table = pa.table({**fields, "loss": rng.random(100_000)})
    start = time.process_time()
    found = worst_segments(table, loss="loss", fields=list(fields))
    assert time.process_time() - start < 2
    assert found.searched > 10_000


def test_cells_are_named_as_people_say_them():
    table = pa.table({"weekday": [1.0, 2.0, 3.0] * 40, "wind": np.arange(120) / 7})
    weekday = [one.label for one in cells.cut(table, "weekday").conditions]
    wind = [one.label for one in cells.cut(table, "wind").conditions]
    assert weekday == ["= 1", "= 2", "= 3"]
    assert wind[0].startswith("at most ")
    assert wind[1].startswith("above ")
    assert ", at most " in wind[1]
    assert wind[-1].startswith("above ")

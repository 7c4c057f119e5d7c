"""Distances equal SciPy or a brute force from raw rows; their null keeps its promise."""

import math
import time

import numpy as np
import pyarrow as pa
import pytest
from scipy import spatial, stats

from monitoring.stats import null, stability
from monitoring.stats.building import profile_predictions
from monitoring.stats.intervals import two_shares
from monitoring.stats.multiplicity import (
    Budget,
    benjamini_hochberg,
    expected_false_alarms,
    split_budget,
)
from monitoring.stats.profiles import empty
from monitoring.stats.reference import FieldSpec, Kind, Role, Schema, Task, freeze
from tests.stats.conftest import flights

RNG = np.random.default_rng(7)
P = np.array([500, 300, 150, 40, 10])
Q = np.array([200, 180, 80, 35, 5])


def bins_of(values):
    schema = Schema(Task.REGRESSION, (FieldSpec("x", Role.FEATURE, Kind.NUMERIC),))
    return freeze(schema, pa.table({"x": pa.array(values, pa.float64())}))


def drift_of(reference, current, **options):
    bins = bins_of(reference)
    tables = [pa.table({"x": pa.array(side, pa.float64())}) for side in (reference, current)]
    left, right = (profile_predictions(bins, table) for table in tables)
    return stability.drift(bins, left, right, "x", **options)


def brute_psi(reference, current):
    """PSI from raw rows: deciles of the plain reference, the mass point 0, null, by hand."""
    plain = np.sort(reference[(reference != 0) & ~np.isnan(reference)])
    cuts = [plain[plain.size * part // 10] for part in range(1, 10)]

    def shares(values):
        rest = values[(values != 0) & ~np.isnan(values)]
        cells = [int(np.sum(np.searchsorted(cuts, rest, side="right") == d)) for d in range(10)]
        cells += [int((values == 0).sum()), int(np.isnan(values).sum())]
        return [max(cell / values.size, 1e-4) for cell in cells]

    pairs = zip(shares(reference), shares(current), strict=True)
    return sum((q - p) * math.log(q / p) for p, q in pairs)


def test_psi_equals_a_brute_force_from_raw_rows():
    reference = np.where(RNG.random(24_000) < 0.3, 0.0, RNG.normal(5, 1, 24_000))
    reference = reference[: 24_000 - (np.count_nonzero(reference) % 240)]
    current = np.where(RNG.random(5_000) < 0.4, 0.0, RNG.normal(5.2, 1.1, 5_000))
    current[:100] = np.nan
    found = drift_of(reference, current, measures=["psi"])["psi"]
    assert found.value == pytest.approx(brute_psi(reference, current), abs=1e-9)
    assert found.low < found.value < found.high
    assert found.n == 5_000


def test_distances_equal_scipy():
    p, q = P / P.sum(), Q / Q.sum()
    assert stability.js_distance(P, Q) == pytest.approx(
        spatial.distance.jensenshannon(p, q, base=2), abs=1e-9
    )
    assert stability.kl(P, Q) == pytest.approx(stats.entropy(p, q), abs=1e-9)
    assert stability.psi(P, Q) == pytest.approx(stats.entropy(p, q) + stats.entropy(q, p), abs=1e-9)
    assert stability.hellinger(P, Q) == pytest.approx(
        np.linalg.norm(np.sqrt(p) - np.sqrt(q)) / math.sqrt(2), abs=1e-12
    )
    assert stability.total_variation(P, Q) == pytest.approx(np.abs(p - q).sum() / 2, abs=1e-12)
    assert stability.l_infinity(P, Q) == pytest.approx(np.abs(p - q).max(), abs=1e-12)


def test_chi_square_equals_scipy_where_no_cell_is_sparse():
    counts = np.array([500, 300, 150]), np.array([210, 180, 80])
    found = stability.chi_square(*counts)
    wanted = stats.chi2_contingency(np.stack(counts), correction=False)
    assert found.value == pytest.approx(wanted.statistic, abs=1e-9)
    assert found.p_value == pytest.approx(wanted.pvalue, abs=1e-9)
    cramer = stats.contingency.association(np.stack(counts), method="cramer")
    assert found.effect == pytest.approx(cramer, abs=1e-9)


def test_sparse_cells_are_tested_by_draws_or_by_fisher():
    reference, current = np.array([1000, 900, 30, 20, 10]), np.array([100, 90, 1, 6, 4])
    found = stability.chi_square(reference, current, seed=3)
    assert found.parameters["test"] == "monte_carlo_1000"
    assert found == stability.chi_square(reference, current, seed=3)
    few = stability.chi_square(np.array([8, 2, 0]), np.array([1, 5, 0]))
    assert few.p_value == pytest.approx(stats.fisher_exact([[8, 2], [1, 5]]).pvalue, abs=1e-12)


def test_a_great_change_of_sparse_cells_is_beyond_what_draws_can_count():
    found = stability.chi_square(np.array([1000, 900, 20, 20, 10]), np.array([50, 40, 60, 20, 30]))
    assert found.parameters["test"] == "monte_carlo_1000"
    assert found.p_value < 1e-9


@pytest.mark.parametrize(("m", "n"), [(300, 60), (5_000, 150), (200, 5_000)])
def test_sparse_windows_without_drift_alarm_no_more_often_than_alpha(m, n):
    shares = 1 / np.arange(1, 31) ** 1.5
    shares /= shares.sum()
    assert false_alarms(contingency, m=m, n=n, shares=shares, runs=400) <= BAND
    assert false_alarms(contingency, m=m, n=n, shares=shares, runs=400, alpha=1e-3) <= 4


@pytest.mark.parametrize("shift", [0.0, 0.2, 1.0])
def test_ks_of_raw_rows_lies_within_the_reported_bound(shift):
    reference, current = RNG.normal(size=3_000), RNG.normal(shift, 1.2, 700)
    found = drift_of(reference, current, measures=["ks"])["ks"]
    exact = stats.ks_2samp(reference, current).statistic
    assert found.value <= exact + 1e-12
    assert exact <= found.parameters["upper_bound"] + 1e-12


def test_ks_of_mass_points_is_exact():
    reference, current = RNG.integers(0, 8, 2_000), RNG.integers(1, 9, 900)
    found = drift_of(reference, current, measures=["ks"])["ks"]
    wanted = stats.ks_2samp(reference, current, method="asymp")
    assert found.value == pytest.approx(wanted.statistic, abs=1e-12)
    assert found.p_value == pytest.approx(wanted.pvalue, rel=1e-9)


def test_wasserstein_is_near_that_of_raw_rows():
    reference, current = RNG.normal(size=20_000), RNG.normal(0.5, 1, 20_000)
    found = drift_of(reference, current, measures=["wasserstein"])["wasserstein"]
    raw = stats.wasserstein_distance(reference, current) / reference.std()
    assert found.value == pytest.approx(raw, abs=0.02)


def test_the_changes_of_mean_and_spread_equal_those_of_raw_rows():
    reference, current = RNG.normal(1e9, 1, 20_000), RNG.normal(1e9 + 0.1, 1.15, 10_000)
    found = drift_of(reference, current, measures=["mean_change", "sd_change"])
    wanted = (current.mean() - reference.mean()) / reference.std()
    assert found["mean_change"].value == pytest.approx(wanted, abs=1e-6)
    assert found["sd_change"].value == pytest.approx(
        math.log(current.std() / reference.std()), abs=1e-6
    )
    welch = stats.ttest_ind(current, reference, equal_var=False)
    shown = found["mean_change"].value / found["mean_change"].standard_error
    assert shown == pytest.approx(welch.statistic, rel=0.005)
    assert [one.p_value for one in found.values()] == [None, None]
    assert found["sd_change"].low > 0


def test_the_interval_of_an_unchanged_spread_holds_zero_even_with_heavy_tails():
    reference = RNG.standard_t(5, 20_000)
    bins = bins_of(reference)
    left = profile_predictions(bins, pa.table({"x": reference}))
    alarms = 0
    for _ in range(200):
        right = profile_predictions(bins, pa.table({"x": RNG.standard_t(5, 2_000)}))
        found = stability.drift(bins, left, right, "x", measures=["sd_change"])
        alarms += not found["sd_change"].low <= 0 <= found["sd_change"].high
    assert alarms <= stats.binom.ppf(0.9999, 200, 0.05)


def test_a_sentinel_a_null_and_a_new_value_are_seen():
    reference = RNG.normal(size=10_000)
    for current in (
        np.where(RNG.random(3_000) < 0.3, np.nan, RNG.normal(size=3_000)),
        np.concatenate([RNG.normal(size=2_700), np.full(300, -999.0)]),
    ):
        found = drift_of(reference, current, measures=["psi"])["psi"]
        assert found.p_value < 1e-9


def test_categorical_drift_sees_an_unseen_category(bins):
    reference = profile_predictions(bins, flights(5_000, seed=1))
    table = flights(2_000, seed=2)
    place = table.schema.get_field_index("carrier")
    strange = profile_predictions(
        bins, table.set_column(place, "carrier", pa.array(["ZZ"] * 2_000))
    )
    found = stability.drift(bins, reference, strange, "carrier")
    assert found["psi"].value > 5
    assert found["js_distance"].value == pytest.approx(1.0)
    assert found["chi_square"].p_value < 1e-12
    assert "ks" not in found


ODD = [
    [],
    [1.0],
    [np.nan] * 5,
    [np.inf, -np.inf],
    [3.0] * 500,
    [1e308, -1e308, 1e-308],
]


@pytest.mark.parametrize("reference", [*ODD, list(RNG.normal(size=300))])
@pytest.mark.parametrize("current", [*ODD, list(RNG.normal(size=300))])
def test_odd_data_give_defined_findings(reference, current):
    for finding in drift_of(np.array(reference), np.array(current)).values():
        assert_defined(finding)


def assert_defined(finding):
    """A value or a reason, and no NaN anywhere."""
    assert finding.value is not None or finding.reason
    for number in finding.as_dict().values():
        assert not (isinstance(number, float) and not math.isfinite(number))
    assert finding.p_value is None or 0 <= finding.p_value <= 1
    if finding.value is not None and finding.low is not None:
        assert finding.low <= finding.value <= finding.high


def test_an_empty_profile_gives_reasons(bins):
    full = profile_predictions(bins, flights(200))
    for name in ("age", "carrier"):
        for left, right in ((full, empty(bins)), (empty(bins), full)):
            found = stability.drift(bins, left, right, name)
            assert all(finding.value is None and finding.reason for finding in found.values())


def test_the_closed_form_null_has_the_mean_and_quantile_of_a_simulation():
    shares = np.full(10, 0.1)
    left, right = (RNG.multinomial(n, shares, size=4_000) for n in (20_000, 5_000))
    for measure in null.FACTORS:
        values = stability.DISTANCES[measure](left, right)
        formed = null.closed_form(measure, left[0], right[0])
        assert formed.mean == pytest.approx(values.mean(), rel=0.03)
        assert formed.quantile == pytest.approx(np.quantile(values, 0.95), rel=0.04)


def false_alarms(test, *, m, n, shares, runs=400, alpha=0.05):
    """Return how many of `runs` windows without drift have a p-value of at most alpha."""
    rng = np.random.default_rng(11)
    return sum(
        test(rng.multinomial(m, shares), rng.multinomial(n, shares)) <= alpha for _ in range(runs)
    )


def psi_test(reference, current):
    return null.null_of("psi", stability.psi, reference, current, seed=5).p_value


def contingency(reference, current):
    return stability.chi_square(reference, current).p_value


def one_sample(reference, current):
    """The planted fault: it takes the reference's shares as exact."""
    expected = np.maximum(reference, 0.5) / np.maximum(reference, 0.5).sum() * current.sum()
    return float(stats.chisquare(current, expected).pvalue)


BAND = int(stats.binom.ppf(0.9999, 400, 0.05))


@pytest.mark.parametrize("test", [psi_test, contingency])
@pytest.mark.parametrize(("m", "n"), [(1_000, 100), (1_000, 5_000), (20_000, 2_000)])
def test_windows_without_drift_alarm_no_more_often_than_alpha(test, m, n):
    shares = 1 / np.arange(1, 13)
    assert false_alarms(test, m=m, n=n, shares=shares / shares.sum(), runs=400) <= BAND


def test_the_planted_one_sample_test_is_caught():
    shares = np.full(20, 0.05)
    assert false_alarms(one_sample, m=1_000, n=5_000, shares=shares) > 5 * BAND
    assert false_alarms(contingency, m=1_000, n=5_000, shares=shares) <= BAND


@pytest.mark.parametrize(
    "counts",
    [
        (3, 100, 1, 120),
        (300, 1_000, 250, 1_000),
        (130, 1_000, 1_000, 10_000),
        (5, 40, 5, 40),
        (0, 2_000, 30, 3_000),
        (2_000, 2_000, 2_950, 3_000),
        (40_300, 100_000, 400_000, 1_000_000),
        (500, 100_000, 5_900, 1_000_000),
    ],
)
def test_two_shares_are_fishers_test_at_any_size(counts):
    hits, n, usual, m = counts
    p_value, test = two_shares(hits, n, usual, m)
    assert test == "fisher_exact"
    wanted = stats.fisher_exact([[hits, n - hits], [usual, m - usual]]).pvalue
    assert p_value == pytest.approx(wanted, rel=1e-8, abs=1e-300)


@pytest.mark.parametrize("expected", [21, 60, 200])
def test_two_shares_keep_their_alarms_far_out(expected):
    n, m = 2_000, 20_000
    total = expected * (n + m) // n
    hits = np.arange(min(total, n) + 1)
    chances = stats.hypergeom(n + m, total, n).pmf(hits)
    p_values = np.array([two_shares(int(k), n, total - int(k), m)[0] for k in hits])
    for alpha in (1e-2, 1e-3, 1e-4, 1e-5, 1e-6):
        assert chances[p_values <= alpha].sum() <= alpha * (1 + 1e-6)


def test_two_shares_of_a_billion_rows_take_a_moment():
    begun = time.process_time()
    p_value, _ = two_shares(500_060_000, 10**9, 500_000_000, 10**9)
    assert p_value == pytest.approx(2 * stats.norm.sf(60_000 / (10**9 / 2) ** 0.5), rel=1e-3)
    assert two_shares(600_000_000, 10**9, 500_000_000, 10**9)[0] == 0.0
    assert time.process_time() - begun < 0.5


def test_benjamini_hochberg_equals_scipy_and_passes_over_the_untested():
    raw = [0.001, 0.2, 0.03, 0.9, 0.0004, 0.03]
    wanted = stats.false_discovery_control(raw)
    assert benjamini_hochberg(raw) == pytest.approx(list(wanted))
    assert benjamini_hochberg([None, *raw])[1:] == benjamini_hochberg(raw)
    assert benjamini_hochberg([None]) == [None]


def test_the_budget_is_spent_and_not_more():
    rates = {"drift": 1.0, "quality": 24.0, "performance": 1 / 7, "asleep": 0.0}
    alphas = split_budget(rates, Budget(1.0, 90.0))
    assert expected_false_alarms(alphas, rates, 90.0) == pytest.approx(1.0, abs=0.02)
    assert alphas["asleep"] == 0.0
    assert alphas["quality"] < alphas["drift"]

"""Arms: challenger against champion at the planned end of an experiment, and their traffic.

Definition
    Difference of shares with Newcombe's interval and the test of `intervals.two_shares`; difference
    of means by Welch. Differences are challenger - champion. These hold for one look, at the
    planned end; `sequences` holds the ones for any number of looks.

    Sample ratio: chi-square of rows per arm against the declared shares; beside it, a p-value that
    is valid at every look, by a Dirichlet mixture around these shares.

Example
    >>> round(two_proportions(120, 1_000, 100, 1_000).value, 12)
    0.02

Source
    Newcombe (1998), Statistics in Medicine 17:873; Welch (1947), Biometrika 34:28; Lindon and
    Malek (2022), Anytime-valid inference for multinomial count data.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import special, stats

from monitoring.stats import null
from monitoring.stats.columns import Counts, Floats
from monitoring.stats.findings import Finding, Parameter, undefined
from monitoring.stats.intervals import CONFIDENCE, two_shares, wilson

SPARSE = 5.0
CONCENTRATION = 100.0
UNIT = (0.0, 1.0)


@dataclass(frozen=True)
class Moments:
    """n values: their sum and sum of squares around `centre` (the same one on both sides)."""

    n: int
    total: float
    squares: float
    centre: float = 0.0

    @property
    def mean(self) -> float:
        """The mean; n must be positive."""
        return self.centre + self.total / self.n

    @property
    def variance(self) -> float:
        """The unbiased variance; n must be at least 2."""
        return max(self.squares - self.total**2 / self.n, 0.0) / (self.n - 1)


def moments(values: Floats) -> Moments:
    """Return the moments of values, shape (n,); NaN counts as missing."""
    known = values[~np.isnan(values)]
    finite = known[np.isfinite(known)]
    centre = float(finite.mean()) if finite.size else 0.0
    with np.errstate(invalid="ignore"):
        return Moments(
            known.size, float((known - centre).sum()), float(((known - centre) ** 2).sum()), centre
        )


def two_proportions(
    hits: int, n: int, champion_hits: int, champion_n: int, *, confidence: float = CONFIDENCE
) -> Finding:
    """Return the difference of two shares; for one look, at the planned end."""
    measure = "share_difference"
    if problem := bad_shares(hits, n, champion_hits, champion_n, UNIT):
        return undefined(measure, n=n, reason=problem)
    share, usual = hits / n, champion_hits / champion_n
    low, high = wilson(hits, n, confidence)
    usual_low, usual_high = wilson(champion_hits, champion_n, confidence)
    p_value, test = two_shares(hits, n, champion_hits, champion_n)
    difference = share - usual
    return Finding(
        measure,
        difference,
        n,
        low=difference - float(np.hypot(share - low, usual_high - usual)),
        high=difference + float(np.hypot(high - share, usual - usual_low)),
        p_value=p_value,
        baseline=usual,
        effect=difference,
        parameters={"confidence": confidence, "champion_n": champion_n, "test": test},
    )


def welch(challenger: Moments, champion: Moments, *, confidence: float = CONFIDENCE) -> Finding:
    """Return the difference of two means; for one look, at the planned end."""
    measure = "mean_difference"
    if problem := bad_moments(challenger, champion, smallest=2):
        return undefined(measure, n=challenger.n, reason=problem)
    one, two = challenger.variance / challenger.n, champion.variance / champion.n
    degrees = (one + two) ** 2 / (one**2 / (challenger.n - 1) + two**2 / (champion.n - 1))
    difference = challenger.mean - champion.mean
    return student(
        measure,
        difference,
        (one + two) ** 0.5,
        degrees,
        n=challenger.n,
        baseline=champion.mean,
        confidence=confidence,
        champion_n=champion.n,
    )


def sample_ratio_mismatch(
    rows: Mapping[str, int], declared: Mapping[str, float], *, seed: int = 0
) -> Finding:
    """Return the largest gap between an arm's share of the rows and its declared share.

    `p_value` is for one look, `parameters["always_valid_p"]` for any number. Declared shares are
    weights and need not sum to 1; rows of an arm without a declared share refute the declaration.
    """
    measure = "sample_ratio_mismatch"
    arms = sorted({*rows, *declared})
    counts = np.array([rows.get(arm, 0) for arm in arms], np.int64)
    weights = np.array([declared.get(arm, 0.0) for arm in arms], np.float64)
    n = int(counts.sum())
    if len(arms) < 2 or not np.isfinite(weights).all() or (weights < 0).any() or not weights.any():
        return undefined(measure, n=n, reason="traffic shares are declared for fewer than two arms")
    if n < 1 or (counts < 0).any():
        return undefined(measure, n=n, reason="no rows")
    usual = weights / weights.sum()
    gap = counts / n - usual
    worst = int(np.abs(gap).argmax())
    p_value, test = _ratio_test(counts, usual, seed)
    return Finding(
        measure,
        float(np.abs(gap).max()),
        n,
        p_value=p_value,
        baseline=0.0,
        effect=float(np.abs(gap).max()),
        parameters={
            "arm": arms[worst],
            "declared": float(usual[worst]),
            "observed": float(counts[worst] / n),
            "test": test,
            "always_valid_p": float(np.exp(-max(float(ratio_evidence(counts, usual)), 0.0))),
            "seed": seed,
        },
    )


def ratio_evidence(counts: Counts, declared: Floats) -> Floats:
    """Return the log evidence against declared shares, shape (…, arms) -> (…)."""
    prior = CONCENTRATION * declared[declared > 0]
    kept = counts[..., declared > 0]
    mixture = special.gammaln(prior + kept) - special.gammaln(prior)
    total = kept.sum(axis=-1)
    scale = special.gammaln(CONCENTRATION) - special.gammaln(CONCENTRATION + total)
    evidence = scale + (mixture - kept * np.log(declared[declared > 0])).sum(axis=-1)
    undeclared: Floats = np.where(counts[..., declared <= 0].sum(axis=-1) > 0, np.inf, evidence)
    return undeclared


def student(
    measure: str,
    value: float,
    error: float,
    degrees: float,
    *,
    n: int,
    baseline: float | None,
    confidence: float,
    **parameters: Parameter,
) -> Finding:
    half = float(special.stdtrit(degrees, 0.5 + confidence / 2)) * error
    return Finding(
        measure,
        value,
        n,
        low=value - half,
        high=value + half,
        p_value=float(2 * special.stdtr(degrees, -abs(value / error))),
        baseline=baseline,
        effect=value,
        standard_error=error,
        parameters={"confidence": confidence, "degrees": degrees, **parameters},
    )


def _ratio_test(counts: Counts, declared: Floats, seed: int) -> tuple[float, str]:
    n = int(counts.sum())
    if counts[declared <= 0].any():
        return 0.0, "undeclared arm"
    counts, declared = counts[declared > 0], declared[declared > 0]
    if counts.size < 2:
        return 1.0, "one arm"
    expected = n * declared
    if expected.min() >= SPARSE:
        statistic = float(((counts - expected) ** 2 / expected).sum())
        return float(special.chdtrc(counts.size - 1, statistic)), "chi_square"
    if counts.size == 2:
        exact = stats.binomtest(int(counts[0]), n, min(float(declared[0]), 1.0))
        return float(exact.pvalue), "exact_binomial"
    drawn = np.random.default_rng(seed).multinomial(n, declared, size=null.RESAMPLES)
    values = ((drawn - expected) ** 2 / expected).sum(axis=1)
    observed = float(((counts - expected) ** 2 / expected).sum())
    return null.tail(values, observed), "resampled"


def bad_shares(
    total: float, n: int, champion: float, champion_n: int, bounds: tuple[float, float]
) -> str:
    low, high = bounds
    if n < 1 or champion_n < 1:
        return "no rows in the challenger" if n < 1 else "no rows in the champion"
    if not np.isfinite([low, high]).all() or low >= high:
        return "the bounds are not two increasing finite numbers"
    inside = (low * n <= total <= high * n, low * champion_n <= champion <= high * champion_n)
    return "" if all(inside) else "the total is not within the bounds"


def bad_moments(challenger: Moments, champion: Moments, *, smallest: int) -> str:
    if min(challenger.n, champion.n) < smallest:
        return f"fewer than {smallest} rows in an arm"
    sums = [challenger.total, challenger.squares, champion.total, champion.squares]
    if not np.isfinite(sums).all():
        return "values that are not finite"
    return "" if challenger.variance + champion.variance > 0 else "both arms are constant"

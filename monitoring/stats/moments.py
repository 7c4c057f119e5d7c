"""Moments: changes of the joint behaviour of numeric features, from sums of products alone.

Definitions, from sums (k), products (k, k) and pairwise complete rows (k, k) of scaled values
    correlation change   largest |r - r of the reference| over all pairs; each pair is tested by
                         Fisher's z, which takes the pair as about normal, and the smallest p-value
                         is multiplied by the number of pairs (Bonferroni)
    PCA error            mean squared distance of rows from the leading components of the
                         reference's correlation matrix, relative to the reference's own. The rows'
                         second moments around the reference's means suffice. Its error takes the
                         scaled values as normal; windows of the reference (`usual`) replace that by
                         the spread that they show, where it is larger

    Where values are missing, each mean is that of a feature's own rows.

Source
    Fisher (1921), Metron 1:3; Jackson and Mudholkar (1979), Technometrics 21:341, on residuals.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from monitoring.stats.columns import Counts, Floats
from monitoring.stats.findings import Finding, undefined
from monitoring.stats.intervals import CONFIDENCE, normal_finding, two_sided, z_of

FEWEST = 10
KEPT_SHARE = 0.8
UNIT = 1024.0


@dataclass(frozen=True)
class Moments:
    """Fixed-point sums of k features: `total` (k,), `product` and `pairs` (k, k), int64."""

    total: Counts
    product: Counts
    pairs: Counts

    @property
    def n(self) -> int:
        """The rows of the feature with most values."""
        return int(self.pairs.diagonal().max(initial=0))

    @property
    def means(self) -> Floats:
        """The mean of each feature, 0 where it has no value."""
        means: Floats = self.total / UNIT / np.maximum(self.pairs.diagonal(), 1)
        return means

    def second(self, centre: Floats) -> Floats:
        """Return the mean products of deviations from `centre`, shape (k, k)."""
        raw = self.product / UNIT**2 / np.maximum(self.pairs, 1)
        crossed = np.outer(self.means, centre)
        second: Floats = raw - crossed - crossed.T + np.outer(centre, centre)
        return second

    def correlations(self) -> Floats:
        """Return the correlation matrix; NaN where a feature is constant or has no rows."""
        covariance = self.second(self.means)
        scale = np.sqrt(np.maximum(covariance.diagonal(), 0.0))
        scale = np.where(scale > 1 / UNIT, scale, np.nan)
        r: Floats = np.clip(covariance / np.outer(scale, scale), -1, 1)
        return np.where(self.pairs > 0, r, np.nan)


def correlation_change(reference: Moments, current: Moments, names: Sequence[str]) -> Finding:
    """Return the largest change of any correlation; `names` are those of the k features."""
    measure, n = "correlation_change", current.n
    first, second = np.triu_indices(len(names), 1)
    before, after = (side.correlations()[first, second] for side in (reference, current))
    m_pairs, n_pairs = (side.pairs[first, second] for side in (reference, current))
    known = np.isfinite(before) & np.isfinite(after)
    known &= np.minimum(m_pairs, n_pairs) >= FEWEST
    if not known.any():
        return undefined(measure, n=n, reason="no two features vary in enough common rows")
    change = np.where(known, after - before, 0.0)
    place = int(np.abs(change).argmax())
    error = np.sqrt(1 / np.maximum(n_pairs - 3, 1) + 1 / np.maximum(m_pairs - 3, 1))
    z = np.where(known, np.abs(_fisher(after) - _fisher(before)) / error, 0.0)
    value, pairs = float(abs(change[place])), int(known.sum())
    half = z_of(CONFIDENCE) * float(error[place] * (1 - min(after[place] ** 2, 1)))
    return Finding(
        measure,
        value,
        n,
        low=max(0.0, value - half),
        high=min(2.0, value + half),
        p_value=min(1.0, pairs * two_sided(float(z.max()))),
        baseline=0.0,
        effect=value,
        parameters={
            "confidence": CONFIDENCE,
            "pair": f"{names[first[place]]} * {names[second[place]]}",
            "before": float(before[place]),
            "after": float(after[place]),
            "pairs": pairs,
            "reference_n": reference.n,
        },
    )


def pca_error(
    reference: Moments,
    current: Moments,
    *,
    kept_share: float = KEPT_SHARE,
    usual: Sequence[Moments] = (),
) -> Finding:
    """Return the window's reconstruction error relative to the reference's (1 is no change)."""
    n, m = current.n, reference.n
    r = reference.correlations()
    varying = np.isfinite(r.diagonal()) & (current.pairs.diagonal() > 0)
    if min(n, m) < FEWEST or varying.sum() < 2:
        return undefined("pca_error", n=n, reason="fewer than two features vary in enough rows")
    chosen = np.ix_(varying, varying)
    values, vectors = np.linalg.eigh(np.nan_to_num(r[chosen]))
    rest = max(1, int((np.cumsum(values) < (1 - kept_share) * values.sum()).sum()))
    left = vectors[:, :rest]
    scale = np.sqrt(reference.second(reference.means).diagonal())
    scales = np.outer(scale, scale)[chosen]

    def error_of(side: Moments) -> float:
        return float(np.sum(left * (side.second(reference.means)[chosen] / scales @ left)))

    base = error_of(reference)
    if base <= 1e-9:
        return undefined("pca_error", n=n, reason="the reference has no error to compare with")
    per_row = 2 * float((values[:rest] ** 2).sum()) / base**2
    spread = [side.n * (error_of(side) / base - 1) ** 2 for side in usual if side.n >= FEWEST]
    per_row = max(per_row, float(np.mean(spread))) if spread else per_row
    error = (per_row * (1 / n + 1 / m)) ** 0.5
    return _relative(error_of(current) / base, error, n, rest=rest, base=base, m=m)


def _relative(value: float, error: float, n: int, *, rest: int, base: float, m: int) -> Finding:
    found = normal_finding(
        "pca_error",
        value,
        error,
        n,
        bounds=(0.0, np.inf),
        components_left_out=rest,
        reference_error=base,
        reference_n=m,
    )
    return Finding(
        found.measure,
        value,
        n,
        low=found.low,
        high=found.high,
        p_value=two_sided((value - 1) / error),
        baseline=1.0,
        effect=value - 1,
        standard_error=error,
        parameters=found.parameters,
    )


def _fisher(r: Floats) -> Floats:
    limited: Floats = np.clip(r, -0.999999, 0.999999)
    return np.arctanh(limited)

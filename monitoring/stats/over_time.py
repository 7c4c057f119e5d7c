"""Over time: does a share differ by more than the parts of a window differ among themselves?

Definition
    For one bin with h_b of n_b rows in part b of B consecutive parts, share q of all n rows, and
    share p of m reference rows,

        t = |q - p| / error,   error^2 = B / (B - 1) sum (h_b - q n_b)^2 / n^2 + s (1 - s) / m,

    s the pooled share, never below the error of independent rows; Student's t with B - 1 degrees of
    freedom. Tested over the window and over its last quarter, the smaller p-value doubled.

    Rows of neighbouring hours resemble each other: weather that many rows share puts one value into
    a tenth of a week's rows by one still night. A fault comes all week, or from some moment on.

Example
    >>> all_week = np.tile([10, 990], (28, 1))
    >>> one_night = np.where(np.arange(28)[:, None] == 3, [280, 720], [0, 1000])
    >>> reference = np.array([0, 10_000])
    >>> float(chances_over_time(reference, all_week)[0]) < 1e-9
    True
    >>> float(chances_over_time(reference, one_night)[0]) > 0.1
    True

Source
    Cochran (1977), Sampling Techniques, chapter 9, on the variance of clusters.
"""

import numpy as np
from scipy import special

from monitoring.stats.columns import Counts, Floats


def chances_over_time(reference: Counts, parts: Counts) -> Floats:
    """Return the p-value of each bin's change, shape (bins,), not corrected for their number.

    `reference` has shape (bins,), `parts` (parts, bins), in the order of time.
    """
    last = parts[-max(2, parts.shape[0] // 4) :]
    both = np.minimum(_among(reference, parts), _among(reference, last))
    chances: Floats = np.minimum(1.0, 2 * both)
    return chances


def _among(reference: Counts, parts: Counts) -> Floats:
    rows = parts.sum(axis=1)
    kept, m, n = rows > 0, int(reference.sum()), int(rows.sum())
    count = int(kept.sum())
    if count < 2 or not m:
        return np.ones(reference.shape)
    hits = parts.sum(axis=0)
    p, q, pooled = reference / m, hits / n, (reference + hits) / (m + n)
    gaps = parts[kept] - rows[kept, None] * q
    among = count / (count - 1) * (gaps**2).sum(axis=0) / n**2 + pooled * (1 - pooled) / m
    error = np.sqrt(np.maximum(among, pooled * (1 - pooled) * (1 / n + 1 / m)))
    t = np.abs(q - p) / np.where(error > 0, error, np.inf)
    chances: Floats = 2 * special.stdtr(count - 1, -t)
    return chances

"""All numeric features together: moments, and rows far from the reference's centre.

Values are standardised by the reference (median, standard deviation), clipped at 8 of these, and
kept in fixed point, 1/1024: so their products are whole numbers, which add exactly in any order
and have no heavy tails.
"""

import numpy as np

from monitoring.stats.columns import Batch
from monitoring.stats.joint import standardised
from monitoring.stats.profiles import Profile
from monitoring.stats.reference import Bins

ROWS_AT_ONCE = 16_384


def joint(bins: Bins, batch: Batch, novel: int) -> Profile:
    """Count novelty, and sums and products of the standardised numeric features."""
    counts = {"novel": np.array([batch.num_rows, novel, 0, 0], np.int64)}
    space = bins.joint
    if space is None:
        return Profile(bins.digest, counts)
    size = len(space.names)
    sums = np.zeros((size,), np.int64)
    products, pairs = np.zeros((size, size), np.int64), np.zeros((size, size), np.int64)
    for start in range(0, batch.num_rows, ROWS_AT_ONCE):
        fixed, present = standardised(space, batch.slice(start, ROWS_AT_ONCE))
        sums += fixed.sum(axis=0).astype(np.int64)
        # Whole numbers below 2**53 in float64: BLAS adds them without rounding, in any order.
        products += (fixed.T @ fixed).astype(np.int64)
        whole = present.all(axis=1)
        pairs += (
            np.full((size, size), len(fixed), np.int64)
            if whole.all()
            else (present.T.astype(np.float64) @ present).astype(np.int64)
        )
        counts["novel"][2] += int(whole.sum())
        counts["novel"][3] += space.beyond(fixed[whole])
    counts |= {"moments/sum": sums, "moments/product": products, "moments/pairs": pairs}
    return Profile(bins.digest, counts)

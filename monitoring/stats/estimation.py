"""Estimation: how well a binary model does before its outcomes have arrived.

Definition
    A row with score p is taken to be positive with chance p (CBPE without recalibration). A bin of
    n rows then holds n p expected positives and n (1 - p) expected negatives, and ROC AUC is that
    of these expected counts, rows of one bin tied. The band comes from drawing outcomes with a seed.

Example
    >>> expected_auc(np.array([5, 0, 0, 5])).value
    0.875

Source
    NannyML documentation, "How it works: Confidence-based Performance Estimation".
"""

import numpy as np

from monitoring.stats.columns import Counts, Floats
from monitoring.stats.findings import Finding, undefined
from monitoring.stats.intervals import CONFIDENCE

DRAWS = 500


def expected_auc(scores: Counts, *, seed: int = 0) -> Finding:
    """Return the expected ROC AUC of score counts, shape (bins,) over [0, 1]."""
    n = int(scores.sum())
    if not n:
        return undefined("estimated_roc_auc", n=0, reason="no rows")
    chance: Floats = (np.arange(scores.size) + 0.5) / scores.size
    drawn = np.random.default_rng(seed).binomial(scores, chance, size=(DRAWS, scores.size))
    ends = [0.5 - CONFIDENCE / 2, 0.5 + CONFIDENCE / 2]
    low, high = np.nanquantile(_auc(drawn, scores - drawn), ends)
    value = float(_auc(scores * chance, scores * (1 - chance)))
    parameters = {"confidence": CONFIDENCE, "calibration": "none", "seed": seed}
    return Finding(
        "estimated_roc_auc", value, n, low=float(low), high=float(high), parameters=parameters
    )


def _auc(positives: Floats, negatives: Floats) -> Floats:
    below = np.cumsum(negatives, axis=-1) - negatives / 2
    pairs = positives.sum(axis=-1) * negatives.sum(axis=-1)
    area: Floats = (positives * below).sum(axis=-1) / np.where(pairs > 0, pairs, np.nan)
    return area

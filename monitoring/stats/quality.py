"""Quality: faults of the data itself, tested before any distance.

Definition
    Shares of rows that are missing (null, NaN), out of the declared range (with infinities) or of a
    category the reference never saw, of which some are to be expected; each with Wilson's interval
    and tested against the reference's share, which is a sample too. Volume: the rows of a window
    against those of the reference's windows of equal length, by a prediction interval on the
    square-root scale.

Example
    >>> share_change("missing_share", 90, 100, 0, 1000).effect
    0.9

Source
    Agresti, Categorical Data Analysis, 3rd ed., section 3.5; the square root stabilises the
    variance of counts (Anscombe 1948, Biometrika 35:246).
"""

from collections.abc import Sequence

import numpy as np
from scipy import special

from monitoring.stats.columns import Floats
from monitoring.stats.findings import Finding, undefined
from monitoring.stats.intervals import CONFIDENCE, share_error, two_shares, wilson
from monitoring.stats.profiles import CategoricalView, Profile, categorical_view, numeric_view
from monitoring.stats.reference import Bins

POISSON_SD = 0.5  # standard deviation of the square root of a Poisson count


def quality(bins: Bins, reference: Profile, current: Profile, name: str) -> dict[str, Finding]:
    """Return the data-quality findings of one profiled field; KeyError where it is not."""
    if name in bins.numeric:
        left, right = (numeric_view(bins, side, name) for side in (reference, current))
        pairs = {
            "missing_share": (right.missing, left.missing),
            "out_of_range_share": (right.out_of_range, left.out_of_range),
        }
        return _changes(pairs, right.rows, left.rows)
    one, two = (categorical_view(bins, side, name) for side in (reference, current))
    pairs = {
        "missing_share": (two.missing, one.missing),
        "unseen_share": (two.apart["unseen"], good_turing(one)),
    }
    return _changes(pairs, two.rows, one.rows)


def good_turing(view: CategoricalView) -> int:
    """Return how many rows of a category that it never saw a sample of this size would expect.

    That is as many as have a category all to themselves (Good 1953, Biometrika 40:237): a field
    with many rare categories brings new ones without having changed.
    """
    return max(view.apart["unseen"], int((view.counts == 1).sum()))


def missing_of(bins: Bins, profile: Profile, name: str) -> tuple[int, int]:
    """Return how many rows of one profiled field are null (or NaN), and how many rows there are."""
    if name in bins.numeric:
        numbers = numeric_view(bins, profile, name)
        return numbers.missing, numbers.rows
    labels = categorical_view(bins, profile, name)
    return labels.missing, labels.rows


def share_change(measure: str, hits: int, n: int, reference_hits: int, reference_n: int) -> Finding:
    """Return a share of the current rows, tested against the reference's share.

    The effect is the difference of the shares; `parameters["relative_effect"]` is the same
    relative to the reference, None where that is zero.
    """
    if n <= 0:
        return undefined(measure, n=0, reason="no rows")
    low, high = wilson(hits, n)
    value = hits / n
    if reference_n <= 0:
        return Finding(measure, value, n, low=low, high=high, parameters={"confidence": CONFIDENCE})
    baseline = reference_hits / reference_n
    p_value, test = two_shares(hits, n, reference_hits, reference_n)
    return Finding(
        measure,
        value,
        n,
        low=low,
        high=high,
        p_value=p_value,
        baseline=baseline,
        effect=value - baseline,
        standard_error=share_error(hits, n),
        parameters={
            "confidence": CONFIDENCE,
            "test": test,
            "reference_n": reference_n,
            "relative_effect": value / baseline - 1 if baseline else None,
        },
    )


def category_changes(
    bins: Bins, reference: Profile, current: Profile, name: str
) -> dict[str, Finding]:
    """Return the change of each category's share: a rare class that halves moves no PSI."""
    one, two = (categorical_view(bins, side, name) for side in (reference, current))
    return {
        value: share_change(
            f"share of {value}", int(two.counts[place]), two.rows, int(one.counts[place]), one.rows
        )
        for place, value in enumerate(one.values)
    }


def volume(rows: int, reference_rows: Sequence[int]) -> Finding:
    """Return the rows of a window, tested against the reference's windows of equal length.

    The effect is relative: -0.5 is half the usual number. Fewer than 3 reference windows cannot
    say what is usual.
    """
    usual = np.asarray(reference_rows, dtype=np.float64)
    if usual.size < 3:
        return Finding("volume", float(rows), rows, reason="fewer than 3 reference windows")
    mean = float(usual.mean())
    roots: Floats = np.sqrt(usual)
    spread = max(float(roots.std(ddof=1)), POISSON_SD) * (1 + 1 / usual.size) ** 0.5
    freedom = usual.size - 1
    p_value = 2 * float(special.stdtr(freedom, -abs(rows**0.5 - roots.mean()) / spread))
    half = float(special.stdtrit(freedom, 0.5 + CONFIDENCE / 2)) * spread
    return Finding(
        "volume",
        float(rows),
        rows,
        p_value=p_value,
        baseline=mean,
        effect=rows / mean - 1 if mean else None,
        parameters={
            "usual_low": max(0.0, float(roots.mean()) - half) ** 2,
            "usual_high": (float(roots.mean()) + half) ** 2,
            "windows": int(usual.size),
        },
    )


def _changes(
    pairs: dict[str, tuple[int, int]], rows: int, reference_rows: int
) -> dict[str, Finding]:
    return {
        measure: share_change(measure, hits, rows, usual, reference_rows)
        for measure, (hits, usual) in pairs.items()
    }

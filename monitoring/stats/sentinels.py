"""Sentinels: single values, such as 0 or -999, that take more or fewer rows than before.

Definition
    Known mass points: the change of each one's share. New mass: the frozen bin, not a mass point,
    whose share exceeds what its neighbours' shares suggest by at least 1 % of the rows; a shift of
    the whole field moves neighbours alike and is no sentinel. What is reported is the range of
    values that the bin can hold, because counts do not tell which value it was.

Source
    Siddiqi (2006), Credit Risk Scorecards, on special values.
"""

from dataclasses import replace

import numpy as np

from monitoring.stats.columns import Floats, shares
from monitoring.stats.edges import NumericEdges
from monitoring.stats.findings import Finding, undefined
from monitoring.stats.profiles import NumericView, Profile, numeric_view
from monitoring.stats.quality import share_change
from monitoring.stats.reference import Bins

NEW_MASS = 0.01


def mass_changes(bins: Bins, reference: Profile, current: Profile, name: str) -> dict[str, Finding]:
    """Return the change of each mass point of a numeric field, and "new_mass".

    KeyError where the field is not profiled as a numeric one. Shares are of all rows.
    """
    edges = bins.numeric[name]
    left, right = (numeric_view(bins, side, name) for side in (reference, current))
    found = {
        f"share of {mass:g}": share_change(
            f"share of {mass:g}",
            int(right.counts[place]),
            right.rows,
            int(left.counts[place]),
            left.rows,
        )
        for mass, place in zip(edges.masses, np.flatnonzero(edges.is_mass), strict=True)
    }
    return {**found, "new_mass": new_mass(edges, left, right)}


def new_mass(edges: NumericEdges, reference: NumericView, current: NumericView) -> Finding:
    """Return the share of the plain bin that stands out most; the p-value covers all bins.

    The value is the bin's share, or 0 where no bin stands out by 1 % of the rows.
    """
    plain = np.flatnonzero(~edges.is_mass)
    if not current.n or not reference.n or not plain.size:
        return undefined("new_mass", n=current.rows, reason="no values in range on one side")
    excess = _excess(shares(reference.counts[plain]), current.counts[plain] / current.n)
    place = int(plain[int(excess.argmax())])
    if excess.max() < NEW_MASS:
        return Finding("new_mass", 0.0, current.rows, p_value=1.0, baseline=0.0, effect=0.0)
    found = share_change(
        "new_mass",
        int(current.counts[place]),
        current.rows,
        int(reference.counts[place]),
        reference.rows,
    )
    low, high = float(edges.edges[place]), float(edges.edges[place + 1])
    return replace(
        found,
        p_value=None if found.p_value is None else min(1.0, plain.size * found.p_value),
        parameters={
            **found.parameters,
            "from": low if current.minimum is None else max(low, current.minimum),
            "below": high if np.isfinite(high) else current.maximum,
            "bins": int(plain.size),
        },
    )


def _excess(p: Floats, q: Floats) -> Floats:
    """Return each bin's share above what its neighbours' change suggests."""
    ratio = (q + 1e-6) / (p + 1e-6)
    padded = np.concatenate([ratio[:1] if ratio.size < 2 else ratio[1:2], ratio, ratio[-2:][:1]])
    suggested = np.maximum(padded[:-2], padded[2:]) if ratio.size > 1 else np.ones(1)
    excess: Floats = q - p * np.maximum(suggested, 1.0)
    return excess

"""Trust: whether an estimate made before outcomes may be believed.

Definition
    An estimate is invalid where what has been realised contradicts it (significantly, and by more
    than a practical minimum), or where too many rows lie outside what the reference has seen: no
    chance and no loss was learnt there.

Example
    >>> one, other = (Finding("f1", value, 900, standard_error=0.01) for value in (0.9, 0.7))
    >>> validity({"f1": one}, {"f1": other}).valid
    False

Source
    NannyML documentation, on the assumptions of confidence-based estimation.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from monitoring.stats.columns import Counts
from monitoring.stats.findings import Finding
from monitoring.stats.intervals import two_sided, wilson
from monitoring.stats.profiles import Profile

REACH = 0.025  # a score is known where the reference has a few rows within this distance
FEW = 5
OUTSIDE = 0.05


def outside_support(reference: Profile, current: Profile) -> float:
    """Return the share of the window's scores where the reference has (almost) no labelled ones.

    That is fewer than 5 rows within 0.025 of the score's bin. Of several classes the largest share
    counts; 0 where either side has no scores.
    """
    labelled, scores = reference.counts.get("score"), current.counts.get("scores")
    if labelled is None or scores is None:
        return 0.0
    windows = scores.reshape(-1, scores.shape[-1])
    known = labelled.reshape(-1, 2, scores.shape[-1]).sum(axis=1)
    shares = [_outside(*pair) for pair in zip(known, windows, strict=True)]
    return max(shares, default=0.0)


def contradiction(
    estimated: Finding, realised: Finding, *, alpha: float = 0.01, minimum: float = 0.01
) -> str:
    """Return why the realised value contradicts the estimate, or "".

    Both keys: the gap is significant at `alpha`, and at least `minimum` in the measure's unit.
    """
    if estimated.value is None or realised.value is None:
        return ""
    gap = realised.value - estimated.value
    said = estimated.parameters.get("reference_error")
    own = said if isinstance(said, float) else estimated.standard_error or 0.0
    error = float(np.hypot(realised.standard_error or 0.0, own))
    p_value = two_sided(gap / error) if error else float(gap == 0)
    if p_value > alpha or abs(gap) < minimum:
        return ""
    name = estimated.measure.replace("_", " ")
    return (
        f"The estimated {name} of {estimated.value:.3f} is contradicted by {realised.value:.3f} "
        f"realised on {realised.n} rows (p = {p_value:.2g})."
    )


@dataclass(frozen=True)
class Validity:
    """Whether an estimate may be believed, and if not why, in one or more sentences."""

    valid: bool
    reason: str = ""


def validity(
    estimated: Mapping[str, Finding],
    realised: Mapping[str, Finding],
    *,
    outside: float = 0.0,
    alpha: float = 0.01,
    minimum: float = 0.01,
    limit: float = OUTSIDE,
) -> Validity:
    """Return whether estimates hold, given what has been realised and the share `outside`.

    `outside` is that of `outside_support` (or `loss_estimation.outside_cells`); it speaks where its
    interval at the window's n lies above `limit`. `alpha` is shared by all measures compared.
    """
    n = max((found.n for found in estimated.values()), default=0)
    reasons = []
    if n and wilson(round(outside * n), n)[0] > limit:
        reasons.append(f"{outside:.1%} of {n} rows lie where the reference has (almost) none.")
    pairs = [
        (found, realised[name])
        for name, found in estimated.items()
        if found.value is not None and name in realised and realised[name].value is not None
    ]
    share = alpha / max(len(pairs), 1)
    said = (contradiction(one, other, alpha=share, minimum=minimum) for one, other in pairs)
    reasons += [sentence for sentence in said if sentence]
    return Validity(not reasons, " ".join(reasons))


def _outside(known: Counts, scores: Counts) -> float:
    total, reach = int(scores.sum()), round(REACH * scores.size)
    if not total or not known.any():
        return 0.0
    sums = np.concatenate([[0], np.cumsum(known)])
    places = np.arange(scores.size)
    near = sums[np.minimum(places + reach + 1, scores.size)] - sums[np.maximum(places - reach, 0)]
    return float(scores[near < FEW].sum() / total)

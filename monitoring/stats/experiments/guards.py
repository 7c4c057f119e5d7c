"""Guard-rails: whether a challenger does harm beyond a declared margin, at any number of looks.

Definition
    An endpoint does harm when the interval of challenger - champion over the steps (`strata`) lies
    beyond the margin on the bad side. `latency_p95` does harm when more than 5 % of the
    challenger's answers took longer than its margin (milliseconds): the same as a 95 % quantile
    above it. Rows in a bin that reaches below the limit do not count as longer.
    `demographic_parity_ratio` does harm when the ratio of the lowest selection rate of a group to
    the highest lies below its margin, with each group's interval at its part of the error rate.

    With k guard-rails each gets 1/k of the declared rate of false stops; all hold at every look.

Example
    >>> harmful(Finding("d", 0.1, 10, low=0.05, high=0.2), 0.01, Better.LOWER)
    True

Source
    Those of `sequences` and `strata`; Bonferroni's inequality over guard-rails and groups.
"""

from collections.abc import Sequence

from monitoring.stats.experiments.arms import Moments
from monitoring.stats.experiments.endpoints import Better, Endpoint, Share, Side
from monitoring.stats.experiments.sequences import share_sequence
from monitoring.stats.experiments.strata import stratified_means, stratified_shares
from monitoring.stats.fairness.rates import decisions_of
from monitoring.stats.findings import Finding, undefined
from monitoring.stats.profiles import LATENCY_EDGES, Profile
from monitoring.stats.reference import Bins, group_labels

LATENCY, PARITY = "latency_p95", "demographic_parity_ratio"
SLOW_SHARE = 0.05


def over_steps(
    endpoint: Endpoint,
    sides: Sequence[tuple[Side, Side]],
    *,
    planned: int,
    confidence: float,
) -> Finding:
    """Return one endpoint's difference over steps; sides are (champion, challenger)."""
    arms = [(endpoint.read(new), endpoint.read(usual)) for usual, new in sides]
    shares = [
        ((new.hits, new.n), (usual.hits, usual.n))
        for new, usual in arms
        if isinstance(new, Share) and isinstance(usual, Share)
    ]
    if shares:
        return stratified_shares(shares, confidence=confidence)
    means = [
        (new, usual)
        for new, usual in arms
        if isinstance(new, Moments) and isinstance(usual, Moments)
    ]
    return stratified_means(means, planned=planned, confidence=confidence)


def harmful(found: Finding, margin: float, better: Better) -> bool:
    """Return whether the whole interval lies beyond the margin on the bad side."""
    if found.low is None or found.high is None:
        return False
    too_high, too_low = found.low > margin, found.high < -margin
    if better is Better.NEITHER:
        return too_high or too_low
    return too_high if better is Better.LOWER else too_low


def slow_answers(profile: Profile, limit: float, *, confidence: float) -> Finding:
    """Return the share of answers that took longer than `limit` milliseconds."""
    counts = profile.latency
    n = int(counts.sum())
    if not n:
        return undefined(LATENCY, n=0, reason="no latency is logged")
    return share_sequence(int(counts[LATENCY_EDGES[:-1] >= limit].sum()), n, confidence=confidence)


def parity(bins: Bins, profile: Profile, *, confidence: float) -> Finding:
    """Return the lowest ratio of selection rates over the declared groups, at any look."""
    names = bins.schema.group_names
    found = []
    for name in names:
        pairs = [pair for pair in _selected(bins, profile, name) if pair[1]]
        level = (1 - confidence) / len(names) / len(group_labels(bins, name))
        if len(pairs) > 1:
            found.append(_ratio(pairs, 1 - level))
    if not found:
        return undefined(PARITY, n=profile.rows, reason="no two groups with decisions")
    return min(found, key=lambda one: one.high if one.high is not None else 1.0)


def _selected(bins: Bins, profile: Profile, name: str) -> list[tuple[int, int]]:
    """Return (selected, decided) of each group."""
    decided = decisions_of(bins, profile, name)
    return [(int(yes), int(no + yes)) for no, yes in decided.T]


def _ratio(pairs: Sequence[tuple[int, int]], confidence: float) -> Finding:
    rates = [share_sequence(hits, n, confidence=confidence) for hits, n in pairs]
    values = [one.value or 0.0 for one in rates]
    lows = [one.low or 0.0 for one in rates]
    highs = [1.0 if one.high is None else one.high for one in rates]
    top = max(lows)
    return Finding(
        PARITY,
        min(values) / max(values) if max(values) else 1.0,
        sum(n for _, n in pairs),
        low=min(lows) / max(highs),
        high=min(1.0, min(highs) / top) if top > 0 else 1.0,
        parameters={"confidence": confidence, "groups": len(pairs), "looks": "any"},
    )

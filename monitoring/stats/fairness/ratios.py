"""Impact ratios of New York City's Local Law 144, for decisions and for scores.

Definitions, over the groups that reach the minimum n
    impact ratio         selection rate of a group / the highest selection rate of all groups
    scored impact ratio  share of a group that scores above the sample's median / the highest share

    The median is that of all rows, groups under the minimum n included. Scores are in 100 bins;
    inside the bin of the median the scores are taken as evenly spread, and
    `parameters["bin_bound"]` says how far a group's raw share may be. The finding named without a
    group is the lowest of all, with the p-value of "all groups are alike". Intervals come from
    a bootstrap: multinomial for decisions, binomial per group for scores with the median held.

Example
    >>> found = impact_ratios(np.array([[50, 80], [50, 20]]), ("a", "b"))
    >>> found["impact_ratio", "b"].value
    0.4

Source
    Rules of the City of New York, title 6, section 5-300 and following (2023).
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from monitoring.stats.columns import Counts, Floats
from monitoring.stats.fairness.gaps import NEVER, ratio_gap, selection
from monitoring.stats.fairness.rates import MINIMUM_N, too_small
from monitoring.stats.fairness.sampling import (
    RESAMPLES,
    Sample,
    deviations,
    logarithm,
    of_shares,
)
from monitoring.stats.findings import Finding, undefined
from monitoring.stats.intervals import CONFIDENCE


def impact_ratios(
    decisions: Counts, labels: Sequence[str], *, minimum_n: int = MINIMUM_N, seed: int = 0
) -> dict[tuple[str, str], Finding]:
    """Return impact ratios by (measure, group) of decisions, shape (2, groups).

    The key with an empty group holds the lowest. Groups without rows are left out.
    """
    sample = selection(decisions, labels, minimum_n=minimum_n, seed=seed)
    rows = decisions.sum(axis=0)
    return _ratios("impact_ratio", sample, rows, labels, minimum_n=minimum_n, seed=seed)


def scored_impact_ratios(
    scores: Counts, labels: Sequence[str], *, minimum_n: int = MINIMUM_N, seed: int = 0
) -> dict[tuple[str, str], Finding]:
    """Return scored impact ratios by (measure, group) of scores, shape (groups, score bins)."""
    rows, above, slack = scores.sum(axis=1), *above_median(scores)
    judged = rows >= max(minimum_n, 1)
    named = tuple(label for label, kept in zip(labels, judged, strict=True) if kept)
    hits, totals = above[judged], rows[judged]
    rng = np.random.default_rng(seed)
    shares = np.clip(hits / totals, 0.0, 1.0)
    again = rng.binomial(totals, shares, size=(RESAMPLES, totals.size)) / totals
    sample = of_shares("scoring_rate", named, hits, totals, again, seed=seed)
    found = _ratios("scored_impact_ratio", sample, rows, labels, minimum_n=minimum_n, seed=seed)
    bound = {label: float(slack[place] / max(rows[place], 1)) for place, label in enumerate(labels)}
    bound[""] = max((bound[label] for label in named), default=0.0)
    return {
        (name, label): replace(
            finding, parameters={**finding.parameters, "bin_bound": bound[label]}
        )
        for (name, label), finding in found.items()
    }


def above_median(scores: Counts) -> tuple[Floats, Floats]:
    """Return each group's rows above the overall median, and how far the raw number may be."""
    total = scores.sum(axis=0)
    if not total.any():
        return np.zeros(len(scores)), np.zeros(len(scores))
    half, cumulative = total.sum() / 2, np.cumsum(total)
    place = int(np.argmax((cumulative >= half) & (total > 0)))
    upper = (cumulative[place] - half) / total[place]
    inside = scores[:, place]
    above: Floats = scores[:, place + 1 :].sum(axis=1) + upper * inside
    return above, inside * max(upper, 1 - upper)


def _ratios(
    measure: str,
    sample: Sample,
    rows: Counts,
    labels: Sequence[str],
    *,
    minimum_n: int,
    seed: int,
) -> dict[tuple[str, str], Finding]:
    """Return the ratio of every group with rows to the highest, and under "" the lowest."""
    found = {(measure, ""): ratio_gap(measure, sample, minimum_n=minimum_n, seed=seed)}
    highest = float(sample.values.max(initial=0.0))
    for place, label in enumerate(labels):
        if label in sample.labels:
            found[measure, label] = _one(measure, sample, label, highest)
        elif rows[place]:
            reason = too_small(minimum_n)
            found[measure, label] = undefined(
                measure, n=int(rows[place]), reason=reason, judged=False
            )
    return found


def _one(measure: str, sample: Sample, label: str, highest: float) -> Finding:
    place = sample.labels.index(label)
    n, rate = int(sample.n[place]), float(sample.values[place])
    if not highest:
        return undefined(measure, n=n, reason=NEVER, judged=True, rate=rate)
    log = logarithm(sample)
    drawn = deviations(sample, log)
    apart = np.abs(drawn - drawn[:, [place]]).max(axis=1)
    reach = float(np.exp(np.nanquantile(apart, CONFIDENCE)))
    value = rate / highest
    safe = float(np.exp(log(sample.values)[place])) / highest
    return Finding(
        measure,
        value,
        n,
        low=value / reach,
        high=min(1.0, safe * reach),
        standard_error=safe * float(np.nanstd(drawn[:, place])),
        parameters={"confidence": CONFIDENCE, "judged": True, "rate": rate, "highest": highest},
    )

"""Gaps between groups: one finding of how far the groups lie apart.

Definitions, over the groups that reach the minimum n (max and min are over groups)
    demographic parity     selection rate: difference max - min, ratio min / max (the four-fifths
                           rule asks for at least 0.8)
    equal opportunity      true positive rate: difference
    equalized odds         the larger difference, the smaller ratio, of the true and the false
                           positive rates
    predictive parity      precision: difference
    treatment equality     false negatives / false positives: difference
    and the differences of base rate, accuracy and false positive rate.

    p-value: "all groups are alike"; effect: the gap less what sampling gives on average where
    they are, 0 at least. `parameters["smallest_detectable"]` is the gap found with power 0.8 at
    alpha 0.05 at these sizes (treatment equality: in the share of false negatives among errors).

Example
    >>> parity(np.array([[50, 80], [50, 20]]), ("a", "b"))["demographic_parity_ratio"].value
    0.4

Source
    Hardt et al. (2016), NeurIPS 29; EEOC Uniform Guidelines (1978), 29 CFR 1607.4(D). The
    definitions are Fairlearn's (`between_groups`).
"""

from collections.abc import Callable, Sequence

import numpy as np

from monitoring.stats.columns import Counts, Floats
from monitoring.stats.fairness.rates import MINIMUM_N, Share, rate_counts
from monitoring.stats.fairness.sampling import (
    RESAMPLES,
    Sample,
    bootstrapped,
    difference,
    of_shares,
    rates_again,
    ratio,
)
from monitoring.stats.findings import Finding, Parameter, undefined
from monitoring.stats.intervals import CONFIDENCE

TOO_FEW = "fewer than two groups reach the minimum n"
NEVER = "the rate is 0 in every group"
NO_ALARM = "a group has no false positive"

# The differences, and the rate that each is about.
DIFFERENCES = {
    "equal_opportunity_difference": "true_positive_rate",
    "false_positive_difference": "false_positive_rate",
    "predictive_parity_difference": "precision",
    "accuracy_difference": "accuracy",
    "base_rate_difference": "base_rate",
}


def parity(
    decisions: Counts, labels: Sequence[str], *, minimum_n: int = MINIMUM_N, seed: int = 0
) -> dict[str, Finding]:
    """Return demographic parity difference and ratio of decisions, shape (2, groups)."""
    sample = selection(decisions, labels, minimum_n=minimum_n, seed=seed)
    apart = gap("demographic_parity_difference", sample, minimum_n=minimum_n, seed=seed)
    below = ratio_gap("demographic_parity_ratio", [sample], minimum_n=minimum_n, seed=seed)
    return {finding.measure: finding for finding in (apart, below)}


def selection(decisions: Counts, labels: Sequence[str], *, minimum_n: int, seed: int) -> Sample:
    """Return the sample of selection rates of decisions, shape (2, groups)."""
    drawn = bootstrapped(decisions, seed)
    share, again = Share(decisions[1], decisions.sum(axis=0)), Share(drawn[:, 1], drawn.sum(axis=1))
    return sample_of("selection_rate", share, again, labels, minimum_n=minimum_n, seed=seed)


def odds(
    cube: Counts, labels: Sequence[str], *, minimum_n: int = MINIMUM_N, seed: int = 0
) -> dict[str, Finding]:
    """Return every gap of a cube prediction x outcome x group, shape (2, 2, groups).

    A group is judged by a rate if that rate's denominator reaches the minimum n.
    """
    found: dict[str, Finding] = {}
    again = rate_counts(bootstrapped(cube, seed))
    samples = {
        name: sample_of(name, share, again[name], labels, minimum_n=minimum_n, seed=seed)
        for name, share in rate_counts(cube).items()
    }
    for measure, rate in DIFFERENCES.items():
        found[measure] = gap(measure, samples[rate], minimum_n=minimum_n, seed=seed)
    both = [samples["true_positive_rate"], samples["false_positive_rate"]]
    found["equalized_odds_difference"] = _larger(both, minimum_n=minimum_n, seed=seed)
    found["equalized_odds_ratio"] = ratio_gap(
        "equalized_odds_ratio", both, minimum_n=minimum_n, seed=seed
    )
    treatment = samples["treatment"]
    found["treatment_equality_difference"] = _treatment(treatment, minimum_n=minimum_n, seed=seed)
    return found


def sample_of(
    name: str, share: Share, again: Share, labels: Sequence[str], *, minimum_n: int, seed: int
) -> Sample:
    """Return the sample of a rate over the groups whose denominator reaches the minimum n."""
    judged = share.totals >= max(minimum_n, 1)
    named = tuple(label for label, kept in zip(labels, judged, strict=True) if kept)
    rates = rates_again(again.hits[:, judged], again.totals[:, judged])
    return of_shares(name, named, share.hits[judged], share.totals[judged], rates, seed=seed)


def gap(measure: str, sample: Sample, *, minimum_n: int, seed: int) -> Finding:
    """Return the largest minus the smallest number of a sample."""
    return _finding(measure, [sample], difference, np.maximum, minimum_n=minimum_n, seed=seed)


def ratio_gap(measure: str, samples: Sequence[Sample], *, minimum_n: int, seed: int) -> Finding:
    """Return the smallest over the largest number: of several samples, the smallest ratio."""
    return _finding(measure, samples, ratio, np.minimum, minimum_n=minimum_n, seed=seed)


def _larger(samples: Sequence[Sample], *, minimum_n: int, seed: int) -> Finding:
    measure = "equalized_odds_difference"
    return _finding(measure, samples, difference, np.maximum, minimum_n=minimum_n, seed=seed)


def _treatment(sample: Sample, *, minimum_n: int, seed: int) -> Finding:
    """Return the gap in FN / FP, from the share of FN among errors."""
    measure = "treatment_equality_difference"
    if sample.values.size > 1 and (sample.values == 1).any():
        return undefined(measure, n=int(sample.n.sum()), reason=NO_ALARM, minimum_n=minimum_n)
    return _finding(measure, [sample], _odds_gap, np.maximum, minimum_n=minimum_n, seed=seed)


def _odds_gap(shares: Floats) -> Floats:
    return difference(np.where(shares < 1, shares / np.where(shares < 1, 1 - shares, 1), np.nan))


def _finding(
    measure: str,
    samples: Sequence[Sample],
    function: Callable[[Floats], Floats],
    joined: np.ufunc,
    *,
    minimum_n: int,
    seed: int,
) -> Finding:
    """Return the gap that `function` gives, over several samples the one that `joined` prefers."""
    n = int(max(sample.n.sum() for sample in samples))
    if min(sample.values.size for sample in samples) < 2:
        return undefined(measure, n=n, reason=TOO_FEW, minimum_n=minimum_n)
    each = [float(function(sample.values)) for sample in samples]
    value = float(joined.reduce(each))
    if not np.isfinite(value):
        return undefined(measure, n=n, reason=NEVER, minimum_n=minimum_n)
    worst = samples[each.index(value)]
    again = joined.reduce([function(sample.again) for sample in samples])
    null = joined.reduce([function(sample.null) for sample in samples])
    low, high = basic_interval(value, again, top=1.0 if function is ratio else np.inf)
    usual = float(np.nanmean(null)) if np.isfinite(null).any() else value
    is_ratio = function is ratio
    return Finding(
        measure,
        value,
        n,
        low=low,
        high=high,
        p_value=min(1.0, len(samples) * min(sample.p_value for sample in samples)),
        baseline=1.0 if is_ratio else 0.0,
        effect=min(0.0, value - usual) if is_ratio else max(0.0, value - usual),
        standard_error=float(np.nanstd(again)),
        parameters=_parameters(worst, minimum_n, seed) | {"null_mean": usual},
    )


def basic_interval(value: float, again: Floats, *, top: float) -> tuple[float, float]:
    """Return the bootstrap's interval turned round the value, within 0 and `top`."""
    lower, upper = np.nanquantile(again, [0.5 - CONFIDENCE / 2, 0.5 + CONFIDENCE / 2])
    low, high = 2 * value - float(upper), 2 * value - float(lower)
    return max(0.0, min(value, low)), min(top, max(value, high))


def _parameters(worst: Sample, minimum_n: int, seed: int) -> dict[str, Parameter]:
    return {
        "confidence": CONFIDENCE,
        "rate": worst.name,
        "groups": worst.values.size,
        "lowest": worst.labels[int(np.argmin(worst.values))],
        "highest": worst.labels[int(np.argmax(worst.values))],
        "smallest_detectable": worst.detectable,
        "minimum_n": minimum_n,
        "resamples": RESAMPLES,
        "seed": seed,
    }

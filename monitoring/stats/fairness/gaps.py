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

from collections.abc import Sequence

import numpy as np

from monitoring.stats.columns import Counts
from monitoring.stats.fairness.rates import MINIMUM_N, Share, rate_counts
from monitoring.stats.fairness.sampling import (
    RESAMPLES,
    Sample,
    Scale,
    bootstrapped,
    deviations,
    logarithm,
    odds_of,
    of_shares,
    plain,
    rates_again,
    spread,
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
    below = ratio_gap("demographic_parity_ratio", sample, minimum_n=minimum_n, seed=seed)
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
    found["equalized_odds_difference"] = gap(
        "equalized_odds_difference", *both, minimum_n=minimum_n, seed=seed
    )
    found["equalized_odds_ratio"] = ratio_gap(
        "equalized_odds_ratio", *both, minimum_n=minimum_n, seed=seed
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


def gap(measure: str, *samples: Sample, minimum_n: int, seed: int, scale: Scale = plain) -> Finding:
    """Return the largest minus the smallest number of a sample: of several, the larger gap."""
    n = int(max(sample.n.sum() for sample in samples))
    if min(sample.values.size for sample in samples) < 2:
        return undefined(measure, n=n, reason=TOO_FEW, minimum_n=minimum_n)
    each = [float(spread(scale(sample.values))) for sample in samples]
    value = max(each)
    drawn = [spread(deviations(sample, scale)) for sample in samples]
    reach = float(np.nanquantile(np.fmax.reduce(drawn), CONFIDENCE))
    null = np.fmax.reduce([spread(scale(sample.null)) for sample in samples])
    usual = float(np.nanmean(null))
    again = np.fmax.reduce([spread(scale(sample.again)) for sample in samples])
    return Finding(
        measure,
        value,
        n,
        low=max(0.0, value - reach),
        high=value + reach,
        p_value=_p_value(samples),
        baseline=0.0,
        effect=max(0.0, value - usual),
        standard_error=float(np.nanstd(again)),
        parameters=_parameters(samples[each.index(value)], minimum_n, seed, usual),
    )


def ratio_gap(measure: str, *samples: Sample, minimum_n: int, seed: int) -> Finding:
    """Return the smallest over the largest share of a sample: of several, the smaller ratio."""
    n = int(max(sample.n.sum() for sample in samples))
    if min(sample.values.size for sample in samples) < 2:
        return undefined(measure, n=n, reason=TOO_FEW, minimum_n=minimum_n)
    if min(float(sample.values.max()) for sample in samples) == 0:
        return undefined(measure, n=n, reason=NEVER, minimum_n=minimum_n)
    each = [float(sample.values.min() / sample.values.max()) for sample in samples]
    value = min(each)
    logs = [logarithm(sample) for sample in samples]
    pairs = list(zip(samples, logs, strict=True))
    drawn = np.fmax.reduce([spread(deviations(sample, log)) for sample, log in pairs])
    reach = float(np.exp(np.nanquantile(drawn, CONFIDENCE)))
    floor = float(np.exp(-max(float(spread(log(sample.values))) for sample, log in pairs)))
    null = np.exp(-np.fmax.reduce([spread(log(sample.null)) for sample, log in pairs]))
    again = np.exp(-np.fmax.reduce([spread(log(sample.again)) for sample, log in pairs]))
    usual = float(np.nanmean(null))
    return Finding(
        measure,
        value,
        n,
        low=value / reach,
        high=min(1.0, floor * reach),
        p_value=_p_value(samples),
        baseline=1.0,
        effect=min(0.0, value - usual),
        standard_error=float(np.nanstd(again)),
        parameters=_parameters(samples[each.index(value)], minimum_n, seed, usual),
    )


def _treatment(sample: Sample, *, minimum_n: int, seed: int) -> Finding:
    """Return the gap in FN / FP, from the share of FN among errors."""
    measure = "treatment_equality_difference"
    if sample.values.size > 1 and (sample.values == 1).any():
        return undefined(measure, n=int(sample.n.sum()), reason=NO_ALARM, minimum_n=minimum_n)
    return gap(measure, sample, minimum_n=minimum_n, seed=seed, scale=odds_of)


def _p_value(samples: Sequence[Sample]) -> float:
    """Return the smallest p-value, corrected for how many were looked at (Bonferroni)."""
    return min(1.0, len(samples) * min(sample.p_value for sample in samples))


def _parameters(worst: Sample, minimum_n: int, seed: int, usual: float) -> dict[str, Parameter]:
    return {
        "confidence": CONFIDENCE,
        "rate": worst.name,
        "groups": worst.values.size,
        "lowest": worst.labels[int(np.argmin(worst.values))],
        "highest": worst.labels[int(np.argmax(worst.values))],
        "smallest_detectable": worst.detectable,
        "null_mean": usual,
        "minimum_n": minimum_n,
        "resamples": RESAMPLES,
        "seed": seed,
    }

"""All findings of a profile's task, and their comparison with the reference."""

from dataclasses import replace

import numpy as np

from monitoring.stats.findings import Finding, undefined
from monitoring.stats.intervals import share_finding, two_sided
from monitoring.stats.performance.classes import averages, one_vs_rest
from monitoring.stats.performance.decisions import BETA, classification, confusion_of
from monitoring.stats.performance.gains import TOP, gain, lift
from monitoring.stats.performance.residuals import error_quantiles, regression
from monitoring.stats.performance.scores import losses, scored
from monitoring.stats.profiles import SCORE_BINS, Profile
from monitoring.stats.reference import Bins, Task


def performance(
    bins: Bins, profile: Profile, *, beta: float = BETA, top: float = TOP
) -> dict[str, Finding]:
    """Return all performance findings of the task, and the share of outcomes that arrived.

    `beta` is that of F-beta, `top` the share of rows of lift and gain. Every finding repeats the
    share of outcomes in `parameters["outcome_share"]`.
    """
    arrived = share_finding(
        "outcome_share", min(profile.labelled_rows, profile.rows), profile.rows, reason="no rows"
    )
    found = _of_task(bins, profile, beta=beta, top=top)
    return {"outcome_share": arrived} | {
        name: replace(finding, parameters={**finding.parameters, "outcome_share": arrived.value})
        for name, finding in found.items()
    }


def _of_task(bins: Bins, profile: Profile, *, beta: float, top: float) -> dict[str, Finding]:
    task = bins.schema.task
    if task is Task.REGRESSION:
        nothing = np.zeros(bins.residual_edges.size - 1, np.int64)
        errors = profile.counts.get("residual", nothing)
        return regression(profile) | error_quantiles(bins, errors)
    found = classification(confusion_of(bins, profile), beta=beta)
    if task is Task.MULTICLASS:
        return found | averages(confusion_of(bins, profile)) | one_vs_rest(bins, profile)
    scores = profile.counts.get("score", np.zeros((2, SCORE_BINS), np.int64))
    ranked = {"lift": lift(scores, share=top), "gain": gain(scores, share=top)}
    return found | scored(scores) | ranked | losses(profile)


def compare(current: Finding, baseline: Finding) -> Finding:
    """Return `current` with the baseline's value, the effect, and the p-value of no change.

    A z test on the two standard errors: the baseline is a sample too.
    """
    if current.value is None or baseline.value is None:
        reason = current.reason or f"the reference is undefined: {baseline.reason}"
        return undefined(current.measure, n=current.n, reason=reason)
    effect, p_value = current.value - baseline.value, None
    if current.standard_error is not None and baseline.standard_error is not None:
        spread = float(np.hypot(current.standard_error, baseline.standard_error))
        p_value = two_sided(effect / spread) if spread else float(effect == 0)
    return Finding(
        current.measure,
        current.value,
        current.n,
        low=current.low,
        high=current.high,
        p_value=p_value,
        baseline=baseline.value,
        effect=effect,
        standard_error=current.standard_error,
        parameters={**current.parameters, "reference_n": baseline.n, "test": "z"},
    )

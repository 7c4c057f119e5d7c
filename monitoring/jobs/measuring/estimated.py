"""Performance before outcomes: what scores or inputs promise, beside what came true."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from monitoring.jobs.measuring.context import Context, Counted, Raw
from monitoring.stats import estimation, performance
from monitoring.stats.findings import Finding, undefined
from monitoring.stats.loss_estimation import Losses, estimate_losses
from monitoring.stats.reference import Task
from monitoring.stats.trust import outside_support, validity

NO_LOSS_MODEL = "the reference has no outcomes that a loss could be learnt from"


def of_estimate(context: Context, rows: Counted) -> Iterator[Raw]:
    """The estimate, judged while nothing contradicts it; realised values stand beside it."""
    estimated = _estimates(context, rows)
    realised = performance.performance(context.bins, rows.profile)
    outside = outside_support(rows.reference, rows.profile)
    trust = validity(estimated, realised, outside=outside)
    for name, finding in estimated.items():
        marked = {**finding.parameters, "valid": trust.valid, "outside_support": outside}
        marked |= _beside(realised, name)
        reason = finding.reason if trust.valid else f"The estimate is invalid: {trust.reason}"
        shown = replace(finding, parameters=marked, reason=reason)
        yield Raw(shown, judged=name == context.metric)


def _estimates(context: Context, rows: Counted) -> Mapping[str, Finding]:
    if context.bins.schema.task is not Task.REGRESSION:
        return estimation.estimate(context.bins, rows.reference, rows.profile, seed=context.seed)
    if not context.baseline.loss:
        n = rows.profile.rows
        return {name: undefined(name, n=n, reason=NO_LOSS_MODEL) for name in ("mae", "rmse")}
    losses = Losses.from_json(context.baseline.loss)
    return estimate_losses(context.bins, losses, rows.reference, rows.profile)


def _beside(realised: Mapping[str, Finding], name: str) -> dict[str, float | int | None]:
    """What came true, as far as outcomes have arrived."""
    found = realised.get(name)
    if found is None or found.value is None:
        return {}
    return {
        "realised": found.value,
        "realised_low": found.low,
        "realised_high": found.high,
        "realised_n": found.n,
    }

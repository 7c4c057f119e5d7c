"""Performance before outcomes: what scores or inputs promise, beside what came true."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from monitoring.jobs.measuring.context import Context, Counted, Raw
from monitoring.stats import estimation, performance
from monitoring.stats.findings import Finding, undefined
from monitoring.stats.loss_estimation import Losses, estimate_losses, outside_cells
from monitoring.stats.reference import Task
from monitoring.stats.trust import outside_support, validity

SMALLEST_GAP, RELATIVE_GAP = 0.01, 0.05
NO_LOSS_MODEL = "the reference has no outcomes that a loss could be learnt from"


def of_estimate(context: Context, rows: Counted) -> Iterator[Raw]:
    """The estimate, judged while nothing contradicts it; realised values stand beside it."""
    realised = performance.performance(context.bins, rows.profile)
    regression = context.bins.schema.task is Task.REGRESSION
    found = _losses(context, rows) if regression else _scores(context, rows)
    own = {name: one for name, one in found.by_measure.items() if name == context.metric}
    trust = validity(own, realised, outside=found.outside, minimum=found.minimum)
    for name, finding in found.by_measure.items():
        marked = {**finding.parameters, "valid": trust.valid, "outside_support": found.outside}
        marked |= _beside(realised, name)
        reason = finding.reason if trust.valid else f"The estimate is invalid: {trust.reason}"
        shown = replace(finding, parameters=marked, reason=reason)
        yield Raw(shown, judged=name == context.metric)


@dataclass(frozen=True)
class Estimated:
    """Estimates, the share of rows outside the reference's support, and what gap matters."""

    by_measure: Mapping[str, Finding]
    outside: float
    minimum: float


def _scores(context: Context, rows: Counted) -> Estimated:
    found = estimation.estimate(context.bins, rows.reference, rows.profile, seed=context.seed)
    return Estimated(found, outside_support(rows.reference, rows.profile), SMALLEST_GAP)


def _losses(context: Context, rows: Counted) -> Estimated:
    """What matters of a regression's error is in its own unit: a share of what is usual."""
    if not context.baseline.loss:
        n = rows.profile.rows
        nothing = {name: undefined(name, n=n, reason=NO_LOSS_MODEL) for name in ("mae", "rmse")}
        return Estimated(nothing, 0.0, 0.0)
    losses = Losses.from_json(context.baseline.loss)
    found = estimate_losses(context.bins, losses, rows.reference, rows.profile)
    outside = outside_cells(losses, rows.reference, rows.profile)
    return Estimated(found, outside, RELATIVE_GAP * abs(found["mae"].baseline or 0.0))


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

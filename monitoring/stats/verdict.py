"""Verdict: from findings to ok, warning, breach or insufficient data.

Definition
    Two keys. A change is a breach only if it is significant after correction **and** its effect
    passes the practical minimum, absolute or (for rare classes) relative to the reference. Below
    the minimum n there is no verdict but `insufficient_data`. A limit ("AUC at least 0.65") is
    breached only where the whole interval lies beyond it; where only the value does, that is a
    warning. Hysteresis: open after k of n windows, close after m clean ones.

    The judged finding stays as measured; thresholds appear only here.

Example
    >>> finding = Finding("psi", 0.3, 5_000, p_value=1e-9, effect=0.3)
    >>> judge(finding, Threshold(warning=0.1, breach=0.2), significant=True).value
    'breach'
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from monitoring.stats.findings import Finding
from monitoring.stats.multiplicity import benjamini_hochberg

MINIMUM_N = 100


class Verdict(StrEnum):
    """What a measurement says."""

    OK = "ok"
    WARNING = "warning"
    BREACH = "breach"
    INSUFFICIENT_DATA = "insufficient_data"


class Direction(StrEnum):
    """Which changes count: upwards, downwards, or both."""

    UP = "up"
    DOWN = "down"
    BOTH = "both"


@dataclass(frozen=True)
class Threshold:
    """Practical minima of a change's effect; None never fires.

    `relative` is a further minimum for a breach, relative to the baseline: 0.5 fires where a share
    of 2 % becomes 1 % or 3 %. `relative_warning` is the same for a warning.
    """

    warning: float | None = None
    breach: float | None = None
    relative: float | None = None
    relative_warning: float | None = None
    direction: Direction = Direction.BOTH
    minimum_n: int = MINIMUM_N


# What the default monitors take for a change worth a look (warning) and worth an incident (breach).
# The null and power suites hold these against the declared false-alarm rate: change them together.
DEFAULT_THRESHOLDS: Mapping[str, Threshold] = {
    "psi": Threshold(warning=0.1, breach=0.2, direction=Direction.UP),
    "level_shift": Threshold(warning=0.07, breach=0.3),
    "spread_shift": Threshold(warning=0.07, breach=0.3),
    "cell_shift": Threshold(warning=0.03, breach=0.1, relative_warning=1 / 3),
    "value_shift": Threshold(warning=0.005, breach=0.03, direction=Direction.UP),
    "missing_share": Threshold(warning=0.02, breach=0.05, direction=Direction.UP),
    "unseen_share": Threshold(warning=0.02, breach=0.05, direction=Direction.UP),
    "out_of_range_share": Threshold(warning=0.02, breach=0.05, direction=Direction.UP),
    "roc_auc": Threshold(warning=0.015, breach=0.04, direction=Direction.DOWN, minimum_n=200),
}


@dataclass(frozen=True)
class Limit:
    """A fixed limit of the value itself, with an optional earlier one for warnings."""

    at_least: float | None = None
    at_most: float | None = None
    minimum_n: int = MINIMUM_N


@dataclass(frozen=True)
class Judgement:
    """A finding with its verdict; `adjusted_p` is corrected for all findings of the run."""

    finding: Finding
    verdict: Verdict
    significant: bool
    adjusted_p: float | None


def judge(finding: Finding, threshold: Threshold, *, significant: bool) -> Verdict:
    """Return the verdict of a change by the two-key rule."""
    if finding.value is None or finding.n < threshold.minimum_n:
        return Verdict.INSUFFICIENT_DATA
    if not significant:
        return Verdict.OK
    size = size_of(finding.value if finding.effect is None else finding.effect, threshold)
    if _reaches(size, threshold.breach) or _reaches(
        _relative(finding, threshold), threshold.relative
    ):
        return Verdict.BREACH
    warned = _reaches(size, threshold.warning) or _reaches(
        _relative(finding, threshold), threshold.relative_warning
    )
    return Verdict.WARNING if warned else Verdict.OK


def judge_limit(finding: Finding, limit: Limit) -> Verdict:
    """Return the verdict of a value against a fixed limit: breach if all of the interval is past.

    A finding without interval cannot breach, only warn.
    """
    if finding.value is None or finding.n < limit.minimum_n:
        return Verdict.INSUFFICIENT_DATA
    verdicts = {Verdict.OK}
    if limit.at_least is not None:
        verdicts.add(_past(limit.at_least - finding.value, finding.high, limit.at_least, 1))
    if limit.at_most is not None:
        verdicts.add(_past(finding.value - limit.at_most, finding.low, limit.at_most, -1))
    return worst(verdicts)


def judge_run(findings: Sequence[tuple[Finding, Threshold]], *, alpha: float) -> list[Judgement]:
    """Judge all findings of one run together, in the given order.

    P-values are adjusted by Benjamini and Hochberg over the findings that have enough rows; alpha
    is the run's share of the false-alarm budget (`multiplicity.split_budget`).
    """
    adjusted = benjamini_hochberg(
        [found.p_value if found.n >= limits.minimum_n else None for found, limits in findings]
    )
    judgements = []
    for (found, limits), q_value in zip(findings, adjusted, strict=True):
        significant = q_value is not None and q_value <= alpha
        verdict = judge(found, limits, significant=significant)
        judgements.append(Judgement(found, verdict, significant, q_value))
    return judgements


def worst(verdicts: Sequence[Verdict] | set[Verdict]) -> Verdict:
    """Return the gravest verdict; of none, and of nothing but missing data, that data lack."""
    order = (Verdict.BREACH, Verdict.WARNING, Verdict.OK)
    return next((grave for grave in order if grave in verdicts), Verdict.INSUFFICIENT_DATA)


def is_alerting(
    history: Sequence[Verdict], *, open_after: tuple[int, int] = (2, 3), close_after: int = 2
) -> bool:
    """Return whether an alert is open after these windows, oldest first.

    It opens when k of the last n judged windows breach, `open_after=(k, n)`, and closes after
    `close_after` judged windows in a row without breach. Windows without enough data change
    nothing. ValueError where 1 <= k <= n and close_after >= 1 do not hold.
    """
    needed, of = open_after
    if not 1 <= needed <= of or close_after < 1:
        raise ValueError(f"Open after k of n (got {needed} of {of}), close after at least 1.")
    is_open, since = False, 0
    judged = [verdict for verdict in history if verdict is not Verdict.INSUFFICIENT_DATA]
    for end in range(1, len(judged) + 1):
        if is_open and Verdict.BREACH not in judged[max(0, end - close_after) : end]:
            is_open, since = False, end
        elif not is_open:
            recent = judged[max(since, end - of) : end]
            is_open = recent.count(Verdict.BREACH) >= needed
    return is_open


def size_of(effect: float, threshold: Threshold) -> float:
    """Return how large an effect is in the direction that counts."""
    if threshold.direction is Direction.UP:
        return effect
    return -effect if threshold.direction is Direction.DOWN else abs(effect)


def _relative(finding: Finding, threshold: Threshold) -> float | None:
    """Return the effect relative to the baseline; any rise above a baseline of zero is infinite."""
    if finding.baseline is None or finding.effect is None:
        return None
    if finding.baseline == 0:
        return None
    return size_of(finding.effect / abs(finding.baseline), threshold)


def _reaches(size: float | None, minimum: float | None) -> bool:
    return size is not None and minimum is not None and size >= minimum


def _past(beyond: float, bound: float | None, limit: float, sign: int) -> Verdict:
    if beyond <= 0:
        return Verdict.OK
    whole = bound is not None and sign * (limit - bound) > 0
    return Verdict.BREACH if whole else Verdict.WARNING

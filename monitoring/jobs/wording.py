"""Numbers as sentences, for alerts, runs and incidents."""

from collections.abc import Sequence

from monitoring.jobs.judging import Measured
from monitoring.metrics import words_of
from monitoring.models import Measurement, Monitor
from monitoring.stats.verdict import Verdict

SHOWN = 3


def alert_text(one: Measurement) -> str:
    """One sentence with the value and what it is held against."""
    about = f" of {one.field}" if one.field else ""
    where = f" where {one.segment}" if one.segment else ""
    against = f", {number(one.reference_value)} usually" if one.reference_value else ""
    return f"{words_of(one.metric)}{about}{where} is {number(one.value)}{against} ({one.verdict})"


def run_summary(monitor: Monitor, found: Sequence[Measured]) -> str:
    """What a run says in one line: the gravest findings, or that there is nothing to say."""
    judged = [one for one in found if one.judged]
    for verdict, word in ((Verdict.BREACH, "breach"), (Verdict.WARNING, "warning")):
        loud = [one for one in judged if one.verdict is verdict]
        if loud:
            ranked = sorted(loud, key=lambda one: -abs(one.finding.effect or 0.0))
            shown = ", ".join(_short(one) for one in ranked[:SHOWN])
            more = f" and {len(loud) - SHOWN} more" if len(loud) > SHOWN else ""
            return f"{monitor.name}: {word} of {shown}{more}"
    if any(one.verdict is Verdict.OK for one in judged):
        single = _short(judged[0]) if len(judged) == 1 else f"{len(judged)} measurements"
        return f"{monitor.name}: {single}, nothing unusual"
    reason = next((one.finding.reason for one in judged if one.finding.reason), "too few rows")
    return f"{monitor.name}: {reason}"


def number(value: float | None) -> str:
    if value is None:
        return "unknown"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _short(one: Measured) -> str:
    finding = one.finding
    about = one.field or words_of(finding.measure)
    what = f"{words_of(finding.measure)} " if one.field else ""
    where = f" where {one.segment}" if one.segment else ""
    usual = f", {number(finding.baseline)} usually" if finding.baseline else ""
    return f"{about}{where} ({what}{number(finding.value)}{usual})"

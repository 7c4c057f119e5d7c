"""Conditions of an approval: limits that a machine checks, and that lapse by themselves. Pure.

A condition is kept as the JSON that was signed. `terms_of` reads it and says what is wrong with it;
`says` puts it into words; `judge` holds what was seen against it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from monitoring.metrics import METRICS, words_of

MOST = 10
LONGEST_DAYS = 1825
SEVERITIES = ("warning", "critical")
# A share of traffic is drawn by chance: it is exceeded when chance cannot explain it.
TRAFFIC_CONFIDENCE = 0.999
TRAFFIC_MINIMUM = 200
KNOWN_METRICS = frozenset(metric.name for metrics in METRICS.values() for metric in metrics)


class ConditionKind(StrEnum):
    MEASURE = "measure"
    TRAFFIC = "traffic"
    DAYS = "days"
    INCIDENTS = "incidents"


class BrokenBy(StrEnum):
    """What has to be beyond the limit: the measured value, or its whole 95 % interval."""

    VALUE = "value"
    INTERVAL = "interval"


PARTS: dict[ConditionKind, frozenset[str]] = {
    ConditionKind.MEASURE: frozenset(
        {"metric", "field", "segment", "at_least", "at_most", "broken_by", "monitor"}
    ),
    ConditionKind.TRAFFIC: frozenset({"at_most"}),
    ConditionKind.DAYS: frozenset({"days"}),
    ConditionKind.INCIDENTS: frozenset({"severity"}),
}


class Unclear(ValueError):
    """What was sent is no condition; the message says how to mend it."""


@dataclass(frozen=True)
class Terms:
    """One condition. Which parts have a value depends on the kind."""

    kind: ConditionKind
    metric: str = ""
    field: str = ""
    segment: str = ""
    at_least: float | None = None
    at_most: float | None = None
    broken_by: BrokenBy = BrokenBy.VALUE
    monitor: int | None = None
    days: int = 0
    severity: str = ""

    def as_json(self) -> dict[str, Any]:
        """The parts that its kind has, in types of JSON."""
        parts = {name: getattr(self, name) for name in sorted(PARTS[self.kind])}
        return {"kind": self.kind.value} | {
            name: value for name, value in parts.items() if value not in (None, "")
        }


@dataclass(frozen=True)
class Measured:
    """A measurement that a condition looks at."""

    value: float
    low: float | None
    high: float | None
    n: int
    field: str
    until: datetime


@dataclass(frozen=True)
class Seen:
    """What is known when conditions are judged."""

    now: datetime
    since: datetime
    watched: bool = True
    measured: tuple[Measured, ...] = ()
    rows: int = 0
    all_rows: int = 0
    share_low: float = 0.0  # what the share is at least, at TRAFFIC_CONFIDENCE
    incidents: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Judgement:
    """Whether a condition holds; None where it cannot be told yet."""

    holds: bool | None
    said: str


def terms_of(raw: Mapping[str, Any]) -> Terms:
    """Read one condition.

    Raises:
        Unclear: its kind is unknown, a part is missing, wrong or not of this kind.
    """
    if raw.get("kind") not in list(ConditionKind):
        raise Unclear(f"The kind of a condition is one of {', '.join(ConditionKind)}.")
    kind = ConditionKind(raw["kind"])
    strange = sorted(set(raw) - PARTS[kind] - {"kind"})
    if strange:
        known = ", ".join(sorted(PARTS[kind]))
        raise Unclear(f"A condition of kind {kind} has no {strange[0]!r}; it has {known}.")
    return READ[kind](raw)


def terms_of_all(raw: Sequence[Mapping[str, Any]]) -> tuple[Terms, ...]:
    """Read the conditions of a request.

    Raises:
        Unclear: one of them is none, there are too many, or one is there twice.
    """
    if len(raw) > MOST:
        raise Unclear(f"At most {MOST} conditions.")
    found = tuple(terms_of(one) for one in raw)
    for kind in (ConditionKind.TRAFFIC, ConditionKind.DAYS, ConditionKind.INCIDENTS):
        if sum(one.kind == kind for one in found) > 1:
            raise Unclear(f"Only one condition of kind {kind}.")
    if len(set(found)) < len(found):
        raise Unclear("The same condition is there twice.")
    return found


def _measure(raw: Mapping[str, Any]) -> Terms:
    metric = raw.get("metric")
    if metric not in KNOWN_METRICS:
        raise Unclear(f"No monitor measures {metric!r}; see the kinds of monitors for names.")
    least, most = _number(raw, "at_least"), _number(raw, "at_most")
    if least is None and most is None:
        raise Unclear("Give a limit: at_least, at_most, or both.")
    if least is not None and most is not None and least > most:
        raise Unclear("at_least is above at_most: nothing could hold.")
    return Terms(
        ConditionKind.MEASURE,
        metric=str(metric),
        field=_text(raw, "field", 120),
        segment=_text(raw, "segment", 200),
        at_least=least,
        at_most=most,
        broken_by=_broken_by(raw),
        monitor=_whole(raw, "monitor") if raw.get("monitor") is not None else None,
    )


def _traffic(raw: Mapping[str, Any]) -> Terms:
    most = _number(raw, "at_most")
    if most is None or not 0 < most < 1:
        raise Unclear("at_most is a share of the traffic between 0 and 1, such as 0.05.")
    return Terms(ConditionKind.TRAFFIC, at_most=most)


def _days(raw: Mapping[str, Any]) -> Terms:
    days = _whole(raw, "days")
    if not 1 <= days <= LONGEST_DAYS:
        raise Unclear(f"days is a whole number from 1 to {LONGEST_DAYS:,}.")
    return Terms(ConditionKind.DAYS, days=days)


def _incidents(raw: Mapping[str, Any]) -> Terms:
    severity = raw.get("severity", "critical")
    if severity not in SEVERITIES:
        raise Unclear(f"severity is one of {', '.join(SEVERITIES)}.")
    return Terms(ConditionKind.INCIDENTS, severity=severity)


READ = {
    ConditionKind.MEASURE: _measure,
    ConditionKind.TRAFFIC: _traffic,
    ConditionKind.DAYS: _days,
    ConditionKind.INCIDENTS: _incidents,
}


def _number(raw: Mapping[str, Any], name: str) -> float | None:
    value = raw.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e12:
        raise Unclear(f"{name} is a number.")
    return float(value)


def _whole(raw: Mapping[str, Any], name: str) -> int:
    value = raw.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 2**63:
        raise Unclear(f"{name} is a whole number above 0.")
    return value


def _text(raw: Mapping[str, Any], name: str, longest: int) -> str:
    value = raw.get(name, "")
    if not isinstance(value, str) or len(value) > longest or "\0" in value:
        raise Unclear(f"{name} is a text of at most {longest} characters.")
    return value


def _broken_by(raw: Mapping[str, Any]) -> BrokenBy:
    value = raw.get("broken_by", BrokenBy.VALUE)
    if value not in list(BrokenBy):
        raise Unclear(f"broken_by is one of {', '.join(BrokenBy)}.")
    return BrokenBy(value)


def says(terms: Terms, watcher: str = "") -> str:
    """A condition in words; `watcher` names what measures it."""
    if terms.kind == ConditionKind.TRAFFIC:
        return f"It answers at most {100 * (terms.at_most or 0):.4g} % of the traffic."
    if terms.kind == ConditionKind.DAYS:
        return f"For {terms.days} days." if terms.days > 1 else "For one day."
    if terms.kind == ConditionKind.INCIDENTS:
        least = "critical" if terms.severity == "critical" else "warning or critical"
        return f"No {least} incident of the version is open."
    certain = terms.broken_by == BrokenBy.INTERVAL
    by = "; broken when its whole 95 % interval is beyond that" if certain else ""
    measured = f" ({watcher})" if watcher else ""
    return f"{_what(terms)} stays {_limits(terms)}{by}{measured}."


def _what(terms: Terms) -> str:
    parts = [part for part in (terms.field, terms.segment) if part]
    words = words_of(terms.metric)
    return f"The {words} of {' in '.join(parts)}" if parts else f"The {words}"


def _limits(terms: Terms) -> str:
    least = f"at least {terms.at_least:.6g}" if terms.at_least is not None else ""
    most = f"at most {terms.at_most:.6g}" if terms.at_most is not None else ""
    return " and ".join(part for part in (least, most) if part)


def judge(terms: Terms, seen: Seen) -> Judgement:
    """Hold what is known against a condition."""
    return JUDGES[terms.kind](terms, seen)


def _judge_measure(terms: Terms, seen: Seen) -> Judgement:
    if not seen.watched:
        return Judgement(holds=False, said="Nobody measures it: its monitor is off or gone.")
    if not seen.measured:
        return Judgement(holds=None, said="Not measured yet.")
    broken = [one for one in seen.measured if _is_beyond(terms, one)]
    shown = broken[0] if broken else seen.measured[0]
    return Judgement(holds=not broken, said=_measured_said(shown, terms))


def _is_beyond(terms: Terms, one: Measured) -> bool:
    """Beyond a limit: the value, or where the interval decides, all of it."""
    certain = terms.broken_by == BrokenBy.INTERVAL
    low = one.low if certain and one.low is not None else one.value
    high = one.high if certain and one.high is not None else one.value
    below = terms.at_least is not None and (high if certain else one.value) < terms.at_least
    above = terms.at_most is not None and (low if certain else one.value) > terms.at_most
    return below or above


def _measured_said(one: Measured, terms: Terms) -> str:
    interval = ""
    if one.low is not None and one.high is not None:
        interval = f" (95 % interval {one.low:.3g} to {one.high:.3g})"
    where = f" in {one.field}" if one.field and not terms.field else ""
    return f"Measured {one.value:.3g}{interval}{where}, {one.n:,} rows until {one.until:%-d %B %Y}."


def _judge_traffic(terms: Terms, seen: Seen) -> Judgement:
    if seen.all_rows < TRAFFIC_MINIMUM:
        return Judgement(holds=None, said=f"Fewer than {TRAFFIC_MINIMUM} answers in the last day.")
    share = seen.rows / seen.all_rows
    said = f"{share:.2%} of {seen.all_rows:,} answers of the last day."
    within = seen.share_low <= (terms.at_most or 0)
    return Judgement(holds=within, said=said)


def _judge_days(terms: Terms, seen: Seen) -> Judgement:
    end = ends_at(terms, seen.since)
    if end is not None and seen.now >= end:
        return Judgement(holds=False, said=f"They were over on {end:%-d %B %Y}.")
    return Judgement(holds=True, said=f"Until {end:%-d %B %Y}.")


def ends_at(terms: Terms, since: datetime) -> datetime | None:
    """When a condition of kind `days` lapses; None for other kinds."""
    return since + timedelta(days=terms.days) if terms.kind == ConditionKind.DAYS else None


def _judge_incidents(terms: Terms, seen: Seen) -> Judgement:
    grave = SEVERITIES[SEVERITIES.index(terms.severity) :]
    titles = [title for severity, title in seen.incidents if severity in grave]
    if titles:
        return Judgement(holds=False, said=f"Open: {titles[0]}.")
    return Judgement(holds=True, said="None is open.")


JUDGES = {
    ConditionKind.MEASURE: _judge_measure,
    ConditionKind.TRAFFIC: _judge_traffic,
    ConditionKind.DAYS: _judge_days,
    ConditionKind.INCIDENTS: _judge_incidents,
}

"""Metrics in words: what they are, their unit, and what a threshold of theirs means. Pure."""

from datetime import datetime, time
from typing import Any

from monitoring.jobs.wording import number
from monitoring.metrics import metric_of, words_of
from monitoring.metrics.metric import ANSWER, SD, SHARE
from monitoring.models import Monitor, MonitorKind
from monitoring.reads.settings import threshold_of
from monitoring.stats.verdict import Direction, Verdict

SPANS = {1: "hour", 24: "day", 168: "week", 672: "4 weeks", 2184: "quarter", 8760: "year"}
ARTICLES = {
    "hour": "an hour",
    "day": "a day",
    "week": "a week",
    "quarter": "a quarter",
    "year": "a year",
}
LEAST_CHANCE = 0.0001
BESIDE = {Direction.UP: "above", Direction.DOWN: "below", Direction.BOTH: "away from"}
EACH_ITS_OWN = "the practical minimum of each of its measures"
# What these measure is a distance from the reference itself.
WITHOUT_REFERENCE = frozenset({MonitorKind.DRIFT, MonitorKind.EXPLANATION})
# Measures beside the metrics that people choose from say by their names that they are shares.
OF_SHARES = ("_share", "_rate")
IDEALS = {MonitorKind.FAIRNESS: "equality", MonitorKind.CALIBRATION: "perfect calibration"}


def title_of(metric: str, kind: str = "") -> str:
    """The name of a metric at the start of a line."""
    name = words_of(metric, kind)
    return name[:1].upper() + name[1:]


def unit_of(kind: str, metric: str, answer_unit: str = "") -> str:
    """`share`, the unit of the model's answer, a unit as it is printed, or nothing."""
    found = metric_of(kind, metric)
    unit = found.unit if found else SHARE if metric.endswith(OF_SHARES) else ""
    return {ANSWER: answer_unit, SD: "sd"}.get(unit, unit)


def shown(value: float | None, unit: str = "") -> str:
    """A number with its unit."""
    if value is None:
        return "–"
    if unit == SHARE:
        return f"{100 * value:.1f}\u202f%"
    return f"{number(value)}\u00a0{unit}" if unit else number(value)


def span(hours: int) -> str:
    """A length of time as people say it: 168 hours is a week."""
    if hours in SPANS:
        return SPANS[hours]
    return f"{hours // 24} days" if hours % 24 == 0 else f"{hours} hours"


def length(hours: int) -> str:
    """A length of time with its article: a week, 10 days."""
    words = span(hours)
    return ARTICLES.get(words, words)


def window_text(start: datetime, end: datetime) -> str:
    """A window as people say it: days, and hours where it does not run from midnight."""
    if start.time() == end.time() == time():
        return f"{start.day} {start:%b} – {end.day} {end:%b %Y}"
    if start.date() == end.date():
        return f"{start.day} {start:%b %Y}, {start:%H:%M} – {end:%H:%M}"
    return f"{start.day} {start:%b %H:%M} – {end.day} {end:%b %Y, %H:%M}"


def chance(p_value: float | None) -> str:
    """How likely such a change is if nothing has changed."""
    if p_value is None:
        return "–"
    return f"< {LEAST_CHANCE:g}" if p_value < LEAST_CHANCE else f"{p_value:.2g}"


def direction_of(monitor: Monitor, metric: str = "") -> Direction:
    return threshold_of(monitor, metric or monitor.metric).direction


def threshold_text(
    monitor: Monitor, verdict: str, answer_unit: str = "", *, metric: str = ""
) -> str:
    """From when on it is a warning or a breach, as a phrase; `metric` is a part of its metric."""
    metric = metric or monitor.metric
    limits = threshold_of(monitor, metric)
    breach = verdict == Verdict.BREACH
    level, relative = (
        (limits.breach, limits.relative) if breach else (limits.warning, limits.relative_warning)
    )
    found = metric_of(monitor.kind, metric)
    if level is None and relative is None:
        return EACH_ITS_OWN if found and found.parts else "never"
    phrases = [
        _level_text(monitor, metric, level, answer_unit) if level is not None else "",
        _relative_text(limits.direction, relative) if relative is not None else "",
    ]
    return " or ".join(phrase for phrase in phrases if phrase)


def _level_text(monitor: Monitor, metric: str, level: float, answer_unit: str) -> str:
    if metric == "volume":
        return f"{100 * level:.0f}\u202f% more or fewer rows than usual"
    unit = unit_of(monitor.kind, metric, answer_unit)
    if monitor.kind in WITHOUT_REFERENCE:
        return f"{words_of(metric, monitor.kind)} of {shown(level, unit)}"
    size = f"{100 * level:.3g} percentage points" if unit == SHARE else shown(level, unit)
    against = IDEALS.get(MonitorKind(monitor.kind), "the reference")
    return f"{size} {BESIDE[direction_of(monitor, metric)]} {against}"


def _relative_text(direction: Direction, share: float) -> str:
    return f"{100 * share:.3g}\u202f% {BESIDE[direction]} the reference"


def answer_unit(schema: Any) -> str:
    """The unit of the model's prediction, as its schema declares it."""
    fields = schema.fields if schema else []
    found = (field.get("unit") for field in fields if field.get("role") == "prediction")
    return next(found, None) or ""


def field_units(schema: Any) -> dict[str, str]:
    """field -> declared unit."""
    return {field["name"]: field.get("unit", "") for field in (schema.fields if schema else [])}


def field_names(schema: Any, *roles: str) -> list[str]:
    """Fields of a schema that can be counted, by role."""
    wanted = roles or ("feature", "prediction", "score", "group")
    fields = schema.fields if schema else []
    return [field["name"] for field in fields if field.get("role") in wanted]

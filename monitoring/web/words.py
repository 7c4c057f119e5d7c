"""Metrics in words: what they are, their unit, and what a threshold of theirs means. Pure."""

from datetime import datetime, time
from typing import Any

from monitoring.jobs.wording import metric_name, number
from monitoring.models import Monitor, MonitorKind
from monitoring.reads.settings import threshold_of
from monitoring.stats.verdict import Direction

SHARE = "share"
EXPLAINED = {
    "psi": "Population stability index: how far the shares of a field's bins have moved from the "
    "reference. 0 is the same distribution.",
    "js_distance": "Jensen–Shannon distance between the window and the reference: 0 is the same "
    "distribution, 1 has nothing in common.",
    "hellinger": "Hellinger distance between the window and the reference: 0 to 1.",
    "total_variation": "Total variation distance: the share of rows that would have to move to "
    "make the window look like the reference.",
    "wasserstein": "How far values moved on average, in standard deviations of the reference.",
    "ks": "Kolmogorov–Smirnov: the largest gap between two cumulative distributions, 0 to 1.",
    "faults": "Shares of rows that are missing, out of the declared range, or of a category that "
    "the reference never saw.",
    "volume": "Rows in a window, against earlier windows of the same length.",
    "accuracy": "Share of predictions that agree with the outcome.",
    "precision": "Share of positive predictions that came true.",
    "recall": "Share of positive outcomes that were predicted.",
    "specificity": "Share of negative outcomes that were predicted as negative.",
    "f1": "Harmonic mean of precision and recall.",
    "mcc": "Correlation of predictions with outcomes, −1 to 1.",
    "roc_auc": "Chance that a positive case has a higher score than a negative one; 0.5 is "
    "guessing.",
    "gini": "2 × ROC AUC − 1; 0 is guessing.",
    "pr_auc": "Average precision over all cut-offs of the score.",
    "log_loss": "Mean penalty of the score for being wrong; lower is better.",
    "brier": "Mean squared error of the score; lower is better.",
    "mae": "Mean distance between prediction and outcome.",
    "rmse": "Root of the mean squared error: large errors weigh more.",
    "bias": "Mean of prediction minus outcome; 0 errs to neither side.",
    "r2": "Share of the outcomes' variance that the predictions explain.",
    "ece": "Mean gap between the score and how often it came true.",
    "mce": "Largest gap between the score and how often it came true.",
    "outcome_share": "Share of predictions whose outcome has arrived.",
}
SHARES = frozenset(
    {
        "faults",
        "missing_share",
        "out_of_range_share",
        "unseen_share",
        "accuracy",
        "precision",
        "recall",
        "specificity",
        "outcome_share",
    }
)
IN_ANSWER_UNITS = frozenset({"mae", "rmse", "bias"})
SHORT = {
    "faults": "faulty values",
    "volume": "rows per window",
    "missing_share": "missing",
    "out_of_range_share": "out of range",
    "unseen_share": "unseen category",
    "f1": "F1",
    "mcc": "MCC",
    "ks": "KS",
    "pr_auc": "PR AUC",
    "r2": "R²",
    "ece": "calibration error",
    "mce": "largest calibration error",
    "bias": "bias",
    "outcome_share": "outcomes received",
}
SPANS = {1: "hour", 24: "day", 168: "week", 672: "4 weeks", 8760: "year"}
ARTICLES = {"hour": "an hour", "day": "a day", "week": "a week", "year": "a year"}
LEAST_CHANCE = 0.0001


def short_name(metric: str) -> str:
    return SHORT.get(metric) or metric_name(metric)


def title_of(metric: str) -> str:
    """The name of a metric at the start of a line."""
    name = short_name(metric)
    return name[:1].upper() + name[1:]


def unit_of(metric: str, answer_unit: str = "") -> str:
    """`share`, the unit of the model's answer, "rows", or nothing."""
    if metric in SHARES:
        return SHARE
    if metric == "volume":
        return "rows"
    return answer_unit if metric in IN_ANSWER_UNITS else ""


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


def times(count: float) -> str:
    """An expected number of events in a year."""
    if count <= 0:
        return "none"
    if count < 1:
        return f"one in {1 / count:.1f} years" if count < 0.8 else "about one a year"
    return f"{count:.1f} a year"


def direction_of(monitor: Monitor, metric: str = "") -> Direction:
    return threshold_of(monitor, metric or monitor.metric).direction


def threshold_text(monitor: Monitor, level: float | None, answer_unit: str = "") -> str:
    """From when on it is a warning or a breach, as a phrase."""
    if level is None:
        return "never"
    if monitor.metric == "volume":
        return f"{100 * level:.0f}\u202f% more or fewer rows than usual"
    if monitor.kind == MonitorKind.DRIFT:
        return f"{short_name(monitor.metric)} of {shown(level)}"
    unit = unit_of(monitor.metric, answer_unit)
    size = f"{100 * level:.3g} percentage points" if unit == SHARE else shown(level, unit)
    words = {Direction.UP: "above", Direction.DOWN: "below", Direction.BOTH: "away from"}
    return f"{size} {words[direction_of(monitor)]} the reference"


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

"""Numbers of metrics and of guard-rails with their words and units."""

from typing import Any

from django.utils.text import capfirst

from monitoring.metrics import metric_of, words_of
from monitoring.metrics.metric import SHARE
from monitoring.models import Experiment
from monitoring.stats.experiments import endpoints_of
from monitoring.stats.reference import Task
from monitoring.web.words import answer_unit, shown
from registry.schemas import FieldRole

OTHERS = {
    "latency_p95": ("Answers slower than the limit (5\u202f% may be)", SHARE),
    "demographic_parity_ratio": ("Ratio of selection rates of groups", ""),
}


def unit_of(experiment: Experiment) -> str:
    """The unit of what decides: of the answer, or of the declared business value."""
    schema = getattr(experiment.champion, "schema", None)
    if experiment.endpoint != "value":
        return answer_unit(schema)
    return value_unit(schema)


def value_unit(schema: Any) -> str:
    fields = schema.fields if schema else []
    return next((one.get("unit", "") for one in fields if one["role"] == FieldRole.VALUE), "")


def metric_words(name: str, kind: str) -> str:
    return capfirst(words_of(name, kind))


def metric_shown(name: str, kind: str, value: float | None, experiment: Experiment) -> str:
    """A measured value with the unit that its metric has."""
    metric = metric_of(kind, name)
    unit = metric.unit if metric else ""
    return shown(value, _of_schema(unit, experiment))


def guard_words(name: str, experiment: Experiment) -> str:
    known = endpoints_of(Task(experiment.model.task)).get(name)
    return known.words if known else OTHERS[name][0]


def guard_shown(name: str, value: float | None, experiment: Experiment) -> str:
    """A value that a guard-rail judges, with its unit."""
    known = endpoints_of(Task(experiment.model.task)).get(name)
    if known is None:
        return shown(value, OTHERS[name][1])
    unit = SHARE if known.unit == "share" else known.unit
    return shown(value, _of_schema(unit, experiment))


def _of_schema(unit: str, experiment: Experiment) -> str:
    schema = getattr(experiment.champion, "schema", None)
    if unit == "answer":
        return answer_unit(schema)
    return value_unit(schema) if unit == "value" else unit

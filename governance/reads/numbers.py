"""The numbers of versions: what monitors measured last, and what training runs recorded."""

import math
from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any

from django.db.models import QuerySet

from governance.numbers import FAIRNESS, MEASURED, ON_REFERENCE, PREFIXES, RECORDED, Number
from monitoring.metrics import words_of
from monitoring.models import Measurement, MonitorKind
from monitoring.reads.reference_fairness import reference_fairness
from registry.models import Version
from registry.reads.lineage import finite, run_metrics

# What training runs call by these letters, and the catalogue does not have.
ABBREVIATIONS = frozenset({"auc", "mse", "mape", "rmsle", "map", "ndcg", "iou"})
# Of retrained versions: where the pipeline measured a number.
PARTS = {"hold_out.": "on the hold-out", "latest.": "on the latest data"}


def numbers_of(version_ids: Collection[int]) -> dict[int, tuple[Number, ...]]:
    """Every version's numbers: performance, fairness, worst drift, fairness of the reference,
    training run. Four queries, and one for every version with a counted reference."""
    found: dict[int, list[Number]] = defaultdict(list)
    for row in _performance(version_ids):
        label = f"{name(row.metric)} ({row.field})" if row.field else name(row.metric)
        found[row.version_id].append(_measured(row, label))
    for row in _fairness(version_ids):
        found[row.version_id].append(_measured(row, f"{name(row.metric)} ({row.field})"))
    for row in _worst_drift(version_ids):
        label = f"Worst {name(row.metric)} ({row.field})" if row.field else name(row.metric)
        found[row.version_id].append(_measured(row, label))
    for version_id in version_ids:
        found[version_id].extend(_on_reference(version_id))
    lineages = Version.objects.filter(pk__in=version_ids).values_list("pk", "lineage")
    for version_id, lineage in lineages:
        found[version_id].extend(_recorded(run_metrics(lineage)))
    return {version_id: tuple(found[version_id]) for version_id in version_ids}


def name(metric: str) -> str:
    """A metric as people write it: test_roc_auc is test ROC AUC, log_loss is log loss."""
    part = next((one for one in PARTS if metric.startswith(one)), "")
    if part:
        return f"{_name(metric.removeprefix(part))} {PARTS[part]}"
    prefix = next((one for one in PREFIXES if metric.startswith(one)), "")
    if rest := metric.removeprefix(prefix):
        return f"{prefix.replace('_', ' ')}{_name(rest)}"
    return metric.replace("_", " ").strip()


def _name(metric: str) -> str:
    """By the catalogue of metrics; what it does not have is an abbreviation where it is short."""
    words = words_of(metric)
    return metric.upper() if words == metric and metric in ABBREVIATIONS else words


def _sound(version_ids: Collection[int], kind: str) -> QuerySet[Measurement]:
    return Measurement.objects.filter(
        version__in=version_ids, monitor__kind=kind, latest=True, segment="", value__isnull=False
    ).exclude(verdict="insufficient_data")


def _performance(version_ids: Collection[int]) -> Iterable[Measurement]:
    """The last window's measurement of every metric."""
    return (
        _sound(version_ids, MonitorKind.PERFORMANCE)
        .order_by("version_id", "metric", "field", "-window_end")
        .distinct("version_id", "metric", "field")
    )


def _fairness(version_ids: Collection[int]) -> Iterable[Measurement]:
    """The last window's gaps between all groups of a field; those of single groups are not here."""
    return (
        _sound(version_ids, MonitorKind.FAIRNESS)
        .filter(metric__in=FAIRNESS)
        .exclude(field__contains=" = ")
        .order_by("version_id", "metric", "field", "-window_end")
        .distinct("version_id", "metric", "field")
    )


def _on_reference(version_id: int) -> Iterable[Number]:
    """The same gaps on the reference: known before a version has answered anybody."""
    for (metric, field), finding in reference_fairness(version_id).items():
        if metric in FAIRNESS and finding.value is not None:
            yield Number(
                metric=metric,
                label=f"{name(metric)} ({field})",
                value=finding.value,
                source=ON_REFERENCE,
                low=finding.low,
                high=finding.high,
                n=finding.n,
            )


def _worst_drift(version_ids: Collection[int]) -> Iterable[Measurement]:
    """The largest value of every metric in its last window."""
    return (
        _sound(version_ids, MonitorKind.DRIFT)
        .order_by("version_id", "metric", "-window_end", "-value")
        .distinct("version_id", "metric")
    )


def _measured(row: Measurement, label: str) -> Number:
    return Number(
        metric=row.metric,
        label=label,
        value=row.value if row.value is not None else math.nan,
        source=MEASURED,
        low=row.low,
        high=row.high,
        n=row.n,
        verdict=row.verdict,
        as_of=row.window_end,
        measurement_id=row.pk,
    )


def _recorded(metrics: dict[str, Any]) -> Iterable[Number]:
    for metric, value in sorted(metrics.items()):
        number = finite(value)
        if number is not None:
            yield Number(metric=metric, label=name(metric), value=number, source=RECORDED)

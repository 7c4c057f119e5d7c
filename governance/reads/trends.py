"""One line of numbers per kind of monitoring, for the small pictures beside a verdict."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Max

from governance.numbers import PRIMARY
from governance.reads.numbers import name
from monitoring.models import Measurement, MonitorKind

WINDOWS = 16
MOST_ROWS = 600


@dataclass(frozen=True)
class Trend:
    """The last windows of a version's leading metric, oldest first."""

    kind: str
    label: str
    values: tuple[float, ...]
    threshold: float | None
    as_of: datetime

    @property
    def last(self) -> float:
        return self.values[-1]


def trends_of(version_id: int, task: str) -> dict[str, Trend]:
    """The leading metric of every kind of monitoring; drift is that of the worst field.

    One query; a request computes nothing, the values were measured.
    """
    series: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in _rows(version_id):
        series[(row["monitor__kind"], row["metric"])].append(row)
    kinds = {kind for kind, _ in series}
    leading = {kind: _leading(kind, task, [m for k, m in series if k == kind]) for kind in kinds}
    return {
        kind: _trend(kind, metric, series[(kind, metric)][:WINDOWS])
        for kind, metric in leading.items()
    }


def _rows(version_id: int) -> Any:
    sound = Measurement.objects.filter(
        version=version_id, latest=True, segment="", value__isnull=False
    )
    by_window = sound.order_by().values("monitor__kind", "metric", "window_end")
    worst = by_window.annotate(worst=Max("value"), limit=Max("breach"))
    return worst.order_by("-window_end", "metric")[:MOST_ROWS]


def _leading(kind: str, task: str, metrics: list[str]) -> str:
    if kind == MonitorKind.PERFORMANCE:
        known = [metric for metric in PRIMARY.get(task, ()) if metric in metrics]
        return (known or metrics)[0]
    return "psi" if "psi" in metrics else metrics[0]


def _trend(kind: str, metric: str, newest_first: list[dict[str, Any]]) -> Trend:
    # Only drift's threshold is on the scale of the value; performance's is a difference.
    limit = newest_first[0]["limit"] if kind == MonitorKind.DRIFT else None
    worst = "Worst " if kind == MonitorKind.DRIFT else ""
    return Trend(
        kind=kind,
        label=f"{worst}{name(metric)}",
        values=tuple(row["worst"] for row in reversed(newest_first)),
        threshold=limit,
        as_of=newest_first[0]["window_end"],
    )

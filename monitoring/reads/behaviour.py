"""One version over time: the judged numbers and the runs of its monitors, for charts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from django.db.models import Count, Max, Min, OuterRef, Q, Subquery
from django.shortcuts import get_object_or_404

from monitoring.models import Measurement, Monitor, Run
from monitoring.reads.thinning import date_bin, gravest_of
from registry.models import Model, Version

MOST_NUMBERS = 12_000
MOST_WINDOWS = 400
MOST_VERSIONS = 12
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Number:
    """One judged measurement of a window."""

    monitor_id: int
    run_id: int
    window_start: datetime
    window_end: datetime
    metric: str
    field: str
    segment: str
    value: float | None
    low: float | None
    high: float | None
    reference_value: float | None
    n: int
    verdict: str
    effect: float | None

    @property
    def key(self) -> tuple[str, str, str]:
        return self.field, self.metric, self.segment


@dataclass(frozen=True)
class Evaluation:
    """One run in a chart: its window, verdict and outcomes; `of` so many it is the gravest."""

    monitor_id: int
    run_id: int
    window_start: datetime
    window_end: datetime
    verdict: str
    rows: int
    labelled: int
    of: int = 1


@dataclass(frozen=True)
class Behaviour:
    """What the monitors of a version said in a period, oldest window first."""

    as_of: datetime | None
    runs: tuple[Evaluation, ...]
    numbers: tuple[Number, ...]
    cut: bool

    def of(self, monitor_id: int) -> "Behaviour":
        """The part of one monitor."""
        runs = tuple(run for run in self.runs if run.monitor_id == monitor_id)
        numbers = tuple(one for one in self.numbers if one.monitor_id == monitor_id)
        return Behaviour(self.as_of, runs, numbers, self.cut)


def behaviour_of(
    version_id: int, *, days: int, monitor_id: int | None = None, columns: int = MOST_WINDOWS
) -> Behaviour:
    """The judged numbers of the last `days` before the newest window. Four queries.

    Where a monitor has more windows than `columns`, the gravest of each stretch of time stands for
    it; 12,000 numbers altogether. `cut` says whether windows are left out.
    """
    runs = Run.objects.filter(version_id=version_id, latest=True)
    if monitor_id is not None:
        runs = runs.filter(monitor_id=monitor_id)
    ends = runs.aggregate(last=Max("window_end"), first=Min("window_end"))
    as_of = ends["last"]
    if as_of is None:
        return Behaviour(None, (), (), cut=False)
    since = max(as_of - timedelta(days=days), ends["first"] - HOUR)
    hours = ceil((as_of - since) / HOUR / columns)
    evaluations = _evaluations(runs.filter(window_end__gt=since), as_of, hours)
    numbers = _numbers([run.run_id for run in evaluations])
    thinned = any(run.of > 1 for run in evaluations)
    return Behaviour(as_of, evaluations, numbers, thinned or len(numbers) == MOST_NUMBERS)


def watched_model(user: Any, slug: str) -> Model:
    """A model that the user may see; Http404 otherwise. One query."""
    return get_object_or_404(Model.objects.visible_to(user).select_related("team"), slug=slug)


def visible_monitor(user: Any, monitor_id: int) -> Monitor:
    """A monitor that the user may see; Http404 otherwise. One query."""
    found = Monitor.objects.visible_to(user).select_related("model__team", "created_by")
    return get_object_or_404(found, pk=monitor_id)


def versions_of(model_id: int) -> list[Version]:
    """The newest versions of a model with their schemas. One query."""
    rows = Version.objects.filter(model_id=model_id).select_related("schema")
    return list(rows.order_by("-number")[:MOST_VERSIONS])


def watched_versions(model_id: int) -> set[int]:
    """Ids of the versions that have been evaluated. One query."""
    one = Subquery(Run.objects.filter(version=OuterRef("pk")).order_by().values("pk")[:1])
    found = Version.objects.filter(model_id=model_id).annotate(run=one)
    return {pk for pk, run in found.values_list("pk", "run") if run is not None}


def _numbers(run_ids: Sequence[int]) -> tuple[Number, ...]:
    judged = Q(warning__isnull=False) | Q(breach__isnull=False) | Q(parameters__has_key="alpha")
    rows = Measurement.objects.filter(judged, run__in=run_ids)
    found = rows.order_by("-window_end", "-pk").values_list(
        "monitor_id",
        "run_id",
        "run__window_start",
        "window_end",
        "metric",
        "field",
        "segment",
        "value",
        "low",
        "high",
        "reference_value",
        "n",
        "verdict",
        "parameters__effect",
    )
    return tuple(reversed([Number(*row) for row in found[:MOST_NUMBERS]]))


def _evaluations(runs: Any, as_of: datetime, hours: int) -> tuple[Evaluation, ...]:
    """The gravest run of each monitor and stretch of time, the newest of equally grave ones."""
    column = date_bin(timedelta(hours=hours), until=as_of)
    grouped = runs.order_by().values("monitor_id", column=column)
    picked = grouped.annotate(gravest=Max(gravest_of("pk")), of=Count("pk"))
    sizes = {int(one["gravest"][-1]): one["of"] for one in picked}
    found = Run.objects.filter(pk__in=sizes).order_by("window_end", "pk")
    rows = found.values_list(
        "monitor_id", "pk", "window_start", "window_end", "verdict", "rows", "labelled"
    )
    return tuple(Evaluation(*row, of=sizes[row[1]]) for row in rows)

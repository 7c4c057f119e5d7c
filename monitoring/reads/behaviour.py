"""One version over time: the judged numbers and the runs of its monitors, for charts."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, Max, OuterRef, Q, Window
from django.db.models.functions import RowNumber
from django.shortcuts import get_object_or_404

from monitoring.models import Measurement, Monitor, Run
from registry.models import Model, Version

MOST_NUMBERS = 12_000
MOST_WINDOWS = 400
MOST_VERSIONS = 12


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
    """One run in a chart: its window, verdict and how many outcomes it had."""

    monitor_id: int
    run_id: int
    window_start: datetime
    window_end: datetime
    verdict: str
    rows: int
    labelled: int


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


def behaviour_of(version_id: int, *, days: int, monitor_id: int | None = None) -> Behaviour:
    """The judged numbers of the last `days` before the newest window. Three queries.

    Of each monitor the newest 400 windows, 12,000 numbers altogether; `cut` says whether there are
    more.
    """
    runs = Run.objects.filter(version_id=version_id, latest=True)
    if monitor_id is not None:
        runs = runs.filter(monitor_id=monitor_id)
    as_of = runs.aggregate(Max("window_end"))["window_end__max"]
    if as_of is None:
        return Behaviour(None, (), (), cut=False)
    since = as_of - timedelta(days=days)
    evaluations = _evaluations(runs.filter(window_end__gt=since))
    numbers = _numbers([run.run_id for run in evaluations])
    most = max(Counter(run.monitor_id for run in evaluations).values(), default=0)
    cut = most == MOST_WINDOWS or len(numbers) == MOST_NUMBERS
    return Behaviour(as_of, evaluations, numbers, cut)


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
    evaluated = Exists(Run.objects.filter(version=OuterRef("pk")))
    return set(Version.objects.filter(evaluated, model_id=model_id).values_list("pk", flat=True))


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


def _evaluations(runs: Any) -> tuple[Evaluation, ...]:
    newest = Window(RowNumber(), partition_by="monitor_id", order_by=["-window_end", "-pk"])
    found = (
        runs.annotate(place=newest)
        .filter(place__lte=MOST_WINDOWS)
        .order_by("window_end", "pk")
        .values_list(
            "monitor_id", "pk", "window_start", "window_end", "verdict", "rows", "labelled"
        )
    )
    return tuple(Evaluation(*row) for row in found)

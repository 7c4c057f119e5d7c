"""What conditions are judged by: monitors, their newest measurements, traffic, incidents."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery, Sum
from django.utils import timezone

from governance.conditions import (
    TRAFFIC_CONFIDENCE,
    ConditionKind,
    Judgement,
    Measured,
    Seen,
    Terms,
    Unclear,
    judge,
    says,
    terms_of,
)
from governance.models import Condition
from governance.states import ConditionState
from monitoring.metrics import METRICS, words_of
from monitoring.models import Incident, Measurement, Monitor, MonitorKind, Profile, Run
from monitoring.reads.baselines import schema_of
from monitoring.states import IncidentState
from monitoring.stats.intervals import wilson
from registry.models import Deployment, Version
from registry.states import DeploymentRole

# Monitors of these kinds measure everything their kind can, whatever they alarm on.
MEASURE_ALL = frozenset({"performance", "fairness", "calibration"})
UNSOUND = "insufficient_data"
ANSWERING = (DeploymentRole.CHAMPION, DeploymentRole.CHALLENGER)
# What keeps a clearance from being without conditions, or from being reinstated.
STANDING = (ConditionState.IN_FORCE, ConditionState.LAPSED)
DAY = timedelta(hours=24)


@dataclass(frozen=True)
class ConditionLine:
    """A condition as pages and answers show it."""

    text: str
    state: str
    holds: bool | None
    said: str
    since: datetime | None = None
    ended_at: datetime | None = None

    @property
    def shown(self) -> str:
        """The word of its badge."""
        if self.state != ConditionState.IN_FORCE:
            return self.state
        return "holds" if self.holds else "unmeasured"


def watched_by(model_id: int, terms: Terms) -> Terms:
    """The condition with the monitor that measures it.

    Raises:
        Unclear: no enabled monitor does, or several and none was named.
    """
    if terms.kind != ConditionKind.MEASURE:
        return terms
    found = [m for m in _enabled(model_id) if _measures(m, terms)]
    if terms.monitor is not None:
        found = [m for m in found if m.pk == terms.monitor]
    exact = [m for m in found if m.metric == terms.metric]
    chosen = exact if len(exact) == 1 else found
    if not chosen:
        raise Unclear(f"No enabled monitor of this model measures the {words_of(terms.metric)}.")
    if len(chosen) > 1:
        named = "; ".join(f"{m.pk} ({watcher_of(m)})" for m in chosen)
        raise Unclear(f"Several monitors measure it, name one as `monitor`: {named}.")
    return replace(terms, monitor=chosen[0].pk)


def _enabled(model_id: int) -> list[Monitor]:
    return list(Monitor.objects.filter(model=model_id, enabled=True).order_by("pk"))


def _measures(monitor: Monitor, terms: Terms) -> bool:
    own = {metric.name for metric in METRICS.get(monitor.kind, ())}
    if terms.metric not in own:
        return False
    named = monitor.metric == terms.metric or monitor.kind in MEASURE_ALL
    fields = not monitor.fields or not terms.field or terms.field in monitor.fields
    segments = not terms.segment or terms.segment in monitor.segments
    return named and fields and segments


def watcher_of(monitor: Monitor) -> str:
    """A monitor in words: its name and its window."""
    hours = monitor.window_hours
    size, unit = next(
        (hours // one, name)
        for one, name in ((168, "week"), (24, "day"), (1, "hour"))
        if hours % one == 0
    )
    return f"{monitor.name}, over {size} {unit}{'s' if size > 1 else ''}"


def in_words(terms: Sequence[Terms]) -> list[str]:
    """The conditions as sentences, each with what measures it; one query."""
    wanted = [one.monitor for one in terms if one.monitor is not None]
    monitors = Monitor.objects.in_bulk(wanted) if wanted else {}
    return [
        says(one, watcher_of(monitors[one.monitor]) if one.monitor in monitors else "")
        for one in terms
    ]


def judged_now(
    version: Version, environment: str, terms: Sequence[Terms]
) -> list[tuple[Terms, Judgement]]:
    """How conditions that are asked for would be judged if they came into force now."""
    now = timezone.now()
    rows = [
        Condition(version=version, environment=environment, monitor_id=one.monitor, since=now)
        for one in terms
    ]
    seen = _seen(list(zip(rows, terms, strict=True)), now, _newest_runs_of(rows))
    return [(one, judge(one, found)) for one, found in zip(terms, seen, strict=True)]


def judged(conditions: QuerySet[Condition]) -> list[tuple[Condition, Judgement]]:
    """Every condition with how it is judged now; a fixed number of queries."""
    rows = list(
        conditions.select_related("version__model").annotate(run_id=Subquery(_runs_of_row()))
    )
    pairs = [(row, terms_of(row.terms)) for row in rows]
    runs = {id(row): row.run_id for row in rows}
    found = _seen(pairs, timezone.now(), runs)
    return [(row, judge(one, seen)) for (row, one), seen in zip(pairs, found, strict=True)]


def _runs_of_row() -> QuerySet[Run, Any]:
    mine = Run.objects.filter(monitor=OuterRef("monitor"), version=OuterRef("version"), latest=True)
    return mine.exclude(verdict=UNSOUND).order_by("-window_end").values("pk")[:1]


def _newest_runs_of(rows: Sequence[Condition]) -> dict[int, int | None]:
    """The newest sound run of conditions that are no rows yet; one query each, for one request."""
    found: dict[int, int | None] = {}
    for row in rows:
        runs = Run.objects.filter(monitor=row.monitor_id, version=row.version_id, latest=True)
        sound = runs.exclude(verdict=UNSOUND).order_by("-window_end")
        found[id(row)] = sound.values_list("pk", flat=True).first() if row.monitor_id else None
    return found


Pairs = Sequence[tuple[Condition, Terms]]
Place = tuple[int, str]


def _seen(pairs: Pairs, now: datetime, runs: Mapping[int, int | None]) -> list[Seen]:
    measurements = _measurements({run for run in runs.values() if run is not None})
    traffic = _traffic(pairs, now)
    incidents = _incidents({row.version_id for row, _ in pairs})
    on = _enabled_ids({row.monitor_id for row, _ in pairs if row.monitor_id is not None})
    return [
        Seen(
            now=now,
            since=row.since,
            watched=terms.kind != ConditionKind.MEASURE or row.monitor_id in on,
            measured=_fitting(measurements.get(runs.get(id(row)) or 0, ()), terms),
            incidents=tuple(incidents.get(row.version_id, ())),
            **_share(*traffic.get(_place(row), (0, 0))),
        )
        for row, terms in pairs
    ]


def _share(rows: int, all_rows: int) -> dict[str, Any]:
    low = wilson(rows, all_rows, 2 * TRAFFIC_CONFIDENCE - 1)[0] if all_rows else 0.0
    return {"rows": rows, "all_rows": all_rows, "share_low": low}


def _enabled_ids(ids: Collection[int]) -> set[int]:
    return set(Monitor.objects.filter(pk__in=ids, enabled=True).values_list("pk", flat=True))


def _measurements(run_ids: Collection[int]) -> dict[int, list[Measurement]]:
    if not run_ids:
        return {}
    rows = Measurement.objects.filter(run__in=run_ids, value__isnull=False).exclude(verdict=UNSOUND)
    found: dict[int, list[Measurement]] = defaultdict(list)
    for row in rows.order_by("run", "field", "pk"):
        found[row.run_id].append(row)
    return found


def _fitting(rows: Iterable[Measurement], terms: Terms) -> tuple[Measured, ...]:
    """Those that the condition speaks of; without a field, those of every field but no group."""
    return tuple(
        Measured(row.value, row.low, row.high, row.n, row.field, row.window_end)
        for row in rows
        if row.value is not None
        and row.metric == terms.metric
        and row.segment == terms.segment
        and (row.field == terms.field if terms.field else " = " not in row.field)
    )


def _traffic(pairs: Pairs, now: datetime) -> dict[Place, tuple[int, int]]:
    """Rows of the last day, of the version and of all that answer beside it, where it matters."""
    asked = {_place(row): row for row, one in pairs if one.kind == ConditionKind.TRAFFIC}
    if not asked:
        return {}
    models = {row.version.model_id for row in asked.values()}
    rows = Profile.objects.filter(
        version__model__in=models, segment="", hour__gte=now - DAY, hour__lte=now
    ).order_by()
    totals = dict(rows.values_list("version").annotate(total=Sum("rows")))
    beside = _answering(models)
    return {
        place: (totals.get(row.version_id, 0), _sum(totals, beside, row))
        for place, row in asked.items()
    }


def _sum(totals: Mapping[int, int], beside: Mapping[Place, Collection[int]], row: Condition) -> int:
    place = (row.version.model_id, row.environment)
    return sum(totals.get(one, 0) for one in beside.get(place, ()))


def _answering(models: Collection[int]) -> dict[Place, set[int]]:
    serving = Deployment.objects.filter(
        model__in=models, role__in=ANSWERING, ended_at__isnull=True
    ).values_list("model", "environment", "version")
    found: dict[Place, set[int]] = defaultdict(set)
    for model, environment, version in serving:
        found[(model, environment)].add(version)
    return found


def _place(row: Condition) -> Place:
    return (row.version_id, row.environment)


def _incidents(version_ids: Collection[int]) -> dict[int, list[tuple[str, str]]]:
    rows = Incident.objects.filter(version__in=version_ids).exclude(state=IncidentState.RESOLVED)
    found: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for row in rows.order_by("pk"):
        found[row.version_id].append((row.severity, row.title))
    return found


def of_versions(version_ids: Collection[int]) -> dict[Place, list[Condition]]:
    """Conditions in force or lapsed, by version and environment; one query."""
    rows = Condition.objects.filter(version__in=version_ids, state__in=STANDING)
    found: dict[Place, list[Condition]] = defaultdict(list)
    for row in rows.order_by("request", "position"):
        found[(row.version_id, row.environment)].append(row)
    return found


def standing(version_ids: Collection[int], environment: str = "") -> tuple[ConditionLine, ...]:
    """Conditions in force or lapsed of these versions; one query."""
    return tuple(
        condition_line(row)
        for (_, place), rows in of_versions(version_ids).items()
        if environment in {"", place}
        for row in rows
    )


def condition_line(row: Condition) -> ConditionLine:
    return ConditionLine(row.text, row.state, row.holds, row.said, row.since, row.ended_at)


@dataclass(frozen=True)
class Measurable:
    """What a condition on a model's version may be about: a measure of one of its monitors."""

    monitor: int
    metric: str
    field: str
    words: str

    @property
    def key(self) -> str:
        return self.key_of(self.monitor, self.metric, self.field)

    @staticmethod
    def key_of(monitor: int, metric: str, field: str) -> str:
        return f"{monitor}/{metric}/{field}"


def measurable(version: Version) -> list[Measurable]:
    """Every measure that the model's enabled monitors take, by monitor; three queries.

    Fairness is told by group field; what a drift monitor measures of many fields, for all of them.
    """
    schema = schema_of(version)
    groups = [field.name for field in schema.groups] if schema else []
    return [
        Measurable(monitor.pk, metric, field, _words(monitor, metric, field))
        for monitor in _enabled(version.model_id)
        for metric in _metrics_of(monitor, version.model.task)
        for field in _fields_of(monitor, groups)
    ]


def _metrics_of(monitor: Monitor, task: str) -> list[str]:
    if monitor.kind not in MEASURE_ALL:
        return [monitor.metric]
    return [metric.name for metric in METRICS[monitor.kind] if task in metric.tasks]


def _fields_of(monitor: Monitor, groups: Sequence[str]) -> list[str]:
    if monitor.kind == MonitorKind.FAIRNESS:
        return [name for name in groups if not monitor.fields or name in monitor.fields]
    return [""]


def _words(monitor: Monitor, metric: str, field: str) -> str:
    of = f" of {field}" if field else ""
    return f"{words_of(metric, monitor.kind)}{of} ({watcher_of(monitor)})"

"""What a watch looks at: monitors' verdicts, incidents, clearance, numbers beside the former's."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Max, Q, Sum
from django.utils import timezone

from governance.models import Clearance, Watch
from governance.numbers import MEASURED, compare
from governance.reads.numbers import numbers_of
from governance.states import ClearanceState
from governance.watch_rules import AT_MOST_TIMES, WatchState
from monitoring.metrics import words_of
from monitoring.models import Incident, Measurement, MonitorKind, Profile, Severity
from monitoring.states import IncidentState

HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Breach:
    """A guard-rail that broke: which, in words, and the numbers it is told by."""

    rail: str
    said: str
    evidence: dict[str, Any] = field(default_factory=dict)
    incident_id: int | None = None

    def as_json(self) -> dict[str, Any]:
        return {"rail": self.rail, "said": self.said, **self.evidence}


def broken(watch: Watch) -> Breach | None:
    """The first guard-rail that broke since the deployment, the gravest first. Six queries."""
    return _incident(watch) or _measured(watch) or _worse(watch) or _suspended(watch)


def _incident(watch: Watch) -> Breach | None:
    rows = Incident.objects.filter(
        version=watch.version_id, severity=Severity.CRITICAL, opened_at__gte=watch.started_at
    ).exclude(state=IncidentState.RESOLVED)
    found = rows.order_by("pk").first()
    if found is None:
        return None
    said = f"Critical incident: {found.title.removesuffix('.')}."
    return Breach("incident", said, {"incident": found.pk}, found.pk)


def _seen(watch: Watch) -> Any:
    """Measurements of windows that ended after the deployment, of the kinds that count."""
    return Measurement.objects.filter(
        version=watch.version_id,
        latest=True,
        monitor__kind__in=watch.kinds,
        window_end__gt=watch.started_at,
        run__measured_at__gte=watch.started_at,
    )


def _measured(watch: Watch) -> Breach | None:
    """A monitor's verdict: judged against the claims and thresholds that it was set up with."""
    rows = _seen(watch).filter(verdict="breach", monitor__enabled=True)
    row = rows.select_related("monitor", "run").order_by("run__measured_at", "pk").first()
    if row is None:
        return None
    of = f" of {row.field}" if row.field else ""
    limit = f", breach from {row.breach:.4g}" if row.breach is not None else ""
    name = words_of(row.metric, row.monitor.kind)
    value = "no value" if row.value is None else f"{row.value:.4g}"
    said = f"{row.monitor.name}: {name}{of} is {value}{limit}."
    return Breach("monitor", said, evidence_of(row), _incident_of(row))


def evidence_of(row: Measurement) -> dict[str, Any]:
    return {
        "measurement": row.pk,
        "monitor": row.monitor.name,
        "metric": row.metric,
        "field": row.field,
        "value": row.value,
        "low": row.low,
        "high": row.high,
        "n": row.n,
        "breach_from": row.breach,
        "window_end": row.window_end.isoformat(),
    }


def _incident_of(row: Measurement) -> int | None:
    rows = Incident.objects.filter(version=row.version_id, kind=row.monitor.kind)
    return rows.exclude(state=IncidentState.RESOLVED).values_list("pk", flat=True).first()


def _worse(watch: Watch) -> Breach | None:
    """Its production number beside the former champion's, with more than the margin between."""
    if watch.former_id is None or MonitorKind.PERFORMANCE not in watch.kinds:
        return None
    numbers = numbers_of({watch.version_id, watch.former_id})
    ours = [
        one
        for one in numbers[watch.version_id]
        if one.source == MEASURED and one.as_of and one.as_of > watch.started_at
    ]
    theirs = [one for one in numbers[watch.former_id] if one.source == MEASURED]
    found = compare(watch.model.task, ours, theirs)
    if found is None or found.worse_by <= watch.margin + 1e-9 or found.intervals_overlap:
        return None
    mine, former = found.proposed, found.champion
    said = (
        f"{mine.label} is {mine.value:.4g}; the former champion had {former.value:.4g}, and "
        f"{watch.margin:g} less was allowed."
    )
    evidence = {
        "measurement": mine.measurement_id,
        "metric": mine.metric,
        "value": mine.value,
        "former_value": former.value,
        "former_measurement": former.measurement_id,
        "margin": watch.margin,
    }
    return Breach("former", said, evidence)


def _suspended(watch: Watch) -> Breach | None:
    row = Clearance.objects.filter(
        version=watch.version_id,
        environment=watch.environment,
        until__isnull=True,
        state=ClearanceState.SUSPENDED,
        since__gte=watch.started_at,
    ).first()
    if row is None:
        return None
    return Breach("clearance", f"Its clearance was suspended. {' '.join(row.reasons)}".strip())


def looked_at(watch: Watch) -> dict[str, Any]:
    """What there was to look at so far: counts, so that silence is not taken for health."""
    told = _seen(watch).aggregate(n=Count("pk"), last=Max("window_end"))
    unsound = _seen(watch).filter(verdict="insufficient_data").count()
    warned = _seen(watch).filter(verdict="warning").count()
    incidents = Incident.objects.filter(
        version=watch.version_id, opened_at__gte=watch.started_at
    ).count()
    return {
        "measurements": told["n"] - unsound,
        "insufficient": unsound,
        "warnings": warned,
        "incidents": incidents,
        "rows": rows_since(watch),
        "last_window": told["last"].isoformat() if told["last"] else None,
    }


def rows_since(watch: Watch) -> int:
    hour = watch.started_at.replace(minute=0, second=0, microsecond=0)
    rows = Profile.objects.filter(version=watch.version_id, segment="", hour__gte=hour)
    return rows.aggregate(total=Sum("rows"))["total"] or 0


def is_over(watch: Watch, now: datetime) -> bool:
    """Its hours have passed and its rows were seen, or it has waited for them long enough."""
    if now < watch.until:
        return False
    last = watch.started_at + AT_MOST_TIMES * watch.hours * HOUR
    return now >= last or rows_since(watch) >= watch.rows


def report(looked: dict[str, Any]) -> str:
    """What a watch that ended quietly saw; nothing seen is said so, it did not pass."""
    n, rows = looked.get("measurements", 0), looked.get("rows", 0)
    seen = f"{rows:,} prediction{'' if rows == 1 else 's'}"
    if not n:
        few = looked.get("insufficient", 0)
        why = f" ({few} with too little data)" if few else ""
        return f"Nothing was seen: no measurement could judge it{why}; {seen} arrived."
    are = "measurement was" if n == 1 else "measurements were"
    warned = looked.get("warnings", 0)
    also = f", {warned} with a warning" if warned else ""
    return f"{n} {are} looked at{also}, none broke a guard-rail; {seen} arrived."


@dataclass(frozen=True)
class WatchLine:
    """A watch as pages and the API tell it."""

    row: Watch
    text: str
    open: bool


def watch_lines(rows: Any) -> tuple[WatchLine, ...]:
    found = rows.select_related("version", "former", "policy", "request", "model", "roll_back")
    return tuple(line_of(row) for row in found[:20])


def line_of(row: Watch) -> WatchLine:
    return WatchLine(row, _text(row), row.state == WatchState.WATCHING)


def _text(row: Watch) -> str:
    if row.state == WatchState.BROKEN:
        return f"{(row.breach or {}).get('said', '')} {row.said}".strip()
    if row.state == WatchState.WATCHING:
        late = timezone.now() > row.until
        more = " It goes on until enough predictions were seen." if late else ""
        return f"No guard-rail broke so far.{more}"
    return f"{report(row.looked)} {row.said}".strip()


def watches_at(model: Any, at: datetime) -> list[dict[str, Any]]:
    """Watches that were on, or had broken, at a moment; what came later is not told."""
    rows = Watch.objects.filter(model=model, started_at__lte=at)
    on = rows.filter(Q(ended_at__isnull=True) | Q(ended_at__gt=at) | Q(state=WatchState.BROKEN))
    return [_as_it_was(row, at) for row in on.select_related("version", "policy")[:20]]


def _as_it_was(row: Watch, at: datetime) -> dict[str, Any]:
    broke = row.broke_at is not None and row.broke_at <= at
    return {
        "version": row.version.number,
        "environment": row.environment,
        "since": row.started_at,
        "until": row.until,
        "policy": str(row.policy),
        "state": str(row.state if broke else WatchState.WATCHING),
        "breach": (row.breach or {}).get("said", "") if broke else "",
    }

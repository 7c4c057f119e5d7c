"""How versions are, from prepared rows: health, verdicts for gates, coverage of outcomes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Max, Min, Sum

from monitoring.models import Health, Incident, Measurement, MonitorKind, ParkedOutcome, Profile
from monitoring.reads.windows import ALL_ROWS
from monitoring.states import IncidentState
from registry.models import Version


@dataclass(frozen=True)
class KindHealth:
    """The latest verdict of one kind of monitors."""

    version_id: int
    kind: str
    verdict: str
    summary: str
    as_of: datetime
    measured_at: datetime

    @property
    def title(self) -> str:
        """The kind in words."""
        return str(MonitorKind(self.kind).label)


@dataclass(frozen=True)
class OpenIncident:
    """An incident that is not resolved."""

    id: int
    version_id: int
    kind: str
    severity: str
    state: str
    title: str
    began_at: datetime
    opened_at: datetime


@dataclass(frozen=True)
class Latest:
    """The newest number of a metric of a version."""

    id: int
    kind: str
    monitor: str
    metric: str
    field: str
    segment: str
    value: float | None
    low: float | None
    high: float | None
    reference_value: float | None
    n: int
    verdict: str
    judged: bool
    window_start: datetime
    window_end: datetime


@dataclass(frozen=True)
class Coverage:
    """How much of a version's log has its outcome; mature: its outcomes have had their time."""

    rows: int
    labelled: int
    first: datetime | None
    last: datetime | None
    mature_through: datetime | None
    mature_rows: int
    mature_labelled: int
    parked: int

    @property
    def mature_share(self) -> float | None:
        return self.mature_labelled / self.mature_rows if self.mature_rows else None


def health_of(version_ids: Sequence[int]) -> dict[int, dict[str, KindHealth]]:
    """version -> kind -> latest verdict. One query."""
    found: dict[int, dict[str, KindHealth]] = {version_id: {} for version_id in version_ids}
    for row in Health.objects.filter(version_id__in=version_ids).order_by("kind"):
        found[row.version_id][row.kind] = KindHealth(
            row.version_id, row.kind, row.verdict, row.summary, row.as_of, row.measured_at
        )
    return found


def open_incidents(
    *, version_id: int | None = None, model_id: int | None = None
) -> list[OpenIncident]:
    """Incidents that are not resolved, newest first, of a version, a model or all. One query."""
    rows = Incident.objects.exclude(state=IncidentState.RESOLVED)
    if version_id is not None:
        rows = rows.filter(version_id=version_id)
    if model_id is not None:
        rows = rows.filter(model_id=model_id)
    return [
        OpenIncident(
            row.pk,
            row.version_id,
            row.kind,
            row.severity,
            row.state,
            row.title,
            row.began_at,
            row.opened_at,
        )
        for row in rows[:200]
    ]


def latest_measurements(version_id: int) -> list[Latest]:
    """The newest defined number of every metric, field and segment of a version. One query."""
    rows = (
        Measurement.objects.filter(version_id=version_id, latest=True, value__isnull=False)
        .order_by("metric", "field", "segment", "monitor_id", "-window_end")
        .distinct("metric", "field", "segment", "monitor_id")
        .select_related("monitor", "run")
    )
    return [_latest(row) for row in rows]


def _latest(row: Measurement) -> Latest:
    return Latest(
        row.pk,
        row.monitor.kind,
        row.monitor.name,
        row.metric,
        row.field,
        row.segment,
        row.value,
        row.low,
        row.high,
        row.reference_value,
        row.n,
        row.verdict,
        row.warning is not None or row.breach is not None or "alpha" in row.parameters,
        row.run.window_start,
        row.window_end,
    )


def coverage_of(version: Version, *, now: datetime) -> Coverage:
    """Rows, outcomes, and through when outcomes are due. Three queries."""
    rows = Profile.objects.filter(version=version, segment=ALL_ROWS)
    through = now - timedelta(hours=version.model.outcome_horizon_hours)
    whole = rows.aggregate(Sum("rows"), Sum("labelled"), Min("hour"), Max("hour"))
    mature = rows.filter(hour__lt=through).aggregate(Sum("rows"), Sum("labelled"))
    first = whole["hour__min"]
    return Coverage(
        whole["rows__sum"] or 0,
        whole["labelled__sum"] or 0,
        first,
        whole["hour__max"],
        through if first and first < through else None,
        mature["rows__sum"] or 0,
        mature["labelled__sum"] or 0,
        ParkedOutcome.objects.filter(model_id=version.model_id).count(),
    )

"""The list of watched models: each by the version that matters, its health and its coverage."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Q

from monitoring.models import Incident, Monitor, MonitorKind, Run
from monitoring.reads.health import KindHealth, health_of
from monitoring.states import IncidentState
from monitoring.stats.verdict import Verdict
from registry.models import Deployment, Model, Version
from registry.states import DeploymentRole

MOST = 200
PRODUCTION = "production"
OWN_COLUMN = frozenset({"performance", "drift", "quality", "fairness"})
GRAVEST = (Verdict.BREACH, Verdict.WARNING, Verdict.OK, Verdict.INSUFFICIENT_DATA)
# Whose windows tell how many rows come in; windows of the service are an hour, not the usual one.
OF_ROWS = (MonitorKind.DRIFT, MonitorKind.QUALITY)


@dataclass(frozen=True)
class Window:
    """The last window of one kind of monitors."""

    run_id: int
    start: datetime
    end: datetime
    rows: int
    labelled: int

    @property
    def outcome_share(self) -> float | None:
        return min(self.labelled / self.rows, 1.0) if self.rows else None


@dataclass(frozen=True)
class WatchedModel:
    """A model with the version that is watched: the champion, else the newest."""

    slug: str
    name: str
    team: str
    version: int | None
    is_champion: bool
    health: dict[str, KindHealth]
    last: Window | None
    performance: Window | None
    monitors: int
    open_incidents: int

    @property
    def gravest_other(self) -> KindHealth | None:
        """The gravest verdict of the kinds that have no column of their own in the list."""
        found = [one for kind, one in self.health.items() if kind not in OWN_COLUMN]
        return min(found, key=lambda one: GRAVEST.index(one.verdict), default=None)


def watched_models(user: Any, *, text: str = "") -> list[WatchedModel]:
    """What the user may see, by name, at most 200. Seven queries, however many models."""
    models = Model.objects.visible_to(user).select_related("team")
    if text:
        models = models.filter(Q(name__icontains=text) | Q(slug__icontains=text))
    found = list(models[:MOST])
    ids = [model.pk for model in found]
    champions, newest = _champions(ids), _newest(ids)
    chosen = {pk: champions.get(pk) or newest.get(pk) for pk in ids}
    version_ids = [version.pk for version in chosen.values() if version]
    health, windows = health_of(version_ids), _windows(version_ids)
    monitors = _count(Monitor.objects.filter(model__in=ids, enabled=True))
    unresolved = Incident.objects.filter(model__in=ids).exclude(state=IncidentState.RESOLVED)
    incidents = _count(unresolved)
    return [
        _row(
            model,
            chosen[model.pk],
            is_champion=model.pk in champions,
            health=health,
            windows=windows,
            counts=(monitors[model.pk], incidents[model.pk]),
        )
        for model in found
    ]


def _row(
    model: Model,
    version: Version | None,
    *,
    is_champion: bool,
    health: dict[int, dict[str, KindHealth]],
    windows: dict[int, dict[str, Window]],
    counts: tuple[int, int],
) -> WatchedModel:
    seen = windows[version.pk] if version else {}
    return WatchedModel(
        slug=model.slug,
        name=model.name,
        team=model.team.name,
        version=version.number if version else None,
        is_champion=is_champion,
        health=health[version.pk] if version else {},
        last=_latest(window for kind, window in seen.items() if kind in OF_ROWS)
        or _latest(seen.values()),
        performance=seen.get(MonitorKind.PERFORMANCE),
        monitors=counts[0],
        open_incidents=counts[1],
    )


def _latest(windows: Iterable[Window]) -> Window | None:
    return max(windows, key=lambda window: window.end, default=None)


def _champions(model_ids: Sequence[int]) -> dict[int, Version]:
    running = Deployment.objects.filter(
        model__in=model_ids,
        environment=PRODUCTION,
        role=DeploymentRole.CHAMPION,
        ended_at__isnull=True,
    )
    return {one.model_id: one.version for one in running.select_related("version")}


def _newest(model_ids: Sequence[int]) -> dict[int, Version]:
    rows = Version.objects.filter(model__in=model_ids).order_by("model_id", "-number")
    return {version.model_id: version for version in rows.distinct("model_id")}


def _windows(version_ids: Sequence[int]) -> dict[int, dict[str, Window]]:
    """version -> kind -> the newest evaluated window."""
    rows = (
        Run.objects.filter(version__in=version_ids, latest=True)
        .order_by("version_id", "monitor__kind", "-window_end", "-rows")
        .distinct("version_id", "monitor__kind")
        .select_related("monitor")
    )
    found: dict[int, dict[str, Window]] = defaultdict(dict)
    for run in rows:
        window = Window(run.pk, run.window_start, run.window_end, run.rows, run.labelled)
        found[run.version_id][run.monitor.kind] = window
    return found


def _count(rows: Any) -> Counter[int]:
    return Counter(dict(rows.order_by().values_list("model_id").annotate(Count("pk"))))

"""The stage of versions at a moment: from the row if it has not moved since, else from events."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from audit.models import Event
from registry.events import RegistryEvent
from registry.models import Archive, Deployment, Version
from registry.states import Stage

MOVED = (RegistryEvent.VERSION_APPROVED, RegistryEvent.VERSION_RETIRED)
MOST = 2000


def stages_at(versions: Iterable[Version], at: datetime) -> Mapping[int, str]:
    """By the version's key. Three queries."""
    rows = list(versions)
    moved = _moved(rows, at)
    archived = set(
        Archive.objects.filter(version__in=rows, sealed_at__lte=at).values_list(
            "version_id", flat=True
        )
    )
    served = set(
        Deployment.objects.filter(version__in=rows).at(at).values_list("version_id", flat=True)
    )
    return {row.pk: _stage(row, at, moved, archived, served) for row in rows}


def _stage(
    row: Version,
    at: datetime,
    moved: Mapping[int, set[str]],
    archived: set[int],
    served: set[int],
) -> str:
    if row.stage_since <= at:
        return str(row.stage)
    events = moved.get(row.pk, set())
    if row.pk in archived:
        return Stage.ARCHIVED
    if RegistryEvent.VERSION_RETIRED in events:
        return Stage.RETIRED
    if row.pk in served:
        return Stage.SERVING
    return Stage.APPROVED if RegistryEvent.VERSION_APPROVED in events else Stage.CANDIDATE


def _moved(rows: list[Version], at: datetime) -> Mapping[int, set[str]]:
    found: dict[int, set[str]] = {}
    events = Event.objects.filter(
        subject_type=Version._meta.label_lower,
        subject_id__in=[str(row.pk) for row in rows],
        event__in=MOVED,
        at__lte=at,
    )
    for key, event in events.order_by().values_list("subject_id", "event")[:MOST]:
        found.setdefault(int(key), set()).add(event)
    return found

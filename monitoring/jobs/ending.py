"""What a version that was retired leaves behind in monitoring is ended: logs, monitors, schedules.

Each function may be called twice; what is left is counted by its sister.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Max, Q, QuerySet, Sum
from django.db.models.functions import Now

from audit.record import SYSTEM, record
from ledger.models import Job, JobState
from monitoring.events import MonitoringEvent
from monitoring.models import Batch, BatchKind, Experiment, Monitor, Outlook
from monitoring.querysets import BatchQuerySet
from registry.gateways import store
from registry.models import Model, Version
from registry.reads.holds import holds_on

AT_ONCE = 500


@dataclass(frozen=True)
class Logs:
    """So many files of a prediction log with so many rows."""

    files: int
    rows: int
    bytes: int


def old_logs(version_id: int, before: datetime) -> BatchQuerySet:
    """Files of predictions whose last row is older; those still to be counted are left alone."""
    return Batch.objects.filter(
        version=version_id,
        kind=BatchKind.PREDICTIONS,
        last_at__lt=before,
        folded_at__isnull=False,
    )


def counted(rows: BatchQuerySet) -> Logs:
    found = rows.order_by().aggregate(rows=Sum("rows"), bytes=Sum("bytes"))
    return Logs(rows.count(), found["rows"] or 0, found["bytes"] or 0)


def logs_kept(version_id: int, before: datetime) -> tuple[Logs, datetime | None]:
    """What the rule keeps yet, and the time of its newest row."""
    gone = old_logs(version_id, before).values("pk")
    kept = Batch.objects.filter(version=version_id, kind=BatchKind.PREDICTIONS)
    kept = kept.exclude(pk__in=gone)
    return counted(kept), kept.order_by().aggregate(last=Max("last_at"))["last"]


def remove_logs(*, version: Version, before: datetime, because: str) -> Logs:
    """Remove files of predictions older than that; profiles and measurements stay.

    Nothing is removed while a legal hold is on the model.
    """
    files = rows = size = 0
    while part := _remove_some(version, before, because):
        files, rows, size = files + part.files, rows + part.rows, size + part.bytes
    return Logs(files, rows, size)


def _remove_some(version: Version, before: datetime, because: str) -> Logs | None:
    """The rows first: a file without a row is an orphan, which the sweep removes too."""
    with transaction.atomic():
        # Whoever places a hold locks the model too: it is seen here, or comes afterwards.
        Model.objects.select_for_update(no_key=True).get(pk=version.model_id)
        if holds_on(version.model_id):
            return None
        some = old_logs(version.pk, before).order_by("pk")[:AT_ONCE]
        found = list(some.select_for_update(no_key=True))
        if not found:
            return None
        Batch.objects.filter(pk__in=[one.pk for one in found]).delete()
        gone = Logs(len(found), sum(b.rows for b in found), sum(b.bytes for b in found))
        facts = {"files": gone.files, "rows": gone.rows, "bytes": gone.bytes}
        digests = sorted(one.file_digest for one in found)
        record(
            SYSTEM,
            MonitoringEvent.LOGS_REMOVED,
            version,
            **facts,
            before=before,
            digests=digests,
            because=because,
        )
    for one in found:
        store.delete(one.path)
    return gone


def files_of_no_row(version_id: int) -> int:
    """Files of the version's prediction log in the store that no row knows."""
    names = {name for name, _ in store.listed(f"predictions/{version_id}")}
    known = Batch.objects.filter(version=version_id).values_list("path", flat=True)
    return len(names - set(known))


def sweep_version(version_id: int) -> None:
    """Remove files that a killed removal left; nothing is sent for a retired version any more."""
    names = {name for name, _ in store.listed(f"predictions/{version_id}")}
    known = Batch.objects.filter(version=version_id).values_list("path", flat=True)
    for name in sorted(names - set(known)):
        store.delete(name)


@transaction.atomic
def switch_monitors_off(*, model_id: int, because: str) -> int:
    """Switch every monitor of the model off; returns how many were on."""
    rows = Monitor.objects.select_for_update(no_key=True, of=("self",)).select_related("model")
    found = list(rows.filter(model=model_id, enabled=True).order_by("pk"))
    Monitor.objects.filter(pk__in=[one.pk for one in found]).update(enabled=False, changed_at=Now())
    for one in found:
        record(SYSTEM, MonitoringEvent.MONITOR_CHANGED, one, enabled=False, because=because)
    return len(found)


def monitors_on(model_id: int) -> int:
    return Monitor.objects.filter(model=model_id, enabled=True).count()


@transaction.atomic
def end_schedules(*, version: Version, because: str) -> dict[str, int]:
    """Stop experiments that the version takes part in, forget its outlooks, drop waiting runs."""
    running = _experiments(version.pk).select_for_update(no_key=True, of=("self",))
    stopped = list(running.filter(stopped_at__isnull=True).select_related("model").order_by("pk"))
    for one in stopped:
        one.stop_reason = f"Version {version.number} was retired ({because})."[:500]
        Experiment.objects.filter(pk=one.pk).update(stopped_at=Now(), stop_reason=one.stop_reason)
        record(SYSTEM, MonitoringEvent.EXPERIMENT_STOPPED, one, reason=one.stop_reason)
    outlooks, _ = Outlook.objects.filter(version=version).delete()
    runs = _waiting_runs(version.pk).update(state=JobState.DONE, error=f"Not done: {because}.")
    return {"experiments": len(stopped), "outlooks": outlooks, "waiting_runs": runs}


def schedules_left(version_id: int) -> dict[str, int]:
    return {
        "experiments": _experiments(version_id).filter(stopped_at__isnull=True).count(),
        "outlooks": Outlook.objects.filter(version=version_id).count(),
        "waiting_runs": _waiting_runs(version_id).count(),
    }


def _experiments(version_id: int) -> QuerySet[Experiment]:
    sides = Q(champion=version_id) | Q(challenger=version_id)
    return Experiment.objects.filter(sides, concluded_at__isnull=True)


def _waiting_runs(version_id: int) -> QuerySet[Job]:
    """Evaluations of the version that nobody has begun (their key is monitor:version:…)."""
    return Job.objects.filter(
        kind="monitoring.evaluate", state=JobState.DUE, key__regex=rf"^\d+:{version_id}:"
    )

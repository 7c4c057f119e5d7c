"""The locks of sealed files in the store are made longer when a longer rule comes into force.

Never shorter: what was locked stays locked until its day. May be killed anywhere and done again: a
lock that is long enough already is left alone, and the row tells the new day when all have it.
"""

from django.db import transaction

from audit.record import SYSTEM, record
from ledger import claims
from ledger.models import Job, JobState
from registry.events import RegistryEvent
from registry.gateways import object_locks
from registry.jobs.verification import MANIFEST
from registry.models import Archive
from registry.reads.retention import Rule, kept_until, rule_in_force
from registry.states import ArchiveState

KIND = "registry.lengthen"


def lengthen_due() -> int:
    """Enqueue every archive whose lock ends before its retention; any number of beats is harmless.

    Another risk tier may mean a longer rule too, so all that are locked are looked at.
    """
    if not object_locks.wanted():
        return 0
    rule = rule_in_force()
    locked = Archive.objects.filter(state=ArchiveState.SEALED, locked_until__isnull=False)
    rows = locked.select_related("version__model").defer("documents", "manifest").order_by("pk")
    return sum(_enqueue(one.pk) for one in rows.iterator() if _too_short(one, rule))


def _too_short(archive: Archive, rule: Rule) -> bool:
    wanted = kept_until(archive, rule)
    return bool(wanted and archive.locked_until and wanted > archive.locked_until)


@transaction.atomic
def _enqueue(archive_id: int) -> bool:
    Archive.objects.select_for_update(no_key=True).defer("documents").get(pk=archive_id)
    jobs = Job.objects.filter(kind=KIND, key=str(archive_id))
    if jobs.filter(state__in=[JobState.DUE, JobState.RUNNING]).exists():
        return False
    claims.again(kind=KIND, key=str(archive_id), subject_id=archive_id)
    return True


def lengthen_lock(claim: claims.Claim) -> None:
    """Lock every sealed file of one archive until the last day of its retention.

    Raises:
        OSError: the store refuses or does not answer; the ledger tries again.
    """
    archive = Archive.objects.select_related("version__model").get(pk=claim.subject_id)
    until = kept_until(archive, rule_in_force())
    if archive.state != ArchiveState.SEALED or until is None or not object_locks.wanted():
        with transaction.atomic():
            claims.finish(claim=claim)
        return
    names = [f"{archive.path}/{file['path']}" for file in archive.manifest["files"]]
    archive.locked_until = object_locks.lock([*names, f"{archive.path}/{MANIFEST}"], until)
    _keep(claim, archive, len(names) + 1)


@transaction.atomic
def _keep(claim: claims.Claim, archive: Archive, files: int) -> None:
    # The archive before its job, as where it is asked for: no deadlock.
    held = Archive.objects.select_for_update(no_key=True).filter(pk=archive.pk)
    before = held.defer("documents", "manifest").get().locked_until
    claims.finish(claim=claim)
    if before == archive.locked_until:
        return
    held.update(locked_until=archive.locked_until)
    facts = {"before": before, "until": archive.locked_until, "files": files}
    record(SYSTEM, RegistryEvent.LOCK_LENGTHENED, archive, **facts)

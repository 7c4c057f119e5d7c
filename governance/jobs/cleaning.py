"""What each step of the clean-up does, and how one sees that it was done. A table of both.

`do` may run twice and says what it did; `check` looks again, from the other side, and counts. A
step waits by raising `Waits`, is left out by `Skips`, and what is found wrong is `NotSo`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from accounts.models import ApiToken
from accounts.services.tokens import revoke_bound
from audit.record import SYSTEM, record
from governance.events import GovernanceEvent
from governance.jobs.cards import refresh_as_system
from governance.jobs.clearance import in_force
from governance.jobs.execute import documents_of
from governance.jobs.locks import lock_models
from governance.jobs.retirement_end import other_versions_live
from governance.jobs.retirements import kept_since
from governance.models import ChangeRequest, ModelClient, Registration, Retirement
from governance.reads.drill_passed import drill_failed, drill_passed
from governance.retirement_states import RegistrationState, move_registration
from monitoring.jobs import ending
from monitoring.models import Batch
from registry.jobs import source_removal
from registry.jobs.drills import ask_for_drill
from registry.models import Archive, Version
from registry.reads.holds import held_by
from registry.services import archives
from registry.states import ArchiveState, Stage

Facts = dict[str, Any]


class Waits(Exception):
    """Something else has to be finished first; the message says what."""


class Skips(Exception):
    """There is nothing to do here; the message says why."""


class NotSo(Exception):
    """What was done is not there, or the other way round; it is tried again."""


@dataclass(frozen=True)
class Case:
    """A retirement whose source is being cleaned up."""

    retirement: Retirement
    version: Version
    request: ChangeRequest

    @property
    def because(self) -> str:
        return f"CR-{self.request.pk}"


@dataclass(frozen=True)
class Work:
    do: Callable[[Case], Facts]
    check: Callable[[Case], Facts]


def _nothing(case: Case) -> Facts:
    return {"done_by": f"{case.because} itself"}


def _serving_ended(case: Case) -> Facts:
    running = case.version.deployments.filter(ended_at__isnull=True).count()
    cleared = in_force(case.version).count()
    if running or cleared:
        raise NotSo(f"{running} deployments run and {cleared} clearances are in force.")
    looked = case.version.deployments.count()
    return {"deployments_looked_at": looked, "running": 0, "clearances_in_force": 0}


@transaction.atomic
def _archive(case: Case) -> Facts:
    lock_models([case.version.model_id])
    there = Archive.objects.defer("documents").filter(version=case.version).first()
    if there is not None and there.state != ArchiveState.FAILED:
        return {"archive": there.pk, "asked_for": "before"}
    made = archives.request_archive(
        actor=SYSTEM,
        version_id=case.version.pk,
        documents=documents_of(case.request),
        requested_by_id=case.request.requested_by_id,
        because=case.because,
    )
    return {"archive": made.pk, "asked_for": "now"}


def _archived(case: Case) -> Facts:
    archive = Archive.objects.get(version=case.version)
    if archive.state == ArchiveState.FAILED:
        raise NotSo(f"The archive failed: {archive.error}")
    stage = Version.objects.values_list("stage", flat=True).get(pk=case.version.pk)
    if archive.state != ArchiveState.SEALED or stage != Stage.ARCHIVED:
        raise Waits("The archive is being written.")
    files = len(archive.manifest.get("files", []))
    return {"digest": archive.digest, "files": files, "bytes": archive.size}


@transaction.atomic
def _drill(case: Case) -> Facts:
    archive = Archive.objects.select_for_update(no_key=True).get(version=case.version)
    if drill_passed(case.version.pk) is not None:
        return {"asked_for": "before"}
    asked = ask_for_drill(archive_id=archive.pk, asked_by_id=None)
    return {"asked_for": "now" if asked else "before"}


def _drilled(case: Case) -> Facts:
    passed = drill_passed(case.version.pk)
    if passed is not None:
        return {"at": passed.at, "by": passed.by, "digest": passed.digest}
    if failed := drill_failed(case.version.pk):
        raise NotSo(f"The drill failed: {failed}")
    raise Waits("The archive is being brought back on trial.")


def _proved(case: Case) -> None:
    """Nothing of the source is touched while nothing proves that it can be brought back."""
    if drill_passed(case.version.pk) is None:
        raise NotSo("The restore drill holds no longer: nothing is deleted.")
    if cases := held_by(case.version.model_id):
        raise Waits(f"A legal hold ({cases}) keeps it: nothing is deleted before it is lifted.")


def _mlflow(case: Case) -> Facts:
    if why := source_removal.why_not_in_mlflow(case.version):
        raise Skips(why)
    _proved(case)
    source_removal.expect_removal(version_id=case.version.pk, because=case.because)
    return {"versions_deleted": source_removal.remove_version(case.version)}


def _mlflow_gone(case: Case) -> Facts:
    left = source_removal.versions_left(case.version)
    if left:
        raise NotSo("MLflow still has the version.")
    return {"versions_left": 0, "name": case.version.model.mlflow_name or ""}


def _artifacts(case: Case) -> Facts:
    why = source_removal.why_not_in_mlflow(case.version)
    if why := why or source_removal.why_files_stay(case.version):
        raise Skips(why)
    _proved(case)
    removed = source_removal.remove_files(case.version)
    return {"files_deleted": removed.files, "bytes_deleted": removed.bytes}


def _artifacts_gone(case: Case) -> Facts:
    left = source_removal.files_left(case.version)
    if left:
        raise NotSo(f"{left} files are still there.")
    return {"files_left": 0}


def _logs(case: Case) -> Facts:
    _proved(case)
    before = kept_since(case.retirement)
    gone = ending.remove_logs(version=case.version, before=before, because=case.because)
    ending.sweep_version(case.version.pk)
    return {"files_removed": gone.files, "rows_removed": gone.rows, "bytes_removed": gone.bytes}


def _logs_gone(case: Case) -> Facts:
    before = kept_since(case.retirement)
    left = ending.old_logs(case.version.pk, before).count()
    orphans = ending.files_of_no_row(case.version.pk)
    if left or orphans:
        raise NotSo(f"{left} old files and {orphans} files without a row are still there.")
    kept, last = ending.logs_kept(case.version.pk, before)
    days = case.retirement.kept_days
    facts = {"old_files_left": 0, "files_kept": kept.files, "rows_kept": kept.rows}
    return facts | {"kept_days": days, "newest_row_kept": last}


def _of_whole_model(case: Case) -> None:
    if why := other_versions_live(case.version):
        raise Skips(why)


def _accounts(case: Case) -> list[int]:
    """Service accounts that call this model and, as far as is known, no other."""
    mine = ModelClient.objects.filter(model=case.version.model_id, account__kind="service")
    theirs = ModelClient.objects.filter(ended_at__isnull=True).exclude(model=case.version.model_id)
    found = set(mine.values_list("account", flat=True)) - set(
        theirs.values_list("account", flat=True)
    )
    sent = Batch.objects.filter(sent_by__in=found).exclude(model=case.version.model_id)
    return sorted(pk for pk in found - set(sent.values_list("sent_by", flat=True)) if pk)


def _tokens(case: Case) -> Facts:
    _of_whole_model(case)
    accounts = _accounts(case)
    if not accounts:
        raise Skips("No account is known that calls this model alone.")
    revoked = sum(
        revoke_bound(actor=SYSTEM, account_id=pk, because=case.because) for pk in accounts
    )
    return {"accounts": len(accounts), "tokens_revoked": revoked}


def _tokens_gone(case: Case) -> Facts:
    accounts = _accounts(case)
    left = ApiToken.objects.live().filter(user__in=accounts).count()
    if left:
        raise NotSo(f"{left} tokens still open the door.")
    return {"accounts_looked_at": len(accounts), "live_tokens": 0}


def _monitors(case: Case) -> Facts:
    _of_whole_model(case)
    off = ending.switch_monitors_off(model_id=case.version.model_id, because=case.because)
    return {"switched_off": off}


def _monitors_off(case: Case) -> Facts:
    left = ending.monitors_on(case.version.model_id)
    if left:
        raise NotSo(f"{left} monitors are still on.")
    return {"monitors_on": 0}


def _schedules(case: Case) -> Facts:
    return ending.end_schedules(version=case.version, because=case.because)


def _schedules_gone(case: Case) -> Facts:
    left = ending.schedules_left(case.version.pk)
    if any(left.values()):
        raise NotSo("Some are still there: " + ", ".join(f"{n} {k}" for k, n in left.items()))
    return left


@transaction.atomic
def _routes(case: Case) -> Facts:
    _of_whole_model(case)
    lock_models([case.version.model_id])
    rows = ModelClient.objects.filter(model=case.version.model_id, ended_at__isnull=True)
    found = list(rows.select_related("model").order_by("pk"))
    if not found:
        raise Skips("No address was told about this model.")
    rows.update(ended_at=Now())
    for one in found:
        record(SYSTEM, GovernanceEvent.CLIENT_ENDED, one, because=case.because)
    return {"addresses_ended": len(found)}


def _routes_gone(case: Case) -> Facts:
    rows = ModelClient.objects.filter(model=case.version.model_id)
    left = rows.filter(ended_at__isnull=True).count()
    if left:
        raise NotSo(f"{left} addresses are still told.")
    return {"addresses_looked_at": rows.count(), "still_told": 0}


@transaction.atomic
def _registration(case: Case) -> Facts:
    lock_models([case.version.model_id])
    rows = Registration.objects.select_for_update(no_key=True, of=("self",))
    row = rows.filter(model=case.version.model_id).select_related("model").first()
    if row is None or row.state != RegistrationState.REGISTERED:
        state = row.state.replace("_", " ") if row else "not recorded"
        raise Skips(f"Its registration is {state}: no entry has to be updated.")
    before, row.state = row.state, move_registration(row.state, "outdate")
    row.note = f"{case.version} was retired ({case.because}): the entry has to say so."
    row.changed_by = None
    row.save(update_fields=["state", "note", "changed_by"])
    Registration.objects.filter(pk=row.pk).update(changed_at=Now())
    facts = {"before": before, "state": row.state, "because": case.because}
    refresh_as_system(case.version.pk, "Its registration has to be updated")
    record(SYSTEM, GovernanceEvent.REGISTRATION_CHANGED, row, **facts)
    return {"register": row.register, "number": row.number, "owner": row.model.owner.name}


def _registration_due(case: Case) -> Facts:
    """Whoever updated it meanwhile has done more than was asked."""
    row = Registration.objects.get(model=case.version.model_id)
    updated = row.changed_by_id is not None
    if not updated and row.state != RegistrationState.UPDATE_DUE:
        raise NotSo(f"The registration is {row.state.replace('_', ' ')}.")
    return {"state": row.state, "task_for_the_owner": not updated}


WORK: dict[str, Work] = {
    "serving": Work(_nothing, _serving_ended),
    "archive": Work(_archive, _archived),
    "drill": Work(_drill, _drilled),
    "mlflow": Work(_mlflow, _mlflow_gone),
    "artifacts": Work(_artifacts, _artifacts_gone),
    "logs": Work(_logs, _logs_gone),
    "tokens": Work(_tokens, _tokens_gone),
    "monitors": Work(_monitors, _monitors_off),
    "schedules": Work(_schedules, _schedules_gone),
    "routes": Work(_routes, _routes_gone),
    "registration": Work(_registration, _registration_due),
}

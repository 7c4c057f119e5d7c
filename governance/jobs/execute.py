"""An approved change, carried out once: registry, clearance, card, status and event together."""

import json
import logging
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models.functions import Now

from audit.chain import plain
from audit.jobs.checkpoint import checkpoint_after
from audit.record import SYSTEM, record
from governance.events import GovernanceEvent
from governance.exports import card_markdown
from governance.jobs.cards import refresh_as_system
from governance.jobs.clearance import end, grant
from governance.jobs.conditions import put_in_force
from governance.jobs.locks import locked_request
from governance.jobs.retirement_end import begin_ending
from governance.jobs.revalidations import clear_anew, settle
from governance.jobs.rolling_back import Cause, roll_back_to
from governance.jobs.status import rebuild_status
from governance.jobs.watching import open_watch
from governance.models import ChangeRequest
from governance.reads.cards import card_of, exported
from governance.reads.evidence import champion_of, what_changed
from governance.reads.objections import unanswered
from governance.reads.request_papers import requests_told
from governance.reads.rollbacks import target_of
from governance.reads.signatures import counting, missing
from governance.reads.written_numbers import in_plain_words
from governance.refusals import EvidenceStale, ObjectionWaits, Unable
from governance.states import RequestKind, RequestState, move_request
from ledger import claims
from ledger.models import Job
from registry.jobs.bytes_now import BytesNow, read_bytes
from registry.models import Archive
from registry.refusals import Rejected
from registry.services import archives, deployments
from registry.states import DeploymentRole, IllegalMove, Stage

log = logging.getLogger(__name__)
# Trying again does not help these: somebody has to ask anew.
LASTING = (Unable, IllegalMove, Rejected, PermissionDenied)


def execute_change(claim: claims.Claim) -> None:
    """Carry out an approved request; if it cannot be, say so in the request."""
    try:
        _execute(claim, _bytes_of(claim))
    except LASTING as error:
        _fail(claim, str(error))
    except claims.Fenced:
        raise
    except Exception as error:
        if not _is_last_attempt(claim):
            raise
        log.exception("change request %s: given up", claim.subject_id)
        _fail(claim, f"{type(error).__name__}: {error}")


def _bytes_of(claim: claims.Claim) -> BytesNow | None:
    """Of a version that is to be champion again, read before anything is locked."""
    rows = ChangeRequest.objects.filter(pk=claim.subject_id, kind=RequestKind.ROLL_BACK)
    found = rows.select_related("version__model").first()
    return read_bytes(found.version) if found else None


@transaction.atomic
def _execute(claim: claims.Claim, seen: BytesNow | None = None) -> None:
    claims.finish(claim=claim)
    request = locked_request(claim.subject_id)
    if request.state not in {RequestState.APPROVED, RequestState.FAILED}:
        return
    _still_valid(request)
    if seen is not None:
        _roll_back(request, seen)
    else:
        CARRY_OUT[request.kind](request)
    state = move_request(request.state, "execute")
    ChangeRequest.objects.filter(pk=request.pk).update(state=state, executed_at=Now(), error="")
    settle(actor=SYSTEM, model_id=request.model_id)
    refresh_as_system(request.version_id, f"After CR-{request.pk}")
    rebuild_status(model_ids=[request.model_id])
    executed = record(
        SYSTEM,
        GovernanceEvent.REQUEST_EXECUTED,
        request,
        kind=request.kind,
        version=request.version.number,
        environment=request.environment,
        digest=request.digest,
    )
    checkpoint_after(executed)


def _still_valid(request: ChangeRequest) -> None:
    """What was signed is still what is there, and enough people signed it."""
    if changes := what_changed(request):
        raise EvidenceStale(f"{' '.join(changes)} Submit a new request.")
    if needed := missing(request, counting(request)):
        raise EvidenceStale(f"Signatures are missing: {', '.join(needed)}. Submit a new request.")


def _promote(request: ChangeRequest) -> None:
    because = _because(request)
    champion = champion_of(request.model_id, request.environment)
    if request.version.stage == Stage.CANDIDATE:
        deployments.approve_version(actor=SYSTEM, version_id=request.version_id, because=because)
    deployment = deployments.deploy(
        actor=SYSTEM,
        version_id=request.version_id,
        environment=request.environment,
        role=request.role,
        traffic_share=request.traffic_share,
        because=because,
    )
    if request.role == DeploymentRole.CHAMPION:
        open_watch(deployment=deployment, former=champion, policy=request.policy)
    replaced = request.role == DeploymentRole.CHAMPION and champion is not None
    if replaced and champion is not None and champion.pk != request.version_id:
        reason = f"Replaced by version {request.version.number} ({because})."
        end(actor=SYSTEM, version=champion, environment=request.environment, reason=reason)
    put_in_force(request)
    grant(
        actor=SYSTEM,
        version=request.version,
        environment=request.environment,
        reasons=[f"{because} was approved by {_signers(request)}."],
    )


def _roll_back(request: ChangeRequest, seen: BytesNow) -> None:
    target = target_of(request.version, request.environment)
    if target is not None and target.obstacles:
        raise EvidenceStale(" ".join(target.obstacles))
    cause = Cause(_because(request), request.reason, request.policy, request=request)
    version, environment = request.version, request.environment
    roll_back_to(version=version, environment=environment, cause=cause, seen=seen)
    put_in_force(request)
    reasons = [f"{_because(request)} was approved by {_signers(request)}."]
    grant(actor=SYSTEM, version=version, environment=environment, reasons=reasons)


def _retire(request: ChangeRequest) -> None:
    if waiting := unanswered(request.version):
        raise ObjectionWaits(waiting)
    because = _because(request)
    deployments.retire_version(actor=SYSTEM, version_id=request.version_id, because=because)
    end(actor=SYSTEM, version=request.version, reason=f"Retired ({because}).")
    begin_ending(request)


def _archive(request: ChangeRequest) -> None:
    archives.request_archive(
        actor=SYSTEM,
        version_id=request.version_id,
        documents=documents_of(request),
        requested_by_id=request.requested_by_id,
        because=_because(request),
    )


def _restore(request: ChangeRequest) -> None:
    archive = Archive.objects.defer("documents").get(version=request.version_id)
    archives.request_restore(
        actor=SYSTEM,
        archive_id=archive.pk,
        requested_by_id=request.requested_by_id,
        because=_because(request),
    )


def _revalidate(request: ChangeRequest) -> None:
    """Nothing moves: the approval is given anew, and a clearance that lapsed comes back."""
    serving = request.version.deployments.filter(
        environment=request.environment, ended_at__isnull=True
    )
    if not serving.exists():
        raise EvidenceStale(f"It serves no longer in {request.environment}.")
    conditions = put_in_force(request)
    clear_anew(
        actor=SYSTEM,
        version=request.version,
        environment=request.environment,
        reasons=[f"{_because(request)} was approved anew by {_signers(request)}."],
        conditions=conditions,
    )


CARRY_OUT: dict[str, Callable[[ChangeRequest], None]] = {
    "promote": _promote,
    "retire": _retire,
    "archive": _archive,
    "restore": _restore,
    "revalidate": _revalidate,
}


def documents_of(request: ChangeRequest) -> dict[str, str]:
    """What goes into an archive beside the bytes: the card, and every request with its evidence."""
    page = card_of(request.version_id)
    documents = {"requests.json": _json(requests_told(request.version_id))}
    if page is not None:
        card = exported(page)
        documents["card.json"] = _json(card)
        documents["card.md"] = card_markdown(in_plain_words(card))
    return documents


def _json(content: Any) -> str:
    return json.dumps(plain(content), ensure_ascii=False, indent=1, sort_keys=True)


def _because(request: ChangeRequest) -> str:
    return f"CR-{request.pk}"


def _signers(request: ChangeRequest) -> str:
    signed = counting(request)
    return ", ".join(f"{s.signed_as} ({s.role.replace('_', ' ')})" for s in signed)


def _is_last_attempt(claim: claims.Claim) -> bool:
    attempts = Job.objects.values_list("attempts", flat=True).get(pk=claim.job_id)
    return attempts >= settings.LEDGER_KINDS[claim.kind].attempts


@transaction.atomic
def _fail(claim: claims.Claim, error: str) -> None:
    claims.finish(claim=claim)
    mark_failed(request_id=claim.subject_id, error=error)


@transaction.atomic
def mark_failed(*, request_id: int, error: str) -> None:
    """An approved request could not be carried out: people see why, and may try again."""
    request = locked_request(request_id)
    if request.state == RequestState.APPROVED:
        request.state = move_request(request.state, "fail")
    elif request.state != RequestState.FAILED:
        return
    request.error = error[:500]
    request.save(update_fields=["state", "error"])
    rebuild_status(model_ids=[request.model_id])
    record(SYSTEM, GovernanceEvent.REQUEST_FAILED, request, error=request.error)

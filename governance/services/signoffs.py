"""Signatures: re-authenticated, over a digest, by people who had no hand in what they sign."""

from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from accounts.models import User
from accounts.policies import Refused, require
from accounts.proofs import Proof
from audit.jobs.checkpoint import checkpoint_after
from audit.record import record
from governance.events import GovernanceEvent
from governance.jobs.locks import locked_request
from governance.jobs.status import rebuild_status
from governance.models import ChangeRequest, Decision, SignOff
from governance.policies import had_a_hand, signing_roles
from governance.reads.discussion import unsettled
from governance.reads.evidence import what_changed
from governance.reads.signatures import counting, missing, not_now
from governance.refusals import (
    AlreadySigned,
    ChangesAsked,
    EvidenceChanged,
    EvidenceStale,
    Incomplete,
    NotOpen,
)
from governance.rounds import open_round
from governance.services.proofs import prove
from governance.states import RequestState, move_request
from ledger import claims

OWN_WORK = "signoff_not_by_contributors"


def decide(
    *,
    actor: User,
    request_id: int,
    decision: str,
    meaning: str,
    reason: str,
    password: str | Proof,
    expected_digest: str,
) -> SignOff:
    """Sign for or against a change request; the quorum's last signature approves it.

    The proof (a password, or more than that) is checked in a transaction of its own, so that a
    wrong one is counted.

    Raises:
        Refused: no role of the quorum, or a hand in the version.
        SecondFactorNeeded, WrongPassword, TooManyAttempts: the person did not prove who they are.
        EvidenceChanged: the request's digest is not the one the person read.
        EvidenceStale: the version changed after submission, so it cannot be approved.
        ChangesAsked: a signer asked for a change that is not settled.
        NotOpen, AlreadySigned, Incomplete: as they say.
    """
    _check_words(decision, meaning, reason)
    method = _prove(actor, request_id, password, expected_digest)
    try:
        return _sign(
            actor=actor,
            request_id=request_id,
            decision=decision,
            meaning=meaning.strip(),
            reason=reason.strip(),
            expected_digest=expected_digest,
            method=method,
        )
    except IntegrityError as error:
        # The database's own guard spoke: whatever let it come this far, nothing is stored.
        if OWN_WORK in str(error) or "had a hand" in str(error):
            raise Refused("Who had a hand in a version does not sign for it.") from error
        raise


def _check_words(decision: str, meaning: str, reason: str) -> None:
    if decision not in Decision.values:
        raise Incomplete("decision", f"One of {', '.join(Decision.values)}.")
    if not meaning.strip() or len(meaning) > 200 or "\0" in meaning:
        raise Incomplete("meaning", "Say what your signature means, in at most 200 characters.")
    if not reason.strip() or len(reason) > 4000 or "\0" in reason:
        raise Incomplete("reason", "Give your reason, in at most 4,000 characters.")


def _prove(actor: User, request_id: int, given: str | Proof, digest: str) -> str:
    request = ChangeRequest.objects.select_related("model", "version__model").get(pk=request_id)
    _require_signer(actor, request)
    return prove(actor=actor, subject=request, password=given, digest=digest)


@transaction.atomic
def _sign(
    *,
    actor: User,
    request_id: int,
    decision: str,
    meaning: str,
    reason: str,
    expected_digest: str,
    method: str,
) -> SignOff:
    request = locked_request(request_id)
    _require_signer(actor, request)
    role = _role_to_fill(actor, request, decision, expected_digest)
    signoff = SignOff.objects.create(
        request=request,
        person=actor,
        printed_name=actor.name,
        role=role,
        round=request.round,
        decision=decision,
        meaning=meaning,
        reason=reason,
        signed_digest=request.digest,
        method=method,
    )
    event = _follow(request, decision)
    rebuild_status(model_ids=[request.model_id])
    signoff.refresh_from_db(fields=["signed_at"])
    _record(actor, request, signoff, event)
    return signoff


def _require_signer(actor: User, request: ChangeRequest) -> None:
    roles = " or ".join(role.replace("_", " ") for role in request.quorum)
    require(bool(signing_roles(actor, request)), f"Only a {roles} of the team signs this request.")
    hand = had_a_hand(actor, request)
    require(not hand, f"{hand} Somebody else must sign.")


def _role_to_fill(actor: User, request: ChangeRequest, decision: str, expected_digest: str) -> str:
    """The role that the signature counts for, once nothing stands in its way."""
    if request.state != RequestState.OPEN:
        raise NotOpen(f"The request is {request.state}; nothing is left to sign.")
    if expected_digest != request.digest:
        raise EvidenceChanged("The evidence changed while you read it. Read it again, then sign.")
    if request.signoffs.filter(person=actor, signed_digest=request.digest).exists():
        raise AlreadySigned("You have signed this evidence already.")
    roles = signing_roles(actor, request)
    if decision == Decision.REJECT:
        return roles[0]
    _refuse_stale(request)
    _refuse_unsettled(request)
    needed = missing(request, counting(request))
    fitting = [role for role in roles if role in needed]
    if not fitting:
        raise AlreadySigned(not_now(request, roles))
    return fitting[0]


def _refuse_stale(request: ChangeRequest) -> None:
    if changes := what_changed(request):
        raise EvidenceStale(f"{' '.join(changes)} Refresh the evidence, then it can be signed.")


def _refuse_unsettled(request: ChangeRequest) -> None:
    if asked := unsettled(request):
        first = asked[0]
        said = f"{first.printed_name} asked for a change that is not settled"
        more = f", and {len(asked) - 1} more" if len(asked) > 1 else ""
        raise ChangesAsked(f"{said}{more}. Until then nobody approves; you can reject.")


def _follow(request: ChangeRequest, decision: str) -> GovernanceEvent | None:
    """What the signature brings about: a rejection ends it, the last one of a round opens the next,
    the last one of all has it executed."""
    if decision == Decision.REJECT:
        _move(request, "reject")
        return GovernanceEvent.REQUEST_REJECTED
    now = open_round(request.rounds, counting(request))
    if now is not None:
        request.round = now.number
        request.save(update_fields=["round"])
        return None
    _move(request, "approve")
    claims.enqueue(kind="governance.execute", key=f"request-{request.pk}", subject_id=request.pk)
    return GovernanceEvent.REQUEST_APPROVED


def _move(request: ChangeRequest, verb: str) -> None:
    state = move_request(request.state, verb)
    ChangeRequest.objects.filter(pk=request.pk).update(state=state, decided_at=Now())
    request.refresh_from_db(fields=["state", "decided_at"])


def _record(
    actor: User, request: ChangeRequest, signoff: SignOff, event: GovernanceEvent | None
) -> None:
    record(
        actor,
        GovernanceEvent.SIGNOFF_SIGNED,
        signoff,
        request=request.pk,
        role=signoff.role,
        round=signoff.round,
        decision=signoff.decision,
        meaning=signoff.meaning,
        reason=signoff.reason,
        digest=signoff.signed_digest,
        method=signoff.method,
    )
    if event is not None:
        decided = record(actor, event, request, digest=request.digest)
        checkpoint_after(decided)

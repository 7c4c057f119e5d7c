"""Waivers: asked for by one, granted by another with a signature, until a day."""

from datetime import date, timedelta

from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.utils import timezone

from accounts.models import User
from accounts.policies import require
from accounts.proofs import Proof
from audit.record import record
from governance.events import GovernanceEvent
from governance.jobs.controls import concerned
from governance.jobs.locks import lock_models
from governance.models import Control, Finding, Waiver
from governance.policies import can_ask_waiver, can_decide_waiver, can_withdraw_waiver
from governance.refusals import Incomplete, NoSuchStep, NotConcerned
from governance.services.proofs import digest_of, prove, words
from governance.states import FindingState, IllegalWaiverMove, WaiverState, move_waiver
from registry.models import Model

LONGEST = timedelta(days=366)
ONLY_TEAM = "Only people of the team ask for a waiver."
ONLY_RISK = (
    "A risk officer decides, or a reviewer where no grave finding is concerned; never who asked, "
    "nor who owns the finding."
)


@transaction.atomic
def ask_waiver(
    *,
    actor: User,
    model_id: int,
    reason: str,
    expires_on: date,
    conditions: str = "",
    finding_id: int | None = None,
    control: Control | None = None,
) -> Waiver:
    """Ask to live with a finding, or with an unmet control, until a day.

    Raises:
        Incomplete: not exactly one of both, no reason, or a day that makes no sense.
        NoSuchStep: the finding is closed, or a waiver is asked for or in force already.
    """
    lock_models([model_id])
    model = Model.objects.select_related("team").get(pk=model_id)
    require(can_ask_waiver(actor, model), ONLY_TEAM)
    finding = _finding(model, finding_id)
    if (finding is None) == (control is None):
        raise Incomplete("finding", "A waiver is for one finding or for one control.")
    if control is not None and not concerned(model, control):
        raise NotConcerned
    _check_day(expires_on)
    waiver = Waiver(
        model=model,
        finding=finding,
        framework=control.edition.framework if control else None,
        identifier=control.identifier if control else "",
        reason=words("reason", reason),
        conditions=words("conditions", conditions) if conditions.strip() else "",
        expires_on=expires_on,
        asked_by=actor,
    )
    _save(waiver)
    record(
        actor,
        GovernanceEvent.WAIVER_ASKED,
        waiver,
        reason=waiver.reason,
        conditions=waiver.conditions,
        expires=str(expires_on),
    )
    return waiver


def decide_waiver(
    *, actor: User, waiver_id: int, decision: str, reason: str, password: str | Proof
) -> Waiver:
    """Grant or refuse, signed with one's password.

    Raises:
        Refused: not who decides, or one's own.
        WrongPassword, TooManyAttempts: the person did not prove who they are.
        NoSuchStep: it is decided already, or its day has come.
    """
    if decision not in {"grant", "refuse"}:
        raise Incomplete("decision", "One of grant, refuse.")
    said = words("reason", reason)
    waiver = _with_parts(waiver_id)
    require(can_decide_waiver(actor, waiver), ONLY_RISK)
    method = prove(actor=actor, subject=waiver, password=password)
    return _decide(actor=actor, waiver_id=waiver_id, decision=decision, reason=said, method=method)


@transaction.atomic
def _decide(*, actor: User, waiver_id: int, decision: str, reason: str, method: str) -> Waiver:
    waiver = _locked(waiver_id)
    require(can_decide_waiver(actor, waiver), ONLY_RISK)
    waiver.state = _moved(waiver, decision)
    if decision == "grant" and waiver.expires_on <= timezone.now().date():
        raise NoSuchStep("Its last day has come; ask for a new one.")
    waiver.decided_by, waiver.printed_name, waiver.method = actor, actor.name, method
    waiver.decided_at, waiver.decision_reason = timezone.now(), reason
    waiver.signed_digest = digest_of(
        {
            "waiver": waiver.pk,
            "about": str(waiver),
            "reason": waiver.reason,
            "conditions": waiver.conditions,
            "expires": str(waiver.expires_on),
            "decision": decision,
        }
    )
    waiver.save()
    record(
        actor,
        GovernanceEvent.WAIVER_DECIDED,
        waiver,
        decision=decision,
        reason=reason,
        expires=str(waiver.expires_on),
        digest=waiver.signed_digest,
        method=method,
    )
    return waiver


@transaction.atomic
def withdraw_waiver(*, actor: User, waiver_id: int, reason: str) -> Waiver:
    """Take back what was asked for, or end what was granted before its day.

    Raises:
        NoSuchStep: it is over already.
    """
    waiver = _locked(waiver_id)
    require(can_withdraw_waiver(actor, waiver), "Who asked, or a risk officer, withdraws it.")
    said = words("reason", reason)
    before = waiver.state
    state = _moved(waiver, "withdraw")
    Waiver.objects.filter(pk=waiver.pk).update(state=state, ended_at=Now())
    record(actor, GovernanceEvent.WAIVER_WITHDRAWN, waiver, before=str(before), reason=said)
    waiver.refresh_from_db()
    return waiver


def _moved(waiver: Waiver, verb: str) -> WaiverState:
    try:
        return move_waiver(waiver.state, verb)
    except IllegalWaiverMove as error:
        raise NoSuchStep(str(error)) from error


def _with_parts(waiver_id: int) -> Waiver:
    rows = Waiver.objects.select_related("model__team", "finding", "framework")
    return rows.get(pk=waiver_id)


def _locked(waiver_id: int) -> Waiver:
    model_id = Waiver.objects.values_list("model_id", flat=True).get(pk=waiver_id)
    lock_models([model_id])
    return _with_parts(waiver_id)


def _finding(model: Model, finding_id: int | None) -> Finding | None:
    if finding_id is None:
        return None
    found = Finding.objects.filter(model=model, pk=finding_id).first()
    if found is None:
        raise Incomplete("finding", f"{model.name} has no finding {finding_id}.")
    if found.state == FindingState.CLOSED:
        raise NoSuchStep("The finding is closed; there is nothing to waive.")
    return found


def _check_day(day: date) -> None:
    today = timezone.now().date()
    if not today < day <= today + LONGEST:
        raise Incomplete("expires_on", "A day in the future, at most a year ahead.")


def _save(waiver: Waiver) -> None:
    try:
        with transaction.atomic():
            waiver.save()
    except IntegrityError as error:
        raise NoSuchStep("A waiver for it is asked for or in force already.") from error
    waiver.refresh_from_db(fields=["asked_at"])

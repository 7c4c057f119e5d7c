"""What people do while a version is on its way out: object, answer, name what takes its place."""

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from accounts.models import User
from accounts.policies import require
from audit.record import record
from governance.events import GovernanceEvent
from governance.jobs.locks import lock_models
from governance.jobs.retirement_early import look_at_once
from governance.jobs.retirement_end import STEP, end_of_life
from governance.jobs.retirement_notices import tell_everybody
from governance.models import (
    NoticeKind,
    Retirement,
    RetirementObjection,
    RetirementStep,
)
from governance.policies import (
    can_answer_objection,
    can_name_replacement,
    can_object,
    can_retry_step,
)
from governance.reads.retirement_silence import standing
from governance.refusals import AlreadySigned, Incomplete, NoSuchStep, NotOpen
from governance.retirement_states import (
    ObjectionAnswer,
    RetirementState,
    StepState,
    move_retirement,
)
from governance.services.proofs import words
from ledger import claims
from registry.models import Version

ONLY_TEAM = "Only people who work with the team's models object."
ONLY_OTHERS = "A reviewer or a risk officer of the team who did not object answers."
ONLY_BUILDERS = "Developers, validators and risk officers of the team say what takes its place."
ONLY_MENDERS = "Developers, validators and risk officers of the team have a step tried again."
NO_MORE = "The notice is over; nobody objects any more. Sign against the change request instead."


@transaction.atomic
def object_to(*, actor: User, retirement_id: int, reason: str) -> RetirementObjection:
    """Object to a retirement within its notice: nothing is asked for until somebody answers.

    Raises:
        Refused: nobody of the team.
        NotOpen: the notice is over.
        AlreadySigned: the person's objection has no answer yet.
    """
    row = locked_retirement(retirement_id)
    require(can_object(actor, row.model), ONLY_TEAM)
    said = words("reason", reason)
    must_run(row)
    if row.objections.filter(person=actor, answer="").exists():
        raise AlreadySigned("You have objected already; it waits for an answer.")
    found = RetirementObjection.objects.create(
        retirement=row, person=actor, printed_name=actor.name, reason=said
    )
    withdraws = standing(row).filter(person=actor).update(withdrawn_at=Now())
    tell_everybody(row, NoticeKind.OBJECTED, f"{actor.name} objects to the {row}: {said}")
    facts = {"takes_back_no_objection": True} if withdraws else {}
    record(actor, GovernanceEvent.OBJECTION_RAISED, found, reason=said, **facts)
    return found


@transaction.atomic
def answer_objection(
    *, actor: User, objection_id: int, answer: str, reason: str
) -> RetirementObjection:
    """Uphold an objection, which ends the retirement, or overrule it; by somebody else.

    Raises:
        Refused: no reviewer or risk officer, or who objected.
        NotOpen: it has an answer, or the retirement has gone on.
    """
    found = RetirementObjection.objects.select_related("retirement").get(pk=objection_id)
    row = locked_retirement(found.retirement_id)
    found.refresh_from_db()
    found.retirement = row
    require(can_answer_objection(actor, found), ONLY_OTHERS)
    said = words("reason", reason)
    if answer not in list(ObjectionAnswer):
        raise Incomplete("answer", f"One of {', '.join(ObjectionAnswer)}.")
    if found.answer or row.state != RetirementState.NOTICE:
        raise NotOpen("The objection has an answer already, or the retirement has gone on.")
    _store_answer(actor, found, answer, said)
    record(actor, GovernanceEvent.OBJECTION_ANSWERED, found, answer=answer, reason=said)
    if answer == ObjectionAnswer.UPHELD:
        outcome = f"An objection of {found.printed_name} was upheld by {actor.name}: {said}"
        end_of_life(row, move_retirement(row.state, "uphold"), outcome)
        tell_everybody(row, NoticeKind.UPHELD, f"The {row} is called off. {outcome}")
    else:
        look_at_once(row)
    return found


def _store_answer(actor: User, found: RetirementObjection, answer: str, said: str) -> None:
    found.answer, found.answer_reason = answer, said
    found.answered_by, found.answered_name = actor, actor.name
    RetirementObjection.objects.filter(pk=found.pk).update(
        answer=answer,
        answer_reason=said,
        answered_by=actor,
        answered_name=actor.name,
        answered_at=Now(),
    )


@transaction.atomic
def name_replacement(
    *, actor: User, retirement_id: int, number: int | None, reason: str = ""
) -> Retirement:
    """Say which version takes the place of this one, or that none does and why.

    Raises:
        Refused: nobody who builds the model or answers for its risk.
        Incomplete: there is no such version, or no reason where none replaces it.
        NotOpen: a change request was opened already.
    """
    row = locked_retirement(retirement_id)
    require(can_name_replacement(actor, row.model), ONLY_BUILDERS)
    if row.state != RetirementState.NOTICE:
        raise NotOpen("It is named within the notice; that is over.")
    row.replacement = None if number is None else _other_version(row, number)
    row.no_replacement = "" if row.replacement else words("reason", reason)
    row.replacement_by = actor
    row.save(update_fields=["replacement", "no_replacement", "replacement_by"])
    facts = {"replacement": number, "reason": reason.strip()}
    record(actor, GovernanceEvent.REPLACEMENT_NAMED, row, **facts)
    look_at_once(row)
    return row


def _other_version(row: Retirement, number: int) -> Version:
    living = Version.objects.filter(
        model=row.model_id, stage__in=["candidate", "approved", "serving"]
    )
    found = living.exclude(pk=row.version_id).filter(number=number).first()
    if found is None:
        raise Incomplete("number", "Another version of the model that is not retired.")
    return found


@transaction.atomic
def retry_step(*, actor: User, step_id: int, reason: str) -> RetirementStep:
    """Have a failed step of the clean-up tried again now.

    Raises:
        Refused: nobody of the team.
        NoSuchStep: it has not failed.
    """
    model_id = RetirementStep.objects.values_list("retirement__model_id", flat=True).get(pk=step_id)
    lock_models([model_id])
    rows = RetirementStep.objects.select_for_update(no_key=True, of=("self",))
    step = rows.select_related("retirement__model", "retirement__version__model").get(pk=step_id)
    require(can_retry_step(actor, step.retirement.model), ONLY_MENDERS)
    said = words("reason", reason)
    if step.state != StepState.FAILED:
        raise NoSuchStep("Only a step that failed is tried again.")
    claims.again(kind=STEP, key=str(step.pk), subject_id=step.pk)
    record(actor, GovernanceEvent.STEP_RETRIED, step, reason=said)
    return step


def must_run(row: Retirement) -> None:
    until = row.notice_until
    if row.state != RetirementState.NOTICE or until is None or timezone.now().date() > until:
        raise NotOpen(NO_MORE)


def locked_retirement(retirement_id: int) -> Retirement:
    """The retirement as it is now; the model first, as everywhere."""
    model_id = Retirement.objects.values_list("model_id", flat=True).get(pk=retirement_id)
    lock_models([model_id])
    rows = Retirement.objects.select_for_update(no_key=True, of=("self",))
    return rows.select_related("model", "version__model").get(pk=retirement_id)

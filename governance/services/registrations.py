"""Where a model is registered with an authority (EU AI Act, Article 49 and Annex VIII)."""

from datetime import date

from django.db import transaction
from django.db.models.functions import Now

from accounts.models import User
from accounts.policies import require
from audit.record import record
from governance.events import GovernanceEvent
from governance.jobs.cards import refresh_as_system
from governance.jobs.locks import lock_models
from governance.models import Registration
from governance.policies import can_keep_registration
from governance.refusals import Incomplete, NoSuchStep
from governance.retirement_states import (
    REGISTRATION_VERBS,
    IllegalRetirementMove,
    RegistrationState,
    move_registration,
)
from governance.services.proofs import words
from registry.models import Deployment, Model

ONLY_OWNER = "The model's owner, or a risk officer of the team, keeps its registration."


@transaction.atomic
def keep_registration(
    *,
    actor: User,
    model_id: int,
    verb: str,
    register: str = "",
    number: str = "",
    registered_on: date | None = None,
    reason: str,
) -> Registration:
    """One step of a registration: drafted, registered (or updated), withdrawn, or not required.

    Raises:
        Refused: neither the owner nor a risk officer.
        NoSuchStep: the registration has no such step from there.
        Incomplete: where, number and day are missing where they have to be known.
    """
    lock_models([model_id])
    model = Model.objects.select_related("team", "owner").get(pk=model_id)
    require(can_keep_registration(actor, model), ONLY_OWNER)
    said = words("reason", reason)
    row, _ = Registration.objects.select_for_update(no_key=True).get_or_create(model=model)
    before, row.state = row.state, _moved(row.state, verb)
    if verb == "register":
        _note_entry(row, register.strip(), number.strip(), registered_on)
    row.note, row.changed_by = said, actor
    row.save()
    Registration.objects.filter(pk=row.pk).update(changed_at=Now())
    _refresh_cards(model)
    record(
        actor,
        GovernanceEvent.REGISTRATION_CHANGED,
        row,
        before=before,
        state=row.state,
        register=row.register,
        number=row.number,
        registered_on=str(row.registered_on or ""),
        reason=said,
    )
    return row


def _moved(state: str, verb: str) -> RegistrationState:
    if verb not in REGISTRATION_VERBS:
        raise Incomplete("verb", f"One of {', '.join(REGISTRATION_VERBS)}.")
    try:
        return move_registration(state, verb)
    except IllegalRetirementMove as error:
        raise NoSuchStep(str(error)) from error


def _note_entry(row: Registration, register: str, number: str, day: date | None) -> None:
    if not register or len(register) > 200:
        raise Incomplete("register", "Which register, in at most 200 characters.")
    if not number or len(number) > 100:
        raise Incomplete("number", "The number of the entry, in at most 100 characters.")
    if day is None:
        raise Incomplete("registered_on", "The day of the entry.")
    row.register, row.number, row.registered_on = register, number, day


def _refresh_cards(model: Model) -> None:
    """Cards of what serves say where it is registered."""
    serving = Deployment.objects.filter(model=model, ended_at__isnull=True)
    for pk in sorted(set(serving.values_list("version", flat=True))):
        refresh_as_system(pk, "The registration with an authority changed")

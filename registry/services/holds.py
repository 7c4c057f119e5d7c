"""Legal holds: placed and lifted by a risk officer, with a reason and the name of the case."""

from django.db import transaction
from django.db.models.functions import Now

from accounts.models import User
from accounts.policies import require
from audit.record import record
from registry.events import RegistryEvent
from registry.models import Model
from registry.models.keeping import LegalHold
from registry.policies import HOLDERS_ONLY, can_hold_back
from registry.refusals import HoldInvalid


@transaction.atomic
def place_hold(*, actor: User, model_id: int, case: str, reason: str) -> LegalHold:
    """From now on nothing of the model may be purged or erased.

    Raises:
        Refused: not a risk officer of the team.
        HoldInvalid: no case or reason is given, or the case holds the model already.
    """
    model = Model.objects.select_for_update(no_key=True).get(pk=model_id)
    require(can_hold_back(actor, model.team_id), HOLDERS_ONLY)
    case = _text(case, "Name the case", 120)
    reason = _text(reason, "Give your reason", 1000)
    if LegalHold.objects.lasting().filter(model=model, case=case).exists():
        raise HoldInvalid(f"The case {case} holds {model.name} already.")
    hold = LegalHold.objects.create(model=model, case=case, reason=reason, placed_by=actor)
    record(actor, RegistryEvent.HOLD_PLACED, hold, model=model.slug, case=case, reason=reason)
    return hold


@transaction.atomic
def lift_hold(*, actor: User, hold_id: int, reason: str) -> LegalHold:
    """End a hold; other holds of the model stay in force.

    Raises:
        Refused: not a risk officer of the team.
        HoldInvalid: no reason is given, or it was lifted before.
    """
    hold = (
        LegalHold.objects.select_for_update(no_key=True, of=("self",))
        .select_related("model")
        .get(pk=hold_id)
    )
    require(can_hold_back(actor, hold.model.team_id), HOLDERS_ONLY)
    reason = _text(reason, "Give your reason", 1000)
    if hold.lifted_at is not None:
        raise HoldInvalid("This hold was lifted before.")
    LegalHold.objects.filter(pk=hold.pk).update(
        lifted_at=Now(), lifted_by=actor, lifted_because=reason
    )
    hold.refresh_from_db()
    facts = {"model": hold.model.slug, "case": hold.case, "reason": reason}
    record(actor, RegistryEvent.HOLD_LIFTED, hold, **facts)
    return hold


def _text(said: str, ask: str, longest: int) -> str:
    said = said.strip()
    if not said or len(said) > longest or "\0" in said:
        raise HoldInvalid(f"{ask}, in at most {longest:,} characters.")
    return said

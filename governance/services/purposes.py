"""What a model is for is changed with a reason; approvals given under the earlier one reopen."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from accounts.models import User
from accounts.policies import require
from audit.record import SYSTEM, record
from governance.events import GovernanceEvent
from governance.jobs.controls import rebuild_controls
from governance.jobs.locks import lock_models
from governance.jobs.revalidations import open_for_purpose, settle
from governance.jobs.status import rebuild_status
from governance.models import Attestation, PurposeChange
from governance.policies import can_change_purpose
from governance.purposes import digest_of_purpose, purpose_of
from governance.refusals import Incomplete
from governance.risk_table import questionnaire
from governance.services.proofs import words
from registry.models import Deployment, Model
from registry.refusals import ModelInvalid
from registry.services import models as registry

ONLY_TEAM = "Only developers and risk officers of the team change what a model is for."


@transaction.atomic
def change_purpose(
    *, actor: User, model_id: int, changes: Mapping[str, Any], reason: str
) -> PurposeChange:
    """Change purpose, KPIs or business requirements.

    Open change requests become stale by it; versions that serve are to be approved anew by a day
    that follows from the tier; an attestation is opened; answers to guidelines count no more.

    Raises:
        Refused: neither developer nor risk officer of the team.
        Incomplete: no reason, a value that cannot be accepted, or nothing that changes.
    """
    said = words("reason", reason)
    lock_models([model_id])
    model = Model.objects.select_related("team", "owner").get(pk=model_id)
    require(can_change_purpose(actor, model), ONLY_TEAM)
    try:
        model, before = registry.change_purpose(
            actor=actor, model_id=model_id, changes=changes, reason=said
        )
    except ModelInvalid as error:
        field, _, text = str(error).partition(": ")
        raise Incomplete(field, f"{text[:1].upper()}{text[1:]}") from error
    row = _kept(actor, model, before, said)
    today = timezone.now().date()
    open_for_purpose(actor=actor, model=model, change=row, today=today)
    settle(actor=actor, model_id=model_id)
    _open_attestation(model)
    rebuild_controls(model_ids=[model_id])
    rebuild_status(model_ids=[model_id])
    return row


def _kept(actor: User, model: Model, before: dict[str, Any], reason: str) -> PurposeChange:
    after = purpose_of(model)
    rows = PurposeChange.objects.filter(model=model)
    row = PurposeChange.objects.create(
        model=model,
        number=(rows.aggregate(last=Max("number"))["last"] or 0) + 1,
        before=before,
        after={name: after[name] for name in before},
        digest_before=digest_of_purpose(before),
        digest_after=after["digest"],
        reason=reason,
        person=actor,
        printed_name=actor.name,
    )
    row.refresh_from_db(fields=["at"])
    return row


def _open_attestation(model: Model) -> None:
    """What was attested was the earlier purpose: somebody answers anew, if it serves at all."""
    serves = Deployment.objects.filter(model=model, ended_at__isnull=True).exists()
    if not serves or Attestation.objects.waiting().filter(model=model).exists():
        return
    days = timedelta(days=questionnaire().reapproval_days[model.risk_tier])
    row = Attestation.objects.create(
        model=model, tier=model.risk_tier, due_on=timezone.now().date() + days
    )
    record(
        SYSTEM,
        GovernanceEvent.ATTESTATION_OPENED,
        row,
        due=str(row.due_on),
        tier=str(model.risk_tier),
        because="the purpose changed",
    )

"""Attestations are opened some days before they fall due, by the tier's cadence."""

from datetime import date, timedelta

from django.db import transaction

from audit.record import SYSTEM, record
from governance.events import GovernanceEvent
from governance.jobs.locks import lock_models
from governance.models import Attestation
from governance.reads.risk import due_of
from governance.risk_table import questionnaire
from registry.models import Deployment, Model


def open_due(*, today: date) -> int:
    """Open what falls due within the questionnaire's days; returns how many were opened.

    A model that serves nowhere owes none.
    """
    serving = Deployment.objects.filter(ended_at__isnull=True).values("model")
    waiting = Attestation.objects.waiting().values("model")
    models = Model.objects.filter(pk__in=serving).exclude(pk__in=waiting)
    return sum(_open(pk, today) for pk in models.order_by("pk").values_list("pk", flat=True))


@transaction.atomic
def _open(model_id: int, today: date) -> int:
    lock_models([model_id])
    model = Model.objects.select_related("team", "owner").get(pk=model_id)
    due = due_of(model)
    early = timedelta(days=questionnaire().open_days_before)
    if today < due - early or Attestation.objects.waiting().filter(model=model).exists():
        return 0
    row = Attestation.objects.create(model=model, tier=model.risk_tier, due_on=due)
    record(SYSTEM, GovernanceEvent.ATTESTATION_OPENED, row, due=str(due), tier=str(model.risk_tier))
    return 1

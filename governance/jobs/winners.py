"""Concluded experiments that nothing was made of yet: each becomes one job."""

from django.db import transaction

from governance.models import WinnerProposal
from ledger import claims
from monitoring.models import Experiment

KIND = "governance.winner"


def follow_winners() -> int:
    """Enqueue what follows from each concluded experiment, once for ever; how many."""
    known = WinnerProposal.objects.values("experiment")
    found = Experiment.objects.filter(concluded_at__isnull=False).exclude(pk__in=known)
    return sum(_enqueue(one) for one in found.order_by("pk").values_list("pk", flat=True))


@transaction.atomic
def _enqueue(experiment_id: int) -> bool:
    made = claims.enqueue(kind=KIND, key=str(experiment_id), subject_id=experiment_id)
    return made is not None

"""Openings of evidence are kept for two years; a trigger refuses to delete younger ones."""

from datetime import datetime, timedelta

from django.db import transaction

from audit.record import SYSTEM, record
from governance.events import GovernanceEvent
from governance.models import EvidenceOpening

KEPT = timedelta(days=731)
AT_ONCE = 10_000


def forget_openings(*, now: datetime) -> int:
    """Delete what is older; returns how many. How many is on the trail, not whose."""
    total = 0
    while count := _forget(now - KEPT):
        total += count
    return total


@transaction.atomic
def _forget(before: datetime) -> int:
    """The oldest ones of one team."""
    old = EvidenceOpening.objects.filter(opened_at__lt=before).order_by("opened_at", "pk")
    oldest = old.select_related("request__model__team").first()
    if oldest is None:
        return 0
    team = oldest.request.model.team
    ids = list(old.filter(request__model__team=team).values_list("pk", flat=True)[:AT_ONCE])
    EvidenceOpening.objects.filter(pk__in=ids).delete()
    record(SYSTEM, GovernanceEvent.OPENINGS_DELETED, team, count=len(ids), before=before)
    return len(ids)

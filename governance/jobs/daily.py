"""What is looked at once a day: dates of rules, claims, waivers, attestations, evidence by rule."""

from datetime import date

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from audit.record import SYSTEM, record
from governance.events import GovernanceEvent
from governance.jobs.attestations import open_due
from governance.jobs.claims import judge_claims
from governance.jobs.controls import rebuild_controls
from governance.jobs.frameworks import follow_dates
from governance.jobs.locks import lock_models
from governance.jobs.openings import forget_openings
from governance.jobs.reminders import remind
from governance.jobs.revalidations import find_overdue, open_by_cadence
from governance.models import ControlStatus, Waiver
from governance.states import WaiverState, move_waiver
from ledger import claims
from registry.models import Model

KIND = "governance.daily"
AT_ONCE = 50


def schedule() -> None:
    """One job per day of the calendar, and one for every model that was never looked at; any
    number of beats is harmless."""
    claims.enqueue(kind=KIND, key=str(timezone.now().date()), subject_id=0)
    seen = ControlStatus.objects.values("model")
    for pk in Model.objects.exclude(pk__in=seen).order_by("pk").values_list("pk", flat=True):
        claims.enqueue(kind="governance.controls", key=f"first-{pk}", subject_id=pk)


def look_after_rules(claim: claims.Claim) -> None:
    """Do the day's round; every part may be repeated without harm."""
    today = timezone.now().date()
    follow_dates(actor=SYSTEM, today=today)
    lapse_waivers(today=today)
    open_due(today=today)
    open_by_cadence(today=today)
    find_overdue(today=today)
    remind(today=today)
    forget_openings(now=timezone.now())
    ids = list(Model.objects.order_by("pk").values_list("pk", flat=True))
    for pk in ids:
        judge_claims(model_id=pk)
        claims.keep(claim=claim)
    for start in range(0, len(ids), AT_ONCE):
        rebuild_controls(model_ids=ids[start : start + AT_ONCE])
        claims.keep(claim=claim)
    with transaction.atomic():
        claims.finish(claim=claim)


def lapse_waivers(*, today: date) -> int:
    """End every granted waiver whose day has come; returns how many."""
    due = Waiver.objects.filter(state=WaiverState.GRANTED, expires_on__lte=today)
    return sum(_lapse(pk, model) for pk, model in due.values_list("pk", "model").order_by("pk"))


@transaction.atomic
def _lapse(waiver_id: int, model_id: int) -> int:
    lock_models([model_id])
    waiver = Waiver.objects.select_related("model", "finding", "framework").get(pk=waiver_id)
    if waiver.state != WaiverState.GRANTED:
        return 0
    state = move_waiver(waiver.state, "lapse")
    Waiver.objects.filter(pk=waiver.pk).update(state=state, ended_at=Now())
    record(SYSTEM, GovernanceEvent.WAIVER_LAPSED, waiver, expired=str(waiver.expires_on))
    return 1

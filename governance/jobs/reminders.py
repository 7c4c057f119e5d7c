"""People are reminded of requests that wait, once for each day that matters, and by mail if set up.

The row is made first and is unique, so a round that is killed and done again tells nobody twice.
A mail is a job of its own: it is sent at least once, and the row says when the server took it.
"""

from datetime import date

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now
from django.urls import reverse

from accounts import mail
from accounts.models import User
from audit.record import SYSTEM, record
from governance.due_dates import SOON
from governance.events import GovernanceEvent
from governance.jobs.locks import locked_request
from governance.models import ChangeRequest, Reminder, ReminderKind
from governance.reads.waiting_on import answer_for, waiting_on
from governance.states import RequestState
from ledger import claims

MAIL = "governance.mail"


def remind(*, today: date) -> int:
    """Tell everybody on whom a request waits that falls due; returns how many were told anew."""
    rows = ChangeRequest.objects.filter(state=RequestState.OPEN, due_on__lte=today + SOON)
    return sum(_remind(pk, today) for pk in rows.order_by("pk").values_list("pk", flat=True))


@transaction.atomic
def _remind(request_id: int, today: date) -> int:
    request = locked_request(request_id)
    if request.state != RequestState.OPEN or request.due_on is None:
        return 0
    kind = _kind(request.due_on, today)
    people, what = waiting_on(request)
    told = [_tell(request, person, kind, request.due_on, what) for person in people]
    if kind == ReminderKind.OVERDUE:
        told.append(_escalate(request, request.due_on, [one.name for one in people], what))
    return sum(told)


def _kind(due_on: date, today: date) -> ReminderKind:
    if due_on < today:
        return ReminderKind.OVERDUE
    return ReminderKind.DUE if due_on == today else ReminderKind.SOON


def _tell(request: ChangeRequest, person: User, kind: ReminderKind, due_on: date, what: str) -> int:
    text = f"{request} of {request.model.name} {kind.label}: {what}."
    row, new = Reminder.objects.get_or_create(
        request=request, person=person, kind=kind, due_on=due_on, defaults={"text": text}
    )
    if new and mail.is_set_up():
        claims.enqueue(kind=MAIL, key=f"reminder-{row.pk}", subject_id=row.pk)
    return int(new)


def _escalate(request: ChangeRequest, due_on: date, waits_on: list[str], what: str) -> int:
    """Those who answer for the model hear of it; on the trail once for each due date."""
    names = ", ".join(waits_on) or "nobody who could"
    said = f"waiting on {names}: {what.replace('your signature', 'a signature')}"
    people = answer_for(request)
    new = sum(_tell(request, person, ReminderKind.OVERDUE, due_on, said) for person in people)
    if new:
        record(
            SYSTEM,
            GovernanceEvent.REQUEST_ESCALATED,
            request,
            due_on=str(due_on),
            to=[person.name for person in people],
            waits_on=waits_on,
        )
    return new


def send_reminder(claim: claims.Claim) -> None:
    """Hand one reminder to the mail server; a server that is away is tried again.

    Raises:
        ConnectionError: it was not taken.
    """
    row = Reminder.objects.select_related("person", "request").get(pk=claim.subject_id)
    if row.mailed_at is None and row.request.state == RequestState.OPEN:
        address = settings.PUBLIC_URL + reverse("change-request", args=[row.request_id])
        said = f"{row.text}\n\n{address}"
        taken = mail.send(to=row.person.email, subject=row.text[:120], text=said)
        if not taken:
            raise ConnectionError("The mail server did not take it.")
        Reminder.objects.filter(pk=row.pk).update(mailed_at=Now())
    with transaction.atomic():
        claims.finish(claim=claim)

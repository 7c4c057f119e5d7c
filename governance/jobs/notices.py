"""People are told of roll-backs and of what a watch could not do: inbox at once, mail by a job."""

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now
from django.urls import reverse

from accounts import mail
from accounts.models import Membership, User, UserKind
from accounts.roles import Role
from governance.models import RollBack, Watch, WatchNotice
from ledger import claims
from registry.models import Model

KIND = "governance.notice"
TOLD = (Role.REVIEWER, Role.RISK_OFFICER, Role.DEVELOPER)


def tell(
    *, model: Model, text: str, watch: Watch | None = None, roll_back: RollBack | None = None
) -> int:
    """Everybody who answers for the model hears of it once; how many."""
    told = 0
    for person in _people(model):
        row, new = WatchNotice.objects.get_or_create(
            watch=watch, roll_back=roll_back, person=person, defaults={"text": text[:400]}
        )
        if new and mail.is_set_up():
            claims.enqueue(kind=KIND, key=f"notice-{row.pk}", subject_id=row.pk)
        told += new
    return told


def _people(model: Model) -> list[User]:
    team = Membership.objects.filter(team=model.team_id, role__in=TOLD).values("user")
    rows = User.objects.filter(is_active=True, kind=UserKind.PERSON)
    return list((rows.filter(pk__in=team) | rows.filter(pk=model.owner_id)).order_by("pk"))


def send_notice(claim: claims.Claim) -> None:
    """Hand one notice to the mail server; a server that is away is tried again.

    Raises:
        ConnectionError: it was not taken.
    """
    row = WatchNotice.objects.select_related("person", "roll_back", "watch__model").get(
        pk=claim.subject_id
    )
    if row.mailed_at is None:
        text = f"{row.text}\n\n{settings.PUBLIC_URL}{address_of(row)}"
        if not mail.send(to=row.person.email, subject=row.text[:120], text=text):
            raise ConnectionError("The mail server did not take it.")
        WatchNotice.objects.filter(pk=row.pk).update(mailed_at=Now())
    with transaction.atomic():
        claims.finish(claim=claim)


def address_of(row: WatchNotice) -> str:
    if row.roll_back_id is not None:
        return reverse("roll-back", args=[row.roll_back_id])
    return reverse("watch", args=[row.watch_id])

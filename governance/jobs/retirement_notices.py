"""People hear of a retirement: the owning team, its signers, and the contacts of API clients.

The row is made first and is unique for each thing there is to tell, so a round that is killed and
done again tells nobody twice. A mail is a job of its own and is sent at least once.
"""

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.urls import reverse

from accounts import mail
from accounts.models import Membership, User, UserKind
from accounts.roles import Role
from governance.models import ModelClient, NoticeKind, Retirement, RetirementNotice
from governance.querysets import TEAM
from ledger import claims
from registry.models import Model

MAIL = "governance.retirement_mail"
WIDE = (Role.REVIEWER, Role.RISK_OFFICER)


def tell_everybody(row: Retirement, kind: NoticeKind, text: str) -> int:
    """Tell whoever is concerned, once for this kind; how many were told anew."""
    people = [_tell(row, kind, text, one.name, one.email, one) for one in informed(row.model)]
    clients = ModelClient.objects.filter(model=row.model, ended_at__isnull=True)
    return sum(people) + sum(_tell(row, kind, text, c.name, c.contact, None) for c in clients)


def informed(model: Model) -> list[User]:
    """Everybody who works with the team's models, its owner, and signers of the organisation."""
    held = Q(team=model.team_id, role__in=TEAM) | Q(team__isnull=True, role__in=WIDE)
    members = Membership.objects.filter(held)
    people = User.objects.filter(is_active=True, kind=UserKind.PERSON)
    found = people.filter(Q(pk=model.owner_id) | Q(memberships__in=members))
    return list(found.distinct().order_by("pk"))


def _tell(
    row: Retirement, kind: NoticeKind, text: str, name: str, address: str, person: User | None
) -> int:
    told, new = RetirementNotice.objects.get_or_create(
        retirement=row,
        kind=kind,
        address=address,
        defaults={"person": person, "name": name, "text": text[:600]},
    )
    if new and mail.is_set_up():
        claims.enqueue(kind=MAIL, key=str(told.pk), subject_id=told.pk)
    return int(new)


def send_notice(claim: claims.Claim) -> None:
    """Hand one notice to the mail server; a server that is away is tried again.

    Raises:
        ConnectionError: it was not taken.
    """
    row = RetirementNotice.objects.select_related("retirement").get(pk=claim.subject_id)
    if row.mailed_at is None:
        where = settings.PUBLIC_URL + reverse("retirement", args=[row.retirement_id])
        if not mail.send(to=row.address, subject=row.text[:120], text=f"{row.text}\n\n{where}"):
            raise ConnectionError("The mail server did not take it.")
        RetirementNotice.objects.filter(pk=row.pk).update(mailed_at=Now())
    with transaction.atomic():
        claims.finish(claim=claim)

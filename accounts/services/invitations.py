"""One-time links: who was made by an administrator chooses a password with one."""

import secrets
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts import mail
from accounts.events import AccountEvent
from accounts.models import Invitation, User, UserKind
from accounts.policies import require
from accounts.services.administrators import require_administrator, require_other_hands
from accounts.services.closing import end_sessions
from accounts.services.people import create_user, locked
from accounts.services.tokens import hash_of
from audit.record import record

LIVES = timedelta(days=3)
NOT_ONESELF = "Change your own password under Your security."
OTHER_HANDS = (
    "You took this person's second factors away within the last week: another administrator "
    "makes the link, so that nobody alone can come in as somebody else."
)
SUBJECT = "Your account on Ombud"
TEXT = """Good day {name},

{by} invites you to Ombud. Choose your password here:

{address}

The link works once, until {until:%d %B %Y, %H:%M} UTC. If you do not expect it, tell {by}.
"""


class NoInvitation(ValueError):
    """The link was used, replaced or is too old."""


@dataclass(frozen=True)
class NewLink:
    """A link just made. `sent`: it went out by mail; else `address` is the only copy there is."""

    person: User
    address: str
    until: object
    sent: bool


def invite_new(*, actor: User, email: str, name: str) -> NewLink:
    """Make a person who chooses a password by a link.

    Raises:
        Refused: no administrator.
        ValueError: somebody has that address.
    """
    with transaction.atomic():
        person = create_user(actor=actor, email=email, name=name, password=None)
        made, text = _made(actor, person)
    return _delivered(actor, made, text)


def invite_again(*, actor: User, user_id: int) -> NewLink:
    """A new link for who lost the first one, or the password; earlier links end.

    Raises:
        Refused: no administrator, oneself, a closed account, or whoever took the factors away.
    """
    with transaction.atomic():
        person = locked(user_id)
        require_administrator(actor)
        require(actor.pk != person.pk, NOT_ONESELF)
        require(person.is_active, "The account is closed: reopen it first.")
        require(person.kind == UserKind.PERSON, "A service account has no password.")
        require_other_hands(actor, person, AccountEvent.FACTORS_FORGOTTEN, OTHER_HANDS)
        made, text = _made(actor, person)
    return _delivered(actor, made, text)


def find_invitation(text: str) -> Invitation:
    """The invitation of this link, if it still counts.

    Raises:
        NoInvitation: it does not.
    """
    rows = Invitation.objects.select_related("person").filter(hash=hash_of(text))
    found = rows.filter(ended_at__isnull=True, expires_at__gt=timezone.now()).first()
    if found is None or not found.person.is_active:
        raise NoInvitation("This link was used already, or is too old. Ask for a new one.")
    return found


def accept(*, text: str, password: str) -> User:
    """Choose the password: whoever holds the link acts. It is used up; sessions there were end.

    Raises:
        NoInvitation: the link does not count any more.
        ValidationError: the password is too easy.
    """
    with transaction.atomic():
        person = locked(find_invitation(text).person_id)
        # Again under the lock: of two at the same instant one finds it used.
        invitation = find_invitation(text)
        validate_password(password, person)
        _choose(invitation, person, password)
    return person


def _choose(invitation: Invitation, person: User, password: str) -> None:
    invitation.ended_at = timezone.now()
    invitation.save(update_fields=["ended_at"])
    person.set_password(password)
    person.save(update_fields=["password"])
    end_sessions(person)
    record(person, AccountEvent.INVITATION_USED, person, made_by=invitation.made_by.name)


def _made(actor: User, person: User) -> tuple[Invitation, str]:
    Invitation.objects.filter(person=person, ended_at__isnull=True).update(ended_at=timezone.now())
    text = secrets.token_urlsafe(32)
    made = Invitation.objects.create(
        person=person, hash=hash_of(text), made_by=actor, expires_at=timezone.now() + LIVES
    )
    record(actor, AccountEvent.INVITATION_MADE, person, until=made.expires_at.isoformat())
    return made, text


def _delivered(actor: User, made: Invitation, text: str) -> NewLink:
    address = f"{settings.PUBLIC_URL}{reverse('invitation', args=[text])}"
    person = made.person
    words = TEXT.format(name=person.name, by=actor.name, address=address, until=made.expires_at)
    sent = mail.send(to=person.email, subject=SUBJECT, text=words)
    return NewLink(person, "" if sent else address, made.expires_at, sent)

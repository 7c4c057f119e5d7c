"""Who has lost telephone and recovery codes: an administrator takes the factors away."""

from allauth.mfa.models import Authenticator
from django.db import transaction

from accounts import mail
from accounts.events import AccountEvent
from accounts.models import User
from accounts.policies import require
from accounts.services.administrators import require_administrator, require_other_hands
from accounts.services.closing import end_sessions
from accounts.services.codes import locked_person
from accounts.services.people import said
from accounts.services.sso import unlink
from audit.record import record

OTHER_HANDS = (
    "You made a link to this person's password within the last week: another administrator takes "
    "the second factors away, so that nobody alone can come in as somebody else."
)
NAMES = {"totp": "authenticator app", "webauthn": "passkey", "recovery_codes": "recovery codes"}
SUBJECT = "Your second factors on Ombud were taken away"
TEXT = """Good day {name},

{by} took away what you prove yourself with on Ombud: {gone}.
The reason given: {reason}

You are signed out everywhere. Sign in and set new ones up under Your security.
If you did not ask for this, tell your organisation at once: somebody may be trying to be you.
"""


@transaction.atomic
def forget_factors(*, actor: User, user_id: int, reason: str, identity: bool = False) -> list[str]:
    """Take app, passkeys and recovery codes away; `identity`: the link to single sign-on as well.

    Returns what was taken away. All sessions of the person end; they come in by the password alone
    and set up new ones. They are told by mail and at their next sign-in.

    Raises:
        Refused: no administrator, one's own (nobody gets round their own second factor), or
            whoever made a link to the person's password.
        ValueError: no reason.
    """
    person = locked_person(User.objects.get(pk=user_id))
    require_administrator(actor)
    require(actor.pk != user_id, "Another administrator does this for you.")
    require_other_hands(actor, person, AccountEvent.INVITATION_MADE, OTHER_HANDS)
    why = said(reason)
    rows = Authenticator.objects.filter(user=person)
    gone = sorted(rows.values_list("type", flat=True))
    rows.delete()
    if identity and unlink(person):
        gone.append("single sign-on")
    if gone:
        end_sessions(person)
        record(actor, AccountEvent.FACTORS_FORGOTTEN, person, forgotten=gone, reason=why)
        transaction.on_commit(lambda: _tell(actor, person, gone, why))
    return gone


def in_words(gone: list[str]) -> str:
    """What was taken away, as people call it."""
    return ", ".join(dict.fromkeys(NAMES.get(one, one) for one in gone))


def _tell(actor: User, person: User, gone: list[str], reason: str) -> None:
    words = TEXT.format(name=person.name, by=actor.name, gone=in_words(gone), reason=reason)
    mail.send(to=person.email, subject=SUBJECT, text=words)

"""Authenticator apps and recovery codes: set up, used once, taken away."""

from datetime import timedelta

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.utils import decrypt, encrypt
from cryptography.fernet import InvalidToken
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from accounts.events import AccountEvent
from accounts.models import FailedCode, User, UserKind
from accounts.policies import require
from accounts.totp import accepted_step
from audit.record import record

TOTP = Authenticator.Type.TOTP
RECOVERY = Authenticator.Type.RECOVERY_CODES
WRONG_ALLOWED = 5
WRONG_WITHIN = timedelta(minutes=15)
ONLY_PEOPLE = "A service account has no second factor: it uses a token."


class WrongCode(ValueError):
    """The code is not the one that counts now, or it was used already."""


class TooManyCodes(ValueError):
    """Somebody guesses."""


@transaction.atomic
def activate_app(*, actor: User, secret: str, code: str) -> list[str]:
    """Let an authenticator app make codes from now on; returns recovery codes if they are new.

    Raises:
        WrongCode: the app does not show this code.
        ValueError: there is an app already.
    """
    person = locked_person(actor)
    require(person.kind == UserKind.PERSON, ONLY_PEOPLE)
    if _one(person, TOTP) is not None:
        raise ValueError("An authenticator app is set up already; remove it first.")
    step = accepted_step(secret, code)
    if step is None:
        raise WrongCode("The app shows another code. Check the time of your telephone.")
    data = {"secret": encrypt(secret), "step": step}
    Authenticator.objects.create(user=person, type=TOTP, data=data)
    codes = first_recovery_codes(person)
    record(actor, AccountEvent.TOTP_ACTIVATED, person, recovery_codes=len(codes))
    return codes


@transaction.atomic
def remove_app(*, actor: User) -> None:
    """Make no more codes; recovery codes go with the last second factor."""
    person = locked_person(actor)
    gone, _ = Authenticator.objects.filter(user=person, type=TOTP).delete()
    if gone:
        left = drop_dangling_codes(person)
        record(actor, AccountEvent.TOTP_REMOVED, person, second_factors_left=left)


@transaction.atomic
def renew_recovery_codes(*, actor: User) -> list[str]:
    """New recovery codes; the old ones are worth nothing any more.

    Raises:
        ValueError: there is no second factor that they could stand in for.
    """
    person = locked_person(actor)
    if not second_factors(person):
        raise ValueError("Recovery codes stand in for a second factor: set one up first.")
    Authenticator.objects.filter(user=person, type=RECOVERY).delete()
    codes: list[str] = RecoveryCodes.activate(person).get_unused_codes()
    record(actor, AccountEvent.RECOVERY_CODES_MADE, person, count=len(codes))
    return codes


@transaction.atomic
def accept_at_the_door(*, actor: User, code: str) -> str | None:
    """The kind of factor whose code lets somebody in who has given the password, if any does.

    A refused code is counted and on the trail: whoever sent it knew the password.

    Raises:
        TooManyCodes: this one was not even looked at.
    """
    holder = locked_person(actor)
    recent = FailedCode.objects.filter(person=holder, at__gt=Now() - WRONG_WITHIN).count()
    if recent >= WRONG_ALLOWED:
        raise TooManyCodes("Too many wrong codes. Wait a quarter of an hour.")
    if use_app_code(holder, code):
        return str(TOTP)
    if _use_recovery_code(holder, code):
        return str(RECOVERY)
    FailedCode.objects.create(person=holder)
    record(holder, AccountEvent.CODE_REFUSED, holder, failed=recent + 1)
    return None


def use_app_code(person: User, code: str) -> bool:
    """Whether the app shows this code now; it counts once. The transaction has locked them."""
    app = _one(person, TOTP)
    if app is None:
        return False
    try:
        secret = decrypt(app.data["secret"])
    except InvalidToken:
        return False
    step = accepted_step(secret, code, after=app.data.get("step", 0))
    if step is None:
        return False
    app.data["step"], app.last_used_at = step, timezone.now()
    app.save(update_fields=["data", "last_used_at"])
    return True


def _use_recovery_code(person: User, code: str) -> bool:
    row = _one(person, RECOVERY)
    try:
        if row is None or not row.wrap().validate_code("".join(code.split())):
            return False
    except InvalidToken:
        return False
    row.refresh_from_db()
    left = len(row.wrap().get_unused_codes())
    record(person, AccountEvent.RECOVERY_CODE_USED, person, left=left)
    return True


def first_recovery_codes(person: User) -> list[str]:
    """Recovery codes for the first second factor; none where there are some already."""
    if _one(person, RECOVERY) is not None:
        return []
    codes: list[str] = RecoveryCodes.activate(person).get_unused_codes()
    return codes


def drop_dangling_codes(person: User) -> int:
    """How many second factors are left; without any, recovery codes have no use."""
    left = second_factors(person)
    if not left:
        Authenticator.objects.filter(user=person, type=RECOVERY).delete()
    return left


def second_factors(person: User) -> int:
    count: int = Authenticator.objects.filter(user=person).exclude(type=RECOVERY).count()
    return count


def locked_person(actor: User) -> User:
    """The row that everything about somebody's proofs queues for."""
    return User.objects.select_for_update(no_key=True).get(pk=actor.pk)


def _one(person: User, kind: str) -> Authenticator | None:
    return Authenticator.objects.filter(user=person, type=kind).first()

"""Who signs proves who they are, in a transaction of its own, so that a wrong proof is counted.

Two components as 21 CFR 11.200 asks: a password and, for who has an authenticator app, its code; or
a passkey, which is held and was unlocked; or a sign-in made anew at the organisation's provider.
"""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import check_password
from django.db import models, transaction
from django.db.models.functions import Now

from accounts.factors import Factors, factors_of
from accounts.models import User
from accounts.proofs import FreshSignIn, KeyAnswer, Proof, as_proof
from accounts.services.challenges import take_challenge
from accounts.services.codes import use_app_code
from accounts.services.passkeys import WrongPasskey, use_passkey
from accounts.services.sso import signed_in_anew
from audit.chain import plain, sha256_of
from audit.record import record
from governance.events import GovernanceEvent
from governance.models import ChangeRequest, FailedProof
from governance.refusals import (
    BrowserNeeded,
    Incomplete,
    SecondFactorNeeded,
    TooManyAttempts,
    WrongPassword,
)

PASSWORD = "password"  # noqa: S105 - the name of the method, not a password
PASSKEY = "passkey"
SIGN_IN = "sso"
WITH_CODE = "+totp"
MANY_FACTORS = "+mfa"
REQUIRED = "required"
WRONG_ALLOWED = 5
WRONG_WITHIN = timedelta(minutes=15)
USE_PASSKEY = "You have a passkey: sign with it."
SET_ONE_UP = "Signing here needs a second factor: set up an app or a passkey under Your security."
NO_PASSWORD = "Type your password."  # noqa: S105 - a sentence, not a password
NO_SIGN_IN = "Sign in anew first: it proves that it is you."
IN_THE_BROWSER = (
    "You come by single sign-on: sign in the browser, where you sign in anew. A token alone never "
    "signs. With a passkey you could sign by API as well."
)
THE_CODE = "Type the six digits that your authenticator app shows."


def about(subject: models.Model, digest: str = "", act: str = "") -> str:
    """What a proof is bound to: it signs this record, and no other.

    `act` says what is done to it, where one record is signed for more than one thing.
    """
    said = bound_to(str(subject._meta.verbose_name), subject.pk, digest)
    return f"{said}, to {act} it" if act else said


def bound_to(kind: str, pk: int, digest: str = "") -> str:
    return f"{kind} {pk} over {digest}" if digest else f"{kind} {pk}"


def prove(
    *,
    actor: User,
    subject: models.Model,
    password: str | Proof,
    digest: str = "",
    act: str = "",
) -> str:
    """How the person proved who they are; `digest` is what they read, if the record has one.

    Raises:
        Incomplete, SecondFactorNeeded: something is missing; nothing was checked or counted.
        WrongPassword, TooManyAttempts: they did not prove it.
    """
    proof = as_proof(password)
    factors = factors_of(actor)
    _require_reachable(proof, factors, subject)
    _require_complete(proof, factors)
    method = _proved(actor, subject, proof, factors, about(subject, digest, act))
    if method is None:
        raise WrongPassword(f"This is not your {_given(proof)}. Nothing was signed.")
    return method


def _given(proof: Proof) -> str:
    if proof.key is not None:
        return "passkey, or it answered something else or too late"
    if proof.sign_in is not None:
        return "sign-in, or it was for something else or too long ago"
    return "password, or not the code of now" if proof.code else "password"


def _require_reachable(proof: Proof, factors: Factors, subject: models.Model) -> None:
    """By API nobody signs in anew: who has no password here and no passkey does it in a browser."""
    if proof.by_api and proof.key is None and not factors.password and not factors.passkeys:
        raise BrowserNeeded(IN_THE_BROWSER, subject)


def _require_complete(proof: Proof, factors: Factors) -> None:
    """Whether all components are there; said before anything is checked, so it helps no guesser."""
    if proof.key is not None:
        return
    if not proof.password and proof.sign_in is None:
        asked = NO_PASSWORD if factors.password else NO_SIGN_IN
        raise Incomplete("password", USE_PASSKEY if factors.passkeys else asked)
    if factors.app and not proof.code:
        raise Incomplete("code", THE_CODE)
    if factors.passkeys and not factors.app:
        raise SecondFactorNeeded(USE_PASSKEY)
    outside = proof.sign_in is not None and proof.sign_in.many_factors
    if settings.SIGN_SECOND_FACTOR == REQUIRED and not factors.any_second and not outside:
        raise SecondFactorNeeded(SET_ONE_UP)


@transaction.atomic
def _proved(
    actor: User, subject: models.Model, proof: Proof, factors: Factors, said: str
) -> str | None:
    # The lock makes guesses queue up: many at once cannot slip past the count.
    person = User.objects.select_for_update(no_key=True).get(pk=actor.pk)
    recent = FailedProof.objects.filter(person=person, at__gt=Now() - WRONG_WITHIN).count()
    if recent >= WRONG_ALLOWED:
        raise TooManyAttempts("Too many wrong passwords or codes. Wait a quarter of an hour.")
    method = _method(person, subject, proof, factors, said) if person.is_active else None
    if method is None:
        _count_wrong(actor, subject, recent + 1)
    return method


def _count_wrong(actor: User, subject: models.Model, failed: int) -> None:
    if isinstance(subject, ChangeRequest):
        FailedProof.objects.create(person=actor, request=subject)
        record(actor, GovernanceEvent.SIGNOFF_PROOF_FAILED, subject, failed=failed)
    else:
        FailedProof.objects.create(person=actor)
        record(actor, GovernanceEvent.PROOF_FAILED, subject, failed=failed)


def _method(
    person: User, subject: models.Model, proof: Proof, factors: Factors, said: str
) -> str | None:
    if proof.key is not None:
        return _by_passkey(person, subject, proof.key, said)
    if proof.sign_in is not None:
        first = _by_sign_in(person, subject, proof.sign_in, said)
        outside = MANY_FACTORS if proof.sign_in.many_factors else ""
    else:
        # No setter: a signature must not rewrite the stored hash.
        first = PASSWORD if check_password(proof.password, person.password) else None
        outside = ""
    if first is None or not factors.app:
        return first and first + outside
    # Only after the first component: a wrong password does not use the code up.
    return first + WITH_CODE if use_app_code(person, proof.code) else None


def _by_passkey(person: User, subject: models.Model, answer: KeyAnswer, said: str) -> str | None:
    if answer.challenge:
        ceremony = take_challenge(person=person, key=answer.challenge)
        answer = KeyAnswer(ceremony, answer.response)
    try:
        used = use_passkey(person=person, answer=answer, purpose="sign", about=said)
    except WrongPasskey:
        return None
    record(person, GovernanceEvent.PROOF_GIVEN, subject, method=PASSKEY, passkey=used.evidence)
    return PASSKEY


def _by_sign_in(person: User, subject: models.Model, proved: FreshSignIn, said: str) -> str | None:
    if not signed_in_anew(person=person, proved=proved, about=said):
        return None
    record(
        person,
        GovernanceEvent.PROOF_GIVEN,
        subject,
        method=SIGN_IN,
        about=said,
        identity=proved.subject,
    )
    return SIGN_IN


def digest_of(content: dict[str, Any]) -> str:
    """What a signature is bound to."""
    return sha256_of(plain(content))


def words(field: str, text: str, longest: int = 4000) -> str:
    """A person's words, trimmed.

    Raises:
        Incomplete: none, too many, or with signs that no text holds.
    """
    if not text.strip() or len(text) > longest or "\0" in text:
        raise Incomplete(field, f"Say it in 1 to {longest:,} characters.")
    return text.strip()

"""Passkeys (WebAuthn): added, used and taken away. A challenge is answered once, within minutes.

The challenge of a signature is a digest over what is signed, so that the passkey's own signature,
kept on the trail, speaks for that and for nothing else.
"""

import hashlib
import secrets
import time
from dataclasses import dataclass
from typing import Any

from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from django.db import transaction
from django.utils import timezone
from fido2 import cbor
from fido2.cose import CoseKey
from fido2.server import Fido2Server
from fido2.utils import websafe_encode
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticationResponse,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    RegistrationResponse,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from accounts.events import AccountEvent
from accounts.mfa import public_origin
from accounts.models import User, UserKind
from accounts.policies import require
from accounts.proofs import Ceremony, KeyAnswer
from accounts.services.codes import (
    ONLY_PEOPLE,
    drop_dangling_codes,
    first_recovery_codes,
    locked_person,
)
from audit.record import record

KEY = Authenticator.Type.WEBAUTHN
LIVES = 300
MOST_KEYS = 20
# What a broken or forged answer makes the library say.
UNREADABLE = (ValueError, TypeError, KeyError, AttributeError, IndexError, AssertionError)


class WrongPasskey(ValueError):
    """The answer does not fit the challenge, the person or the key."""


@dataclass(frozen=True)
class Used:
    """A passkey that answered rightly, and the evidence of it."""

    person: User
    row: Authenticator
    evidence: dict[str, str]


def begin_adding(person: User) -> tuple[dict[str, Any], Ceremony]:
    """What the browser is asked for a new passkey, and what is remembered of it."""
    entity = PublicKeyCredentialUserEntity(
        id=str(person.pk).encode(), name=person.email, display_name=person.name
    )
    options, state = _server().register_begin(
        user=entity,
        credentials=[_credential(row) for row in _rows(person)],
        resident_key_requirement=ResidentKeyRequirement.REQUIRED,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return dict(options), Ceremony("add", str(person.pk), state, "", time.time())


def begin_using(
    purpose: str, about: str = "", person: User | None = None
) -> tuple[dict[str, Any], Ceremony]:
    """What a passkey is asked to answer; `person` None: whoever's it is."""
    nonce = secrets.token_bytes(32)
    options, state = _server().authenticate_begin(
        credentials=[_credential(row) for row in _rows(person)] if person else None,
        user_verification=UserVerificationRequirement.REQUIRED,
        challenge=challenge_of(nonce, about),
    )
    return dict(options), Ceremony(purpose, about, state, websafe_encode(nonce), time.time())


def challenge_of(nonce: bytes, about: str) -> bytes:
    """SHA-256 over 32 random bytes and what is signed: nobody makes one for anything else."""
    return hashlib.sha256(nonce + about.encode()).digest()


@transaction.atomic
def add_passkey(*, actor: User, name: str, answer: KeyAnswer) -> list[str]:
    """Keep a new passkey; returns recovery codes if it is the first second factor.

    Raises:
        WrongPasskey: the answer is not to the challenge given, or was not verified by its person.
    """
    person = locked_person(actor)
    require(person.kind == UserKind.PERSON, ONLY_PEOPLE)
    ceremony = _live(answer.ceremony, "add", str(person.pk))
    if _rows(person).count() >= MOST_KEYS:
        raise WrongPasskey(f"You have {MOST_KEYS} passkeys already; remove one first.")
    try:
        made = _server().register_complete(ceremony.state, answer.response)
        credential = made.credential_data
        assert credential is not None  # noqa: S101 - the library's type; registration has one
        clean = dict(RegistrationResponse.from_dict(answer.response))
    except UNREADABLE as error:
        raise WrongPasskey("This passkey could not be added.") from error
    said = " ".join(name.split())[:60] or f"Passkey {_rows(person).count() + 1}"
    data = {"name": said, "credential": clean, "counter": made.counter}
    Authenticator.objects.create(user=person, type=KEY, data=data)
    codes = first_recovery_codes(person)
    record(
        actor,
        AccountEvent.PASSKEY_ADDED,
        person,
        name=said,
        credential=websafe_encode(credential.credential_id),
        public_key=websafe_encode(_cose(credential.public_key)),
        recovery_codes=len(codes),
    )
    return codes


@transaction.atomic
def remove_passkey(*, actor: User, passkey_id: int) -> None:
    person = locked_person(actor)
    row = _rows(person).get(pk=passkey_id)
    name, credential = row.data["name"], websafe_encode(_credential(row).credential_id)
    row.delete()
    left = drop_dangling_codes(person)
    record(
        actor,
        AccountEvent.PASSKEY_REMOVED,
        person,
        name=name,
        credential=credential,
        second_factors_left=left,
    )


def sign_in_by_passkey(*, answer: KeyAnswer) -> Used:
    """Whose passkey answered at the door.

    Raises:
        WrongPasskey: nobody's, or not to the challenge given.
    """
    person = _holder(answer)
    try:
        with transaction.atomic():
            return use_passkey(person=person, answer=answer, purpose="sign_in", about="")
    except WrongPasskey:
        with transaction.atomic():
            record(person, AccountEvent.PASSKEY_REFUSED, person)
        raise


def use_passkey(*, person: User, answer: KeyAnswer, purpose: str, about: str) -> Used:
    """The person's passkey and what it signed. Inside a transaction, which locks the person.

    Raises:
        WrongPasskey: another challenge, person or key, or one whose counter went backwards.
    """
    holder = locked_person(person)
    ceremony = _live(answer.ceremony, purpose, about)
    if not holder.is_active or holder.kind != UserKind.PERSON:
        raise WrongPasskey("This account is closed.")
    rows = {_credential(row).credential_id: row for row in _rows(holder)}
    keys = [_credential(row) for row in rows.values()]
    try:
        used = _server().authenticate_complete(ceremony.state, keys, answer.response)
        said = AuthenticationResponse.from_dict(answer.response)
    except UNREADABLE as error:
        raise WrongPasskey("This passkey did not answer what was asked.") from error
    row = rows[used.credential_id]
    _count(row, said.response.authenticator_data.counter)
    return Used(holder, row, _evidence(said, ceremony))


def _count(row: Authenticator, counter: int) -> None:
    """A counter that does not grow means that somebody copied the key (WebAuthn §6.1.1)."""
    before = row.data.get("counter", 0)
    if (counter or before) and counter <= before:
        raise WrongPasskey("This passkey has been copied: remove it and tell your administrator.")
    row.data["counter"], row.last_used_at = counter, timezone.now()
    row.save(update_fields=["data", "last_used_at"])


def _evidence(said: AuthenticationResponse, ceremony: Ceremony) -> dict[str, str]:
    """What anybody needs to check the passkey's signature with the public key on the trail."""
    return {
        "credential": websafe_encode(said.raw_id),
        "about": ceremony.about,
        "nonce": ceremony.nonce,
        "client_data": websafe_encode(said.response.client_data),
        "authenticator_data": websafe_encode(said.response.authenticator_data),
        "signature": websafe_encode(said.response.signature),
    }


def _live(ceremony: Ceremony | None, purpose: str, about: str) -> Ceremony:
    if ceremony is None or (ceremony.purpose, ceremony.about) != (purpose, about):
        raise WrongPasskey("This passkey was asked for something else. Try again.")
    if not 0 <= time.time() - ceremony.at <= LIVES:
        raise WrongPasskey("That took longer than five minutes. Try again.")
    return ceremony


def _holder(answer: KeyAnswer) -> User:
    """The person that a discoverable passkey names; whether it is theirs is checked after."""
    try:
        said = AuthenticationResponse.from_dict(answer.response)
        handle = int((said.response.user_handle or b"").decode())
        return User.objects.get(pk=handle, is_active=True)
    except (*UNREADABLE, User.DoesNotExist, OverflowError) as error:
        raise WrongPasskey("This passkey belongs to nobody here.") from error


def _server() -> Fido2Server:
    """Answers count from the public address only: its host, its scheme, its port."""
    entity = PublicKeyCredentialRpEntity(**get_adapter().get_public_key_credential_rp_entity())
    return Fido2Server(entity, verify_origin=lambda origin: origin == public_origin())


def _rows(person: User) -> Any:
    return Authenticator.objects.filter(user=person, type=KEY).order_by("pk")


def _credential(row: Authenticator) -> AttestedCredentialData:
    kept = RegistrationResponse.from_dict(row.data["credential"])
    found: AttestedCredentialData | None = (
        kept.response.attestation_object.auth_data.credential_data
    )
    assert found is not None  # noqa: S101 - the library's type; what was registered has one
    return found


def _cose(key: CoseKey) -> bytes:
    return cbor.encode(dict(key))

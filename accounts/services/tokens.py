"""API tokens: made, shown once, looked up by hash, revoked."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from accounts.events import AccountEvent
from accounts.models import ApiToken, User
from accounts.policies import can_hold_token, can_revoke, is_auditor, require
from accounts.roles import Scope
from audit.record import Actor, record

PREFIX = "ombud_"
LONGEST_DAYS = 366
USE_NOTED_EVERY = timedelta(minutes=5)


@dataclass(frozen=True)
class NewToken:
    """A token just made; `text` is the only copy there will ever be."""

    token: ApiToken
    text: str


@transaction.atomic
def create_token(*, actor: User, owner: User, name: str, scopes: list[str], days: int) -> NewToken:
    """Make a token of `owner` that expires after `days`.

    Raises:
        Refused: somebody else's token, or an auditor asking to change things.
        ValueError: no scope, an unknown scope, or a life that is not 1 to 366 days.
    """
    require(
        can_hold_token(actor, owner),
        "Only its owner makes a token; administrators make those of service accounts.",
    )
    require(
        not is_auditor(owner) or set(scopes) <= {Scope.READ, Scope.AUDIT},
        "An auditor's token reads and audits; it may change nothing else.",
    )
    wanted = sorted({Scope(scope).value for scope in scopes})
    if not wanted:
        raise ValueError("Choose at least one scope.")
    if not 1 <= days <= LONGEST_DAYS:
        raise ValueError(f"A token lives 1 to {LONGEST_DAYS} days.")
    text = PREFIX + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        user=owner,
        name=name,
        prefix=text[: len(PREFIX) + 6],
        hash=hash_of(text),
        scopes=wanted,
        expires_at=timezone.now() + timedelta(days=days),
    )
    record(actor, AccountEvent.TOKEN_CREATED, token, owner=owner.name, scopes=wanted, days=days)
    return NewToken(token, text)


@transaction.atomic
def revoke_token(*, actor: User, token_id: int) -> None:
    token = ApiToken.objects.select_for_update(no_key=True).get(pk=token_id)
    require(can_revoke(actor, token), "Only its owner or an administrator revokes a token.")
    if token.revoked_at is None:
        token.revoked_at = timezone.now()
        token.save(update_fields=["revoked_at"])
        record(actor, AccountEvent.TOKEN_REVOKED, token, owner=token.user.name)


@transaction.atomic
def revoke_bound(*, actor: Actor, account_id: int, because: str) -> int:
    """Revoke every live token of a service account whose model was retired; returns how many.

    The machine does it after people signed for the retirement.

    Raises:
        Refused: a person asks; people revoke tokens one by one.
    """
    require(actor.pk is None, "Only a signed retirement revokes tokens of others.")
    rows = ApiToken.objects.live().select_for_update(no_key=True, of=("self",))
    found = list(rows.filter(user=account_id, user__kind="service").select_related("user"))
    for token in found:
        token.revoked_at = timezone.now()
        token.save(update_fields=["revoked_at"])
        record(actor, AccountEvent.TOKEN_REVOKED, token, owner=token.user.name, because=because)
    return len(found)


def find_live(text: str) -> ApiToken | None:
    """The live token of this text; its use is noted every five minutes at most."""
    token = ApiToken.objects.live().select_related("user").filter(hash=hash_of(text)).first()
    if token is not None and _is_unnoted(token):
        note_use(token.pk)
    return token


def _is_unnoted(token: ApiToken) -> bool:
    last = token.last_used_at
    return last is None or timezone.now() - last > USE_NOTED_EVERY


def note_use(token_id: int) -> None:
    ApiToken.objects.filter(pk=token_id).update(last_used_at=Now())


def hash_of(text: str) -> str:
    """What is kept of a token: 256 random bits need no slow hash, there is nothing to guess."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()

"""Accounts that are closed and opened again: what they held ends at once."""

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts.events import AccountEvent
from accounts.models import ApiToken, Invitation, User
from accounts.policies import require
from accounts.services.administrators import (
    is_administrator,
    lock_administrators,
    require_administrator,
    require_another,
)
from accounts.services.people import locked, said
from audit.record import record

NOT_ONESELF = "Another administrator closes your account."


@transaction.atomic
def close_account(*, actor: User, user_id: int, reason: str) -> User:
    """Let somebody in no more: sessions, tokens and invitations end at once, roles stay on record.

    What they own has been handed over before; governance sees to that.

    Raises:
        Refused: no administrator, oneself, or the last administrator.
        ValueError: no reason.
    """
    lock_administrators()
    person = locked(user_id)
    require_administrator(actor)
    require(actor.pk != person.pk, NOT_ONESELF)
    why = said(reason)
    if not person.is_active:
        return person
    if is_administrator(person):
        require_another(person)
    person.is_active = False
    person.save(update_fields=["is_active"])
    end_sessions(person)
    tokens = _end_tokens(person)
    record(actor, AccountEvent.USER_CLOSED, person, reason=why, tokens_revoked=tokens)
    return person


@transaction.atomic
def reopen_account(*, actor: User, user_id: int, reason: str) -> User:
    """Let somebody in again, with the roles that they hold; sessions and tokens stay ended.

    Raises:
        Refused: no administrator.
        ValueError: no reason.
    """
    person = locked(user_id)
    require_administrator(actor)
    why = said(reason)
    if person.is_active:
        return person
    person.is_active = True
    person.save(update_fields=["is_active"])
    record(actor, AccountEvent.USER_REOPENED, person, reason=why)
    return person


def end_sessions(person: User) -> None:
    """Every session of the person ends with its next request. Inside a transaction."""
    User.objects.filter(pk=person.pk).update(sessions_ended=F("sessions_ended") + 1)
    person.refresh_from_db(fields=["sessions_ended"])


def _end_tokens(person: User) -> list[str]:
    """Revoke what is live and end invitations; names of the tokens, for the trail."""
    live = ApiToken.objects.filter(user=person, revoked_at__isnull=True)
    names = list(live.order_by("pk").values_list("name", flat=True))
    live.update(revoked_at=timezone.now())
    Invitation.objects.filter(person=person, ended_at__isnull=True).update(ended_at=timezone.now())
    return names

"""Challenges for signatures by API: given out to one person, about one record, taken back once."""

from dataclasses import asdict
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.models import SigningChallenge, User
from accounts.proofs import Ceremony
from accounts.services.codes import locked_person
from accounts.services.passkeys import LIVES, begin_using

MOST = 20


class TooManyChallenges(ValueError):
    """Nobody signs so many things at once."""


@transaction.atomic
def give_out_challenge(*, actor: User, about: str) -> tuple[SigningChallenge, dict[str, Any]]:
    """What the person's passkey is asked, bound to `about`; whatever is over is forgotten.

    Raises:
        TooManyChallenges: twenty are out already.
    """
    person = locked_person(actor)
    mine = SigningChallenge.objects.filter(person=person)
    mine.filter(made_at__lt=timezone.now() - timedelta(seconds=LIVES)).delete()
    if mine.count() >= MOST:
        raise TooManyChallenges("Twenty challenges are out: answer one, or wait five minutes.")
    options, ceremony = begin_using("sign", about, person)
    row = SigningChallenge.objects.create(person=person, ceremony=asdict(ceremony))
    return row, options


def take_challenge(*, person: User, key: str) -> Ceremony | None:
    """The challenge of this name, if it is the person's and was not taken. In a transaction."""
    try:
        rows = SigningChallenge.objects.filter(pk=UUID(key), person=person, used_at__isnull=True)
    except ValueError:
        return None
    row = rows.select_for_update(no_key=True).first()
    if row is None:
        return None
    row.used_at = timezone.now()
    row.save(update_fields=["used_at"])
    return Ceremony(**row.ceremony)

"""Who signs proves who they are, in a transaction of its own, so that a wrong proof is counted."""

from datetime import timedelta
from typing import Any

from django.contrib.auth.hashers import check_password
from django.db import models, transaction
from django.db.models.functions import Now

from accounts.models import User
from audit.chain import plain, sha256_of
from audit.record import record
from governance.events import GovernanceEvent
from governance.models import FailedProof
from governance.refusals import Incomplete, TooManyAttempts, WrongPassword

PASSWORD = "password"  # noqa: S105 - the name of the method, not a password
WRONG_ALLOWED = 5
WRONG_WITHIN = timedelta(minutes=15)


def prove(*, actor: User, subject: models.Model, password: str) -> str:
    """How the person proved who they are.

    Raises:
        WrongPassword, TooManyAttempts: they did not.
    """
    if not _holds(actor=actor, subject=subject, password=password):
        raise WrongPassword("This is not your password. Nothing was signed.")
    return PASSWORD


@transaction.atomic
def _holds(*, actor: User, subject: models.Model, password: str) -> bool:
    # The lock makes guesses queue up: many at once cannot slip past the count.
    person = User.objects.select_for_update(no_key=True).get(pk=actor.pk)
    recent = FailedProof.objects.filter(person=person, at__gt=Now() - WRONG_WITHIN).count()
    if recent >= WRONG_ALLOWED:
        raise TooManyAttempts("Too many wrong passwords. Wait a quarter of an hour.")
    # No setter: a signature must not rewrite the stored hash.
    if person.is_active and check_password(password, person.password):
        return True
    FailedProof.objects.create(person=person)
    record(actor, GovernanceEvent.PROOF_FAILED, subject, failed=recent + 1)
    return False


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

"""A passkey is asked for one signature by API: bound to the record, the act and what was read."""

from typing import Any

from django.db import models

from accounts.factors import factors_of
from accounts.models import SigningChallenge, User
from accounts.services.challenges import TooManyChallenges, give_out_challenge
from governance.models import ChangeRequest, PolicyChange
from governance.refusals import BrowserNeeded, EvidenceChanged, NoPasskey, TooManyAttempts
from governance.services.proofs import IN_THE_BROWSER, about
from monitoring.models import Erasure, RetrainingPolicy

ADD_ONE = "You have no passkey: add one under Your security, or sign with your password."
CHANGED = "This is not what is there now. Read it again."


def ask_passkey(
    *, actor: User, subject: models.Model, act: str, digest: str
) -> tuple[SigningChallenge, dict[str, Any]]:
    """A challenge for the person's passkey, and what is asked of the key.

    Raises:
        NoPasskey, BrowserNeeded: there is no passkey that could answer.
        EvidenceChanged: the digest is not the one of the change request.
        TooManyAttempts: too many are out.
    """
    factors = factors_of(actor)
    if not factors.passkeys:
        if factors.password:
            raise NoPasskey(ADD_ONE)
        raise BrowserNeeded(IN_THE_BROWSER, subject)
    read = _read(subject, digest)
    said = about(subject, read, "end" if act == "guideline_end" else "")
    try:
        return give_out_challenge(actor=actor, about=said)
    except TooManyChallenges as error:
        raise TooManyAttempts(str(error)) from error


def _read(subject: models.Model, digest: str) -> str:
    """The digest that is bound: changes have one, and it must be the one of now."""
    if not isinstance(subject, ChangeRequest | PolicyChange | Erasure | RetrainingPolicy):
        return ""
    if digest != subject.digest:
        raise EvidenceChanged(CHANGED)
    return digest

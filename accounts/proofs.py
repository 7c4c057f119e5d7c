"""What somebody sends to prove who they are at a signature. Pure shapes, checked by services."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Ceremony:
    """A challenge that was given out: for what, to whom and when; taken back once."""

    purpose: str
    about: str
    state: dict[str, Any]
    nonce: str
    at: float


@dataclass(frozen=True)
class KeyAnswer:
    """What a passkey answered, with the challenge that the session gave out for it.

    By API there is no session: `challenge` names the one that was given out to the person.
    """

    ceremony: Ceremony | None
    response: Any
    challenge: str = ""


@dataclass(frozen=True)
class FreshSignIn:
    """The provider said that this subject has just signed in anew, for one signature."""

    about: str
    subject: str
    at: float
    many_factors: bool


@dataclass(frozen=True)
class Proof:
    """A password and, for who has an app, its code; or a passkey's answer; or a fresh sign-in.

    `by_api`: no browser is at hand, in which somebody could sign in anew.
    """

    password: str = ""
    code: str = ""
    key: KeyAnswer | None = None
    sign_in: FreshSignIn | None = None
    by_api: bool = False


def as_proof(given: "str | Proof") -> Proof:
    """A bare text is a password."""
    return given if isinstance(given, Proof) else Proof(password=given)

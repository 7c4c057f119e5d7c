"""Challenges that a session gave out: one for each purpose, taken back once."""

from dataclasses import asdict
from typing import Any

from django.http import HttpRequest

from accounts.proofs import Ceremony, FreshSignIn, KeyAnswer, Proof

PLACE = "ombud_ceremonies"
SIGN_IN = "ombud_fresh_sign_in"


def give_out(request: HttpRequest, ceremony: Ceremony) -> None:
    """Remember a challenge; an earlier one for the same purpose is worth nothing any more."""
    kept = request.session.get(PLACE, {})
    request.session[PLACE] = kept | {ceremony.purpose: asdict(ceremony)}


def take_back(request: HttpRequest, purpose: str) -> Ceremony | None:
    """The challenge given out for this purpose; saved at once, so that nobody takes it twice."""
    kept = dict(request.session.get(PLACE, {}))
    found = kept.pop(purpose, None)
    if found is None:
        return None
    request.session[PLACE] = kept
    request.session.save()
    return Ceremony(**found)


def answer_of(request: HttpRequest, purpose: str, response: Any) -> KeyAnswer:
    return KeyAnswer(take_back(request, purpose), response)


def keep_sign_in(request: HttpRequest, proved: FreshSignIn) -> None:
    """What the provider just said, for one signature."""
    request.session[SIGN_IN] = asdict(proved)


def kept_sign_in(request: HttpRequest) -> FreshSignIn | None:
    kept = request.session.get(SIGN_IN)
    return FreshSignIn(**kept) if kept else None


def take_sign_in(request: HttpRequest) -> FreshSignIn | None:
    found = kept_sign_in(request)
    if found is not None:
        del request.session[SIGN_IN]
        request.session.save()
    return found


def proof_of(request: HttpRequest, given: dict[str, Any]) -> Proof:
    """What the fields of a signature prove, with what the session remembers of it."""
    key = given.get("passkey")
    return Proof(
        password=given.get("password", ""),
        code=given.get("code", ""),
        key=answer_of(request, "sign", key) if key else None,
        sign_in=None if key or given.get("password") else take_sign_in(request),
    )

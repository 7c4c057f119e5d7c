"""The life of a retirement, of its steps and of a registration with an authority. Pure."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

S = TypeVar("S", bound=StrEnum)


class RetirementState(StrEnum):
    """`notice`: people may object; `requested`: a change request is signed; `ending`: it was
    carried out and the source is being cleaned up; `closed`: every step was proved."""

    NOTICE = "notice"
    REQUESTED = "requested"
    ENDING = "ending"
    CLOSED = "closed"
    UPHELD = "upheld"
    LIFTED = "lifted"
    REFUSED = "refused"


class StepState(StrEnum):
    WAITING = "waiting"
    DONE = "done"
    VERIFIED = "verified"
    FAILED = "failed"
    NOT_APPLICABLE = "not_applicable"


class ObjectionAnswer(StrEnum):
    UPHELD = "upheld"
    OVERRULED = "overruled"


class RegistrationState(StrEnum):
    NOT_REQUIRED = "not_required"
    DRAFT = "draft"
    REGISTERED = "registered"
    UPDATE_DUE = "update_due"
    WITHDRAWN = "withdrawn"


class IllegalRetirementMove(Exception):
    """There is no such step from there."""


RUNNING = frozenset({RetirementState.NOTICE, RetirementState.REQUESTED, RetirementState.ENDING})
# A step that needs nothing more.
SETTLED = frozenset({StepState.VERIFIED, StepState.NOT_APPLICABLE})

RETIREMENT_MOVES: dict[tuple[RetirementState, str], RetirementState] = {
    (RetirementState.NOTICE, "request"): RetirementState.REQUESTED,
    (RetirementState.NOTICE, "lift"): RetirementState.LIFTED,
    (RetirementState.NOTICE, "uphold"): RetirementState.UPHELD,
    (RetirementState.NOTICE, "retire"): RetirementState.ENDING,
    (RetirementState.REQUESTED, "lift"): RetirementState.LIFTED,
    (RetirementState.REQUESTED, "refuse"): RetirementState.REFUSED,
    (RetirementState.REQUESTED, "retire"): RetirementState.ENDING,
    (RetirementState.ENDING, "close"): RetirementState.CLOSED,
}

STEP_MOVES: dict[tuple[StepState, str], StepState] = {
    (StepState.WAITING, "do"): StepState.DONE,
    (StepState.WAITING, "fail"): StepState.FAILED,
    (StepState.WAITING, "skip"): StepState.NOT_APPLICABLE,
    (StepState.FAILED, "do"): StepState.DONE,
    (StepState.FAILED, "fail"): StepState.FAILED,
    (StepState.FAILED, "skip"): StepState.NOT_APPLICABLE,
    (StepState.DONE, "verify"): StepState.VERIFIED,
    (StepState.DONE, "fail"): StepState.FAILED,
}

REGISTRATION_MOVES: dict[tuple[RegistrationState, str], RegistrationState] = {
    (RegistrationState.NOT_REQUIRED, "draft"): RegistrationState.DRAFT,
    (RegistrationState.DRAFT, "release"): RegistrationState.NOT_REQUIRED,
    (RegistrationState.DRAFT, "register"): RegistrationState.REGISTERED,
    (RegistrationState.REGISTERED, "register"): RegistrationState.REGISTERED,
    (RegistrationState.REGISTERED, "outdate"): RegistrationState.UPDATE_DUE,
    (RegistrationState.REGISTERED, "withdraw"): RegistrationState.WITHDRAWN,
    (RegistrationState.UPDATE_DUE, "register"): RegistrationState.REGISTERED,
    (RegistrationState.UPDATE_DUE, "withdraw"): RegistrationState.WITHDRAWN,
    (RegistrationState.WITHDRAWN, "draft"): RegistrationState.DRAFT,
}
# Steps that people take; what is registered becomes outdated by a retirement alone.
REGISTRATION_VERBS = ("draft", "release", "register", "withdraw")


def move_retirement(state: str, verb: str) -> RetirementState:
    """The state after `verb`.

    Raises:
        IllegalRetirementMove: the table has no such step.
    """
    return _moved(RETIREMENT_MOVES, "retirement", RetirementState(state), verb)


def move_step(state: str, verb: str) -> StepState:
    """The state of a clean-up step after `verb`.

    Raises:
        IllegalRetirementMove: the table has no such step.
    """
    return _moved(STEP_MOVES, "clean-up step", StepState(state), verb)


def move_registration(state: str, verb: str) -> RegistrationState:
    """The state of a registration after `verb`.

    Raises:
        IllegalRetirementMove: the table has no such step.
    """
    return _moved(REGISTRATION_MOVES, "registration", RegistrationState(state), verb)


def _moved(moves: Mapping[tuple[S, str], S], what: str, state: S, verb: str) -> S:
    found = moves.get((state, verb))
    if found is None:
        words = state.replace("_", " ")
        raise IllegalRetirementMove(f"A {what} that is {words} cannot be taken to {verb}.")
    return found

"""The life of a change request and the answers of clearance, as tables. Pure."""

from enum import StrEnum


class RequestKind(StrEnum):
    PROMOTE = "promote"
    ROLL_BACK = "roll_back"
    RETIRE = "retire"
    ARCHIVE = "archive"
    RESTORE = "restore"


# A change whose gates look at the champion is judged anew when there is another champion.
BESIDE_CHAMPION = frozenset({RequestKind.PROMOTE, RequestKind.ROLL_BACK, RequestKind.RETIRE})


class RequestState(StrEnum):
    OPEN = "open"
    APPROVED = "approved"
    EXECUTED = "executed"
    FAILED = "failed"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class ClearanceState(StrEnum):
    CLEARED = "cleared"
    CONDITIONAL = "conditional"
    SUSPENDED = "suspended"
    NOT_CLEARED = "not_cleared"


class GateMode(StrEnum):
    PREVENT = "prevent"
    WARN = "warn"
    INFORM = "inform"


class IllegalRequestMove(Exception):
    """The change request has no such step from there."""


REQUEST_MOVES: dict[tuple[RequestState, str], RequestState] = {
    (RequestState.OPEN, "approve"): RequestState.APPROVED,
    (RequestState.OPEN, "reject"): RequestState.REJECTED,
    (RequestState.OPEN, "withdraw"): RequestState.WITHDRAWN,
    (RequestState.APPROVED, "execute"): RequestState.EXECUTED,
    (RequestState.APPROVED, "fail"): RequestState.FAILED,
    (RequestState.FAILED, "execute"): RequestState.EXECUTED,
}


def move_request(state: str, verb: str) -> RequestState:
    """The state after `verb`.

    Raises:
        IllegalRequestMove: the table has no such step.
    """
    found = REQUEST_MOVES.get((RequestState(state), verb))
    if found is None:
        raise IllegalRequestMove(f"A change request that is {state} cannot be taken to {verb}.")
    return found

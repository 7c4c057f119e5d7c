"""The life of a change request and the answers of clearance, as tables. Pure."""

from enum import StrEnum


class RequestKind(StrEnum):
    PROMOTE = "promote"
    ROLL_BACK = "roll_back"
    RETIRE = "retire"
    ARCHIVE = "archive"
    RESTORE = "restore"
    REVALIDATE = "revalidate"


# A change whose gates look at the champion is judged anew when there is another champion.
BESIDE_CHAMPION = frozenset({RequestKind.PROMOTE, RequestKind.ROLL_BACK, RequestKind.RETIRE})


# Changes by which a version is approved to serve, if need be under conditions.
APPROVING = frozenset({RequestKind.PROMOTE, RequestKind.ROLL_BACK, RequestKind.REVALIDATE})


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


class ConditionState(StrEnum):
    """A condition lapses once; it ends when its approval is replaced or the version serves no
    longer."""

    IN_FORCE = "in_force"
    LAPSED = "lapsed"
    ENDED = "ended"


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


class FindingState(StrEnum):
    OPEN = "open"
    IN_PROGRESS = "in_progress"
    PROPOSED = "proposed"
    CLOSED = "closed"
    REOPENED = "reopened"


class WaiverState(StrEnum):
    ASKED = "asked"
    GRANTED = "granted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"


class IllegalFindingMove(Exception):
    """The finding has no such step from there."""


class IllegalWaiverMove(Exception):
    """The waiver has no such step from there."""


FINDING_MOVES: dict[tuple[FindingState, str], FindingState] = {
    (FindingState.OPEN, "start"): FindingState.IN_PROGRESS,
    (FindingState.REOPENED, "start"): FindingState.IN_PROGRESS,
    (FindingState.IN_PROGRESS, "propose"): FindingState.PROPOSED,
    (FindingState.PROPOSED, "close"): FindingState.CLOSED,
    (FindingState.PROPOSED, "send_back"): FindingState.IN_PROGRESS,
    (FindingState.CLOSED, "reopen"): FindingState.REOPENED,
}
FINDING_VERBS = tuple(sorted({verb for _, verb in FINDING_MOVES}))
# What counts as open: everything that nobody closed.
UNCLOSED = frozenset(FindingState) - {FindingState.CLOSED}

WAIVER_MOVES: dict[tuple[WaiverState, str], WaiverState] = {
    (WaiverState.ASKED, "grant"): WaiverState.GRANTED,
    (WaiverState.ASKED, "refuse"): WaiverState.REFUSED,
    (WaiverState.ASKED, "withdraw"): WaiverState.WITHDRAWN,
    (WaiverState.GRANTED, "withdraw"): WaiverState.WITHDRAWN,
    (WaiverState.GRANTED, "lapse"): WaiverState.LAPSED,
}
WAIVER_VERBS = tuple(sorted({verb for _, verb in WAIVER_MOVES}))


def move_finding(state: str, verb: str) -> FindingState:
    """The state after `verb`.

    Raises:
        IllegalFindingMove: the table has no such step; the message names those there are.
    """
    found = FINDING_MOVES.get((FindingState(state), verb))
    if found is None:
        possible = sorted(v for s, v in FINDING_MOVES if s == state)
        said = f"A finding that is {state.replace('_', ' ')} cannot be taken to {verb}"
        raise IllegalFindingMove(f"{said}; from here one can {', '.join(possible)}.")
    return found


def move_waiver(state: str, verb: str) -> WaiverState:
    """The state after `verb`.

    Raises:
        IllegalWaiverMove: the table has no such step.
    """
    found = WAIVER_MOVES.get((WaiverState(state), verb))
    if found is None:
        raise IllegalWaiverMove(f"A waiver that is {state} cannot be taken to {verb}.")
    return found

"""The life of an incident as a table. Pure."""

from enum import StrEnum


class IncidentState(StrEnum):
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class IllegalIncidentMove(Exception):
    """The incident has no such step from there."""


INCIDENT_MOVES: dict[tuple[IncidentState, str], IncidentState] = {
    (IncidentState.OPEN, "acknowledge"): IncidentState.ACKNOWLEDGED,
    (IncidentState.OPEN, "resolve"): IncidentState.RESOLVED,
    (IncidentState.ACKNOWLEDGED, "resolve"): IncidentState.RESOLVED,
}


def move_incident(state: str, verb: str) -> IncidentState:
    """The state after `verb`.

    Raises:
        IllegalIncidentMove: the table has no such step.
    """
    found = INCIDENT_MOVES.get((IncidentState(state), verb))
    if found is None:
        raise IllegalIncidentMove(f"An incident that is {state} cannot be {verb}d.")
    return found


class RolloutState(StrEnum):
    """How far the share of a challenger has come."""

    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    HALTED = "halted"
    FINISHED = "finished"


class IllegalRolloutMove(Exception):
    """The rollout has no such step from there."""


ROLLOUT_MOVES: dict[tuple[RolloutState, str], RolloutState] = {
    (RolloutState.RUNNING, "pause"): RolloutState.PAUSED,
    (RolloutState.PAUSED, "resume"): RolloutState.RUNNING,
    (RolloutState.RUNNING, "stop"): RolloutState.STOPPED,
    (RolloutState.PAUSED, "stop"): RolloutState.STOPPED,
    (RolloutState.RUNNING, "halt"): RolloutState.HALTED,
    (RolloutState.PAUSED, "halt"): RolloutState.HALTED,
    (RolloutState.RUNNING, "finish"): RolloutState.FINISHED,
    (RolloutState.PAUSED, "finish"): RolloutState.FINISHED,
}
ROLLOUT_GOES_ON = (RolloutState.RUNNING, RolloutState.PAUSED)


def move_rollout(state: str, verb: str) -> RolloutState:
    """The state after `verb`.

    Raises:
        IllegalRolloutMove: the table has no such step.
    """
    found = ROLLOUT_MOVES.get((RolloutState(state), verb))
    if found is None:
        raise IllegalRolloutMove(f"A rollout that is {state} has no step to {verb} it.")
    return found


class PolicyState(StrEnum):
    """Where one version of a retraining policy is."""

    DRAFT = "draft"
    ASKED = "asked"
    ON = "on"
    OFF = "off"


POLICY_MOVES: dict[tuple[PolicyState, str], PolicyState] = {
    (PolicyState.DRAFT, "ask"): PolicyState.ASKED,
    (PolicyState.DRAFT, "switch_on"): PolicyState.ON,
    (PolicyState.ASKED, "approve"): PolicyState.ON,
    (PolicyState.DRAFT, "switch_off"): PolicyState.OFF,
    (PolicyState.ASKED, "switch_off"): PolicyState.OFF,
    (PolicyState.ON, "switch_off"): PolicyState.OFF,
}


class RetrainingState(StrEnum):
    """Where a retraining is as a whole."""

    RUNNING = "running"
    FAILED = "failed"
    CANCELLED = "cancelled"
    DONE = "done"
    ROLLED_BACK = "rolled_back"


RETRAINING_MOVES: dict[tuple[RetrainingState, str], RetrainingState] = {
    (RetrainingState.RUNNING, "fail"): RetrainingState.FAILED,
    (RetrainingState.FAILED, "retry"): RetrainingState.RUNNING,
    (RetrainingState.RUNNING, "cancel"): RetrainingState.CANCELLED,
    (RetrainingState.FAILED, "cancel"): RetrainingState.CANCELLED,
    (RetrainingState.RUNNING, "finish"): RetrainingState.DONE,
    (RetrainingState.RUNNING, "roll_back"): RetrainingState.ROLLED_BACK,
}


class StepName(StrEnum):
    """The steps of a retraining, in their order."""

    COLLECT = "collect"
    VALIDATE = "validate"
    FEATURES = "features"
    TRAIN = "train"
    EVALUATE = "evaluate"
    REGISTER = "register"
    CHALLENGE = "challenge"
    REQUEST = "request"
    DEPLOY = "deploy"
    WATCH = "watch"


class StepState(StrEnum):
    """Where one step of a retraining is."""

    NEXT = "next"
    DUE = "due"
    RUNNING = "running"
    WAITING = "waiting"
    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"
    CANCELLED = "cancelled"


STEP_MOVES: dict[tuple[StepState, str], StepState] = {
    (StepState.NEXT, "enqueue"): StepState.DUE,
    (StepState.DUE, "start"): StepState.RUNNING,
    # A worker died in it: whoever takes the job over starts it again.
    (StepState.RUNNING, "start"): StepState.RUNNING,
    (StepState.WAITING, "start"): StepState.RUNNING,
    (StepState.RUNNING, "wait"): StepState.WAITING,
    (StepState.RUNNING, "finish"): StepState.DONE,
    (StepState.WAITING, "finish"): StepState.DONE,
    (StepState.RUNNING, "skip"): StepState.SKIPPED,
    (StepState.WAITING, "skip"): StepState.SKIPPED,
    (StepState.DUE, "fail"): StepState.FAILED,
    (StepState.RUNNING, "fail"): StepState.FAILED,
    (StepState.WAITING, "fail"): StepState.FAILED,
    (StepState.FAILED, "enqueue"): StepState.DUE,
    (StepState.NEXT, "cancel"): StepState.CANCELLED,
    (StepState.DUE, "cancel"): StepState.CANCELLED,
    (StepState.RUNNING, "cancel"): StepState.CANCELLED,
    (StepState.WAITING, "cancel"): StepState.CANCELLED,
    (StepState.FAILED, "cancel"): StepState.CANCELLED,
}


class IllegalRetrainingMove(Exception):
    """The policy, the retraining or its step has no such step from there."""


def move_policy(state: str, verb: str) -> PolicyState:
    found = POLICY_MOVES.get((PolicyState(state), verb))
    if found is None:
        raise IllegalRetrainingMove(f"A policy that is {state} has no step {_said(verb)}.")
    return found


def move_retraining(state: str, verb: str) -> RetrainingState:
    found = RETRAINING_MOVES.get((RetrainingState(state), verb))
    if found is None:
        raise IllegalRetrainingMove(f"A retraining that is {_said(state)} cannot {_said(verb)}.")
    return found


def move_step(state: str, verb: str) -> StepState:
    found = STEP_MOVES.get((StepState(state), verb))
    if found is None:
        raise IllegalRetrainingMove(f"A step that is {state} cannot {_said(verb)}.")
    return found


def _said(word: str) -> str:
    return word.replace("_", " ")

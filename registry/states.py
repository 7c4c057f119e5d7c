"""The life of a version as a table, and what roles a serving version may have. Pure."""

from enum import StrEnum


class Stage(StrEnum):
    CANDIDATE = "candidate"
    APPROVED = "approved"
    SERVING = "serving"
    RETIRED = "retired"
    ARCHIVED = "archived"
    PURGED = "purged"


class DeploymentRole(StrEnum):
    CHAMPION = "champion"
    CHALLENGER = "challenger"
    SHADOW = "shadow"


class DeviationKind(StrEnum):
    """How MLflow may be other than approved changes have made it."""

    ALIAS = "alias"
    TAG = "tag"
    VERSION_GONE = "version_gone"
    MODEL_GONE = "model_gone"
    MADE_ANEW = "made_anew"
    BYTES = "bytes"


# What setting aliases and tags again puts right; bytes and versions that are gone it cannot.
PUT_BACK_BY_A_PUSH = frozenset({DeviationKind.ALIAS, DeviationKind.TAG})


# From the least to the greatest risk.
RISK_ORDER = ("low", "medium", "high")


class ArchiveState(StrEnum):
    REQUESTED = "requested"
    SEALED = "sealed"
    FAILED = "failed"
    PURGING = "purging"
    PURGED = "purged"


MOVES: dict[tuple[Stage, str], Stage] = {
    (Stage.CANDIDATE, "approve"): Stage.APPROVED,
    (Stage.APPROVED, "deploy"): Stage.SERVING,
    (Stage.SERVING, "deploy"): Stage.SERVING,
    (Stage.SERVING, "undeploy"): Stage.APPROVED,
    (Stage.CANDIDATE, "retire"): Stage.RETIRED,
    (Stage.APPROVED, "retire"): Stage.RETIRED,
    (Stage.SERVING, "retire"): Stage.RETIRED,
    (Stage.RETIRED, "archive"): Stage.ARCHIVED,
    (Stage.ARCHIVED, "purge"): Stage.PURGED,
}
VERBS = sorted({verb for _, verb in MOVES})


class IllegalMove(Exception):
    """The life cycle has no such step from there."""


def move(stage: str, verb: str) -> Stage:
    """The stage after `verb`.

    Raises:
        IllegalMove: the table has no such step; the message names the steps there are.
    """
    found = MOVES.get((Stage(stage), verb))
    if found is None:
        possible = sorted(v for s, v in MOVES if s == stage) or ["nothing"]
        raise IllegalMove(
            f"A version that is {stage} cannot {verb}; from here one can {', '.join(possible)}."
        )
    return found

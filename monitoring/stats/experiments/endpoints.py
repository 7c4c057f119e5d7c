"""Endpoints: what an experiment compares, read from the counts of its two arms.

Definition
    An endpoint is a share (wrong answers, positive answers, failed requests) or a mean (squared
    error of the score, size of the error, business value). Both arms are read from merged profiles,
    so that an experiment of any length costs the same. Each endpoint has two answers: one for the
    planned end (`at_end`), and one that holds at every look (`any_look`); differences are
    challenger - champion.

    Rows count as independent. Where one unit brings many rows, the intervals are too narrow.

Example
    >>> judged(Finding("d", 0.02, 100, low=0.01, high=0.03), Better.LOWER)
    <Answer.WORSE: 'worse'>

Source
    The modules `arms` and `sequences`, with theirs.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from monitoring.stats.business import worth_of
from monitoring.stats.experiments.arms import Moments, two_proportions, welch
from monitoring.stats.experiments.sequences import difference_sequence, mean_difference_sequence
from monitoring.stats.findings import Finding, undefined
from monitoring.stats.performance import confusion_of
from monitoring.stats.performance.means import labelled
from monitoring.stats.profiles import Profile, categorical_view
from monitoring.stats.reference import Bins, Role, Task

CLASSES = frozenset({Task.BINARY, Task.MULTICLASS})
EVERY = frozenset(Task)


class Better(StrEnum):
    """Which direction is good."""

    HIGHER = "higher"
    LOWER = "lower"
    NEITHER = "neither"


class Answer(StrEnum):
    """What an interval of challenger - champion says."""

    BETTER = "better"
    WORSE = "worse"
    DIFFERENT = "different"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Share:
    """Rows of an arm, and how many of them it happened to."""

    hits: int
    n: int

    @property
    def mean(self) -> float | None:
        """The share; None without rows."""
        return self.hits / self.n if self.n else None


Arm = Share | Moments


@dataclass(frozen=True)
class Side:
    """What one version did in the time of an experiment: its bins and its merged counts."""

    bins: Bins
    profile: Profile


@dataclass(frozen=True)
class Endpoint:
    """What is compared, for which tasks, and which direction is good."""

    name: str
    words: str
    unit: str
    better: Better
    tasks: frozenset[Task]
    read: Callable[[Side], Arm]
    with_outcome: bool = False


@dataclass(frozen=True)
class Compared:
    """One endpoint in both arms."""

    champion: Arm
    challenger: Arm
    at_end: Finding
    any_look: Finding


def endpoints_of(task: Task) -> dict[str, Endpoint]:
    """Return the endpoints that models of a task have, by name."""
    return {one.name: one for one in ENDPOINTS if task in one.tasks}


def compared(
    endpoint: Endpoint,
    champion: Side,
    challenger: Side,
    *,
    planned: int,
    confidence: float,
) -> Compared:
    """Compare one endpoint; `planned` rows of both arms together set where means are tightest."""
    usual, new = endpoint.read(champion), endpoint.read(challenger)
    if isinstance(usual, Share) and isinstance(new, Share):
        sides = (new.hits, new.n, usual.hits, usual.n)
        end = two_proportions(*sides, confidence=confidence)
        return Compared(usual, new, end, difference_sequence(*sides, confidence=confidence))
    if isinstance(usual, Moments) and isinstance(new, Moments):
        end = welch(new, usual, confidence=confidence)
        looks = mean_difference_sequence(new, usual, planned=planned, confidence=confidence)
        return Compared(usual, new, end, looks)
    none = undefined(endpoint.name, n=0, reason="the two arms do not measure the same")
    return Compared(usual, new, none, none)


def judged(found: Finding, better: Better) -> Answer:
    """Return what the interval of a difference says."""
    if found.low is None or found.high is None or found.low <= 0 <= found.high:
        return Answer.UNDECIDED
    if better is Better.NEITHER:
        return Answer.DIFFERENT
    return Answer.BETTER if (found.low > 0) == (better is Better.HIGHER) else Answer.WORSE


def _wrong(side: Side) -> Share:
    table = confusion_of(side.bins, side.profile)
    n = int(table.sum())
    return Share(n - int(np.trace(table)), n)


def _positive(side: Side) -> Share:
    """Answers of the positive class, the last one of a binary model."""
    name = side.bins.schema.name_of(Role.PREDICTION)
    if not name or name not in side.bins.categorical or not side.bins.schema.classes:
        return Share(0, 0)
    seen = categorical_view(side.bins, side.profile, name)
    tallies: Mapping[str, int] = dict(zip(seen.values, seen.counts.tolist(), strict=True))
    return Share(tallies.get(side.bins.schema.classes[-1], 0), seen.rows - seen.missing)


def _failed(side: Side) -> Share:
    return Share(side.profile.errors, side.profile.rows)


def _error_size(side: Side) -> Moments:
    if not side.profile.labelled_rows:
        return Moments(0, 0.0, 0.0)
    absolute, squares = labelled(side.profile, "absolute"), labelled(side.profile, "squared")
    return Moments(side.profile.labelled_rows, absolute, squares)


def _brier(side: Side) -> Moments:
    """Of models that score: the mean is the Brier score."""
    scored = side.profile.counts.get("score")
    if scored is None or not scored.any():
        return Moments(0, 0.0, 0.0)
    total, squares = labelled(side.profile, "brier"), labelled(side.profile, "brier^2")
    return Moments(int(scored.sum()), total, squares)


def _value(side: Side) -> Moments:
    worth = worth_of(side.profile)
    if worth is None:
        return Moments(0, 0.0, 0.0)
    spread = worth.error**2 * worth.n * max(worth.n - 1, 0)
    return Moments(worth.n, 0.0, spread, centre=worth.mean)


ENDPOINTS = (
    Endpoint(
        "error_rate", "Wrong answers", "share", Better.LOWER, CLASSES, _wrong, with_outcome=True
    ),
    Endpoint(
        "brier",
        "Squared error of the score",
        "",
        Better.LOWER,
        frozenset({Task.BINARY}),
        _brier,
        with_outcome=True,
    ),
    Endpoint(
        "absolute_error",
        "Size of the error",
        "answer",
        Better.LOWER,
        frozenset({Task.REGRESSION}),
        _error_size,
        with_outcome=True,
    ),
    Endpoint("value", "Value per decision", "value", Better.HIGHER, EVERY, _value),
    Endpoint(
        "positive_rate",
        "Positive answers",
        "share",
        Better.NEITHER,
        frozenset({Task.BINARY}),
        _positive,
    ),
    Endpoint("request_errors", "Failed requests", "share", Better.LOWER, EVERY, _failed),
)

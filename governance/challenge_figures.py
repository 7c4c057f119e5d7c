"""Effective challenge of a team, from its decisions and what was opened before them. Pure.

Figures are of a team, never of a person; where one could be guessed from them, they are not shown.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import quantiles
from typing import Any

from governance.trials import share

LEAST_DECISIONS = 5
LEAST_PEOPLE = 3
FEW_DECISIONS = f"Fewer than {LEAST_DECISIONS} decisions: nothing is shown."
FEW_PEOPLE = f"Decided by fewer than {LEAST_PEOPLE} people: figures would be those of a person."


@dataclass(frozen=True)
class Decided:
    """One signature: on what, by whom, when, and what its person had opened by then."""

    request: int
    person: int
    approves: bool
    submitted_at: datetime
    signed_at: datetime
    opened: Mapping[str, datetime]


@dataclass(frozen=True)
class Changes:
    """What became of the changes that were carried out: overturned, of those old enough."""

    old_enough: int
    overturned: int
    too_recent: int


@dataclass(frozen=True)
class Spread:
    """A length of time over several decisions, in hours: the middle and the middle half."""

    n: int
    low: float | None
    median: float | None
    high: float | None


@dataclass(frozen=True)
class Figures:
    """Everything that is said of a team."""

    decisions: int
    requests: int
    rejected: dict[str, Any]
    unopened: dict[str, Any]
    only_request: dict[str, Any]
    opened: dict[str, dict[str, Any]]
    from_submission: Spread
    from_opening: Spread
    changes_asked: dict[str, Any]
    overturned: dict[str, Any]
    too_recent: int


def hidden_because(decisions: Sequence[Decided]) -> str:
    """Why nothing is shown, in a sentence; empty if the figures are shown."""
    if len(decisions) < LEAST_DECISIONS:
        return FEW_DECISIONS
    return FEW_PEOPLE if len({one.person for one in decisions}) < LEAST_PEOPLE else ""


def figures_of(
    decisions: Sequence[Decided], *, asked: Collection[int], changes: Changes, kinds: Sequence[str]
) -> Figures:
    """The figures; `asked` are requests that somebody who signs wanted changed."""
    total, requests = len(decisions), {one.request for one in decisions}
    return Figures(
        decisions=total,
        requests=len(requests),
        rejected=share(sum(not one.approves for one in decisions), total),
        unopened=share(sum(not one.opened for one in decisions), total),
        only_request=share(sum(set(one.opened) == {"request"} for one in decisions), total),
        opened={kind: share(sum(kind in one.opened for one in decisions), total) for kind in kinds},
        from_submission=_spread([one.signed_at - one.submitted_at for one in decisions]),
        from_opening=_spread(
            [one.signed_at - min(one.opened.values()) for one in decisions if one.opened]
        ),
        changes_asked=share(len(requests & set(asked)), len(requests)),
        overturned=share(changes.overturned, changes.old_enough),
        too_recent=changes.too_recent,
    )


def _spread(lengths: Sequence[timedelta]) -> Spread:
    """Quartiles; of fewer than five lengths none, as one of them could be somebody's."""
    hours = [one / timedelta(hours=1) for one in lengths]
    if len(hours) < LEAST_DECISIONS:
        return Spread(len(hours), None, None, None)
    return Spread(len(hours), *quantiles(hours, n=4, method="inclusive"))

"""A stored explanation computed again: the same digest, or what has changed since."""

from dataclasses import dataclass

from monitoring.jobs.explaining import errands, importances, local
from monitoring.models import Explanation, ExplanationState, Importance


@dataclass(frozen=True)
class Again:
    """The digest as it was stored and as it is now."""

    stored: str
    now: str

    @property
    def same(self) -> bool:
        return self.stored == self.now


def explanation_again(row: Explanation) -> Again:
    """Compute an explanation once more, writing nothing.

    Raises:
        NotExplained: its row or its version's files are not there as they were.
    """
    if row.state not in {ExplanationState.DONE, ExplanationState.FAILED}:
        raise errands.NotExplained("Nothing of it is stored that could be compared.")
    told = local.computed(row.version, [row])[0]
    if told.answer is None:
        raise errands.NotExplained(told.reason)
    return Again(row.digest, local.digest_of(told))


def importance_again(row: Importance) -> Again:
    """Compute an importance once more, writing nothing."""
    if not row.digest:
        raise errands.NotExplained("Nothing of it is stored that could be compared.")
    answer = importances.computed(row, errands.seed_of(row.version))
    return Again(row.digest, errands.digest_of(answer))

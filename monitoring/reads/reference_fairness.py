"""Gaps between groups of people on a version's reference: known before it has answered anybody."""

from functools import lru_cache

from monitoring.reads.baselines import Baseline, baseline_of
from monitoring.stats.fairness import fairness
from monitoring.stats.findings import Finding

ByMeasure = dict[tuple[str, str], Finding]


def reference_fairness(version_id: int) -> ByMeasure:
    """Every gap by (measure, field) on the counted reference; empty where there is none.

    One query, or two the first time; the numbers of a reference never change.
    """
    baseline = baseline_of(version_id)
    return {} if baseline is None else _computed(_Kept(version_id, baseline))


class _Kept:
    """A baseline as a key of the cache: two are the same if their reference is."""

    def __init__(self, version_id: int, baseline: Baseline) -> None:
        self.key = (version_id, baseline.digest)
        self.baseline = baseline

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Kept) and self.key == other.key


@lru_cache(maxsize=64)
def _computed(kept: _Kept) -> ByMeasure:
    bins, profile = kept.baseline.bins, kept.baseline.profile
    every = [*((name,) for name in bins.schema.group_names), *bins.schema.pairs]
    return {
        (measure, " and ".join(names)): finding
        for names in every
        for measure, finding in fairness(bins, profile, *names).items()
    }

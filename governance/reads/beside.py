"""Two versions side by side as they were recorded: how each was made, what its answers rest on,
and the digests that a signature stands on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.text import capfirst

from governance.facts import Fact, lineage_of
from governance.numbers import RECORDED
from governance.reads.card_facts import latest_revision
from governance.reads.numbers import numbers_of
from monitoring.models import ExperimentLook
from monitoring.reads.explanations import rests_on
from registry.models import Reference, Schema, Version

METRICS = "Metrics recorded by the run"
FEATURES = 12


@dataclass(frozen=True)
class Pair:
    """One fact of both versions; None: not recorded of that one."""

    label: str
    champion: Fact | None
    challenger: Fact | None

    @property
    def differs(self) -> bool:
        return bool(_value(self.champion) != _value(self.challenger))


@dataclass(frozen=True)
class PairGroup:
    """Facts of one sort: those that differ, and how many are the same."""

    title: str
    pairs: tuple[Pair, ...]
    same: int


@dataclass(frozen=True)
class FeatureShare:
    """What share of all parts one feature has in either version's answers; None: not computed."""

    feature: str
    champion: float | None
    challenger: float | None


def made(champion: Version, challenger: Version) -> tuple[PairGroup, ...]:
    """How both were made, group by group, with what differs. Numbers are called as people call
    them; groups in which nothing is recorded are left out."""
    sides = [_groups(version) for version in (champion, challenger)]
    titles = dict.fromkeys([*sides[0], *sides[1]])
    return tuple(_group(title, *(side.get(title, ()) for side in sides)) for title in titles)


def rest_on(user: Any, champion: Version, challenger: Version) -> tuple[FeatureShare, ...]:
    """The features on which the answers of either rest most, the new version's order first."""
    usual, new = (_shares(user, one) for one in (champion, challenger))
    names = sorted({*usual, *new}, key=lambda one: (-new.get(one, 0.0), -usual.get(one, 0.0), one))
    return tuple(FeatureShare(name, usual.get(name), new.get(name)) for name in names[:FEATURES])


def evidence(
    champion: Version, challenger: Version, look: ExperimentLook | None
) -> tuple[Pair, ...]:
    """Digests of what a reviewer has before them; the look's profiles are those that it read."""
    seen = look.state.get("profiles") if look else None
    profiles = dict(zip((champion.pk, challenger.pk), seen or (), strict=False))
    rows = {one.pk: _digests(one, profiles.get(one.pk)) for one in (champion, challenger)}
    labels = rows[champion.pk]
    pairs = (
        Pair(label, _digest(label, labels[label]), _digest(label, rows[challenger.pk][label]))
        for label in labels
    )
    return tuple(pair for pair in pairs if pair.champion or pair.challenger)


def _groups(version: Version) -> dict[str, tuple[Fact, ...]]:
    found = {one.title: one.facts for one in lineage_of(version.lineage) if one.title != METRICS}
    recorded = [one for one in numbers_of([version.pk])[version.pk] if one.source == RECORDED]
    if recorded:
        found[METRICS] = tuple(Fact(capfirst(one.label), one.value, "number") for one in recorded)
    return found


def _group(title: str, champion: Sequence[Fact], challenger: Sequence[Fact]) -> PairGroup:
    usual = {one.label: one for one in champion}
    new = {one.label: one for one in challenger}
    pairs = [Pair(name, usual.get(name), new.get(name)) for name in dict.fromkeys([*usual, *new])]
    different = tuple(pair for pair in pairs if pair.differs)
    return PairGroup(title, different, len(pairs) - len(different))


def _value(fact: Fact | None) -> Any:
    return fact.value if fact else None


def _shares(user: Any, version: Version) -> Mapping[str, float]:
    found = rests_on(user, version.pk)
    weights = found.weights if found is not None and found.state == "done" else ()
    total = sum(one.size for one in weights)
    return {one.feature: one.size / total for one in weights} if total else {}


def _digests(version: Version, profile: str | None) -> dict[str, str]:
    card = latest_revision(version.pk)
    schema = Schema.objects.filter(version=version).values_list("digest", flat=True).first()
    reference = Reference.objects.filter(version=version).values_list("digest", flat=True).first()
    return {
        "Files of the model": version.artifact_digest,
        "Card, newest revision": card.digest if card else "",
        "Schema": schema or "",
        "Reference": reference or "",
        "Counts that the newest look read": profile or "",
    }


def _digest(label: str, value: str) -> Fact | None:
    return Fact(label, value, "digest") if value else None

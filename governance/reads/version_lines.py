"""What a table of versions shows beside the registry's facts: card and health."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field

from governance.card_fields import Completeness, completeness
from governance.models import CardRevision
from governance.reads.overview import HealthCell
from monitoring.models import Health


@dataclass(frozen=True)
class VersionState:
    """How complete the card is (None: there is no card yet), and health by monitor kind."""

    card: Completeness | None = None
    revision: int = 0
    health: dict[str, HealthCell] = field(default_factory=dict)


def states_of(version_ids: Collection[int]) -> dict[int, VersionState]:
    """Card and health of these versions. Two queries for any number."""
    health: dict[int, dict[str, HealthCell]] = defaultdict(dict)
    for row in Health.objects.filter(version__in=version_ids).order_by("kind"):
        cell = HealthCell(row.kind, row.verdict, row.as_of, row.summary)
        health[row.version_id][row.kind] = cell
    cards = _cards(version_ids)
    return {
        version_id: VersionState(
            card=cards[version_id][0] if version_id in cards else None,
            revision=cards[version_id][1] if version_id in cards else 0,
            health=health[version_id],
        )
        for version_id in version_ids
    }


def _cards(version_ids: Collection[int]) -> dict[int, tuple[Completeness, int]]:
    rows = (
        CardRevision.objects.filter(card__version__in=version_ids)
        .order_by("card__version_id", "-number")
        .distinct("card__version_id")
        .values_list("card__version_id", "sections", "number")
    )
    return {version_id: (completeness(sections), number) for version_id, sections, number in rows}

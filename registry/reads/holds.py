"""Which legal holds touch a model: for pages, for purging and for erasure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from registry.models.keeping import LegalHold


@dataclass(frozen=True)
class HoldRow:
    """One hold, as pages and refusals tell it; `lifted_at` is None while it lasts."""

    id: int
    model_id: int
    case: str
    reason: str
    placed_by: str
    placed_at: datetime
    lifted_by: str
    lifted_at: datetime | None
    lifted_because: str


def holds_on(model_id: int) -> list[HoldRow]:
    """The holds in force on a model, whoever asks: a hold wins over purge and erasure."""
    return rows_of(_people().lasting().filter(model_id=model_id))


def told(hold: HoldRow) -> str:
    """A hold in force as refusals and notices name it."""
    return f"{hold.case}, placed by {hold.placed_by} on {hold.placed_at:%-d %b %Y}: {hold.reason}"


def held_by(model_id: int) -> str:
    """The names of the cases that hold a model, for a refusal; empty where none does."""
    return ", ".join(hold.case for hold in holds_on(model_id))


def holds_for(user: Any, model_id: int) -> list[HoldRow]:
    """Every hold that there is or was on a model that the user may see, the latest first."""
    return rows_of(_people().visible_to(user).filter(model_id=model_id))


def rows_of(holds: Sequence[LegalHold] | Any) -> list[HoldRow]:
    return [
        HoldRow(
            id=hold.pk,
            model_id=hold.model_id,
            case=hold.case,
            reason=hold.reason,
            placed_by=hold.placed_by.name,
            placed_at=hold.placed_at,
            lifted_by=hold.lifted_by.name if hold.lifted_by else "",
            lifted_at=hold.lifted_at,
            lifted_because=hold.lifted_because,
        )
        for hold in holds
    ]


def _people() -> Any:
    return LegalHold.objects.select_related("placed_by", "lifted_by")

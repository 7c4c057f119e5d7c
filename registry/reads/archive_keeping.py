"""How long archives are kept, what that costs, what holds them, and how the last drill went."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from registry.models import Archive, LegalHold, Purge, RestoreDrill
from registry.reads.retention import kept_until, monthly_cost, rule_in_force
from registry.states import ArchiveState


@dataclass(frozen=True)
class Keeping:
    """What is told of one archive beside what is in it."""

    kept_until: date | None
    locked_until: date | None
    monthly_cost: Decimal
    holds: tuple[str, ...]
    drill_state: str
    drilled_at: datetime | None
    purge: int | None


def keeping_of(archives: Sequence[Archive]) -> dict[int, Keeping]:
    """By the archive's id. Four queries, however many archives."""
    rule, held, drilled = rule_in_force(), _held(archives), _drilled(archives)
    # In order, so that the latest of each archive stays.
    purges = Purge.objects.filter(archive__in=archives).order_by("pk").values_list("archive", "pk")
    latest = dict(purges)
    found = {}
    for one in archives:
        state, at = drilled.get(one.pk, ("", None))
        found[one.pk] = Keeping(
            kept_until=kept_until(one, rule),
            locked_until=one.locked_until,
            monthly_cost=monthly_cost(0 if one.state == ArchiveState.PURGED else one.size),
            holds=tuple(held.get(one.version.model_id, [])),
            drill_state=state,
            drilled_at=at,
            purge=latest.get(one.pk),
        )
    return found


def _held(archives: Sequence[Archive]) -> dict[int, list[str]]:
    """The cases that hold a model, by the model's id."""
    models = {one.version.model_id for one in archives}
    found: dict[int, list[str]] = {}
    rows = LegalHold.objects.lasting().filter(model__in=models).order_by("pk")
    for model, case in rows.values_list("model", "case"):
        found.setdefault(model, []).append(case)
    return found


def _drilled(archives: Sequence[Archive]) -> dict[int, tuple[str, datetime | None]]:
    """State and time of the latest drill, by the archive's id."""
    rows = RestoreDrill.objects.filter(archive__in=archives).order_by("archive", "-pk")
    latest = rows.distinct("archive").values_list("archive", "state", "finished_at")
    return {archive: (state, at) for archive, state, at in latest}

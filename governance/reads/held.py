"""Who waits for a legal hold: the erasures and purges of a model that it stops."""

from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from monitoring.models import Erasure
from registry.models import Model, Purge

WAITING = ("asked", "checked", "waiting")


@dataclass(frozen=True)
class Conflict:
    """Something that a hold stops: what it is, where it is, since when it waits."""

    label: str
    url: str
    state: str
    due: Any


def conflicts_of(user: Any, model: Model) -> list[Conflict]:
    """What was asked for and cannot be done while a hold lasts. Two queries."""
    erasures = Erasure.objects.visible_to(user).filter(model=model, state__in=WAITING)
    purges = Purge.objects.visible_to(user).running().filter(archive__version__model=model)
    found = [
        Conflict(f"Erasure E-{row.pk}: {row.reference}", _at("erasure", row), row.state, row.due_on)
        for row in erasures.defer("selection", "found").order_by("due_on", "pk")
    ]
    return found + [
        Conflict(f"Purge of version {row.archive.version.number}", _at("purge", row), row.state, "")
        for row in purges.select_related("archive__version").order_by("pk")
    ]


def _at(route: str, row: Any) -> str:
    return reverse(route, args=[row.pk])

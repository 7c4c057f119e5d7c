"""The list of models: filtered, page by page."""

from dataclasses import dataclass
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Count, Q

from accounts.models import Team
from governance.models import StatusRow
from governance.reads.overview import ModelLine, model_line
from governance.reads.status import DEFAULT_ENVIRONMENT
from registry.models import Model

PAGE_SIZE = 25


@dataclass(frozen=True)
class CatalogueLine:
    """A model with what the list shows beside its status."""

    line: ModelLine
    purpose: str
    owner: str
    versions: int


@dataclass(frozen=True)
class Catalogue:
    """One page of the models that match, and the teams to filter by."""

    lines: tuple[CatalogueLine, ...]
    teams: tuple[tuple[str, str], ...]
    total: int
    page: int
    pages: int


def catalogue(
    user: Any, *, search: str = "", team: str = "", tier: str = "", page: int = 1
) -> Catalogue:
    """Models by name that match every filter. Four queries, whatever there is."""
    found = _matching(user, search.replace("\0", "").strip()[:100], team, tier)
    shown = Paginator(found, PAGE_SIZE).get_page(page)
    models = list(shown.object_list)
    rows = StatusRow.objects.filter(model__in=models, environment=DEFAULT_ENVIRONMENT)
    prepared = {row.model_id: row.answer for row in rows.latest_rows()}
    return Catalogue(
        lines=tuple(_line(model, prepared.get(model.pk)) for model in models),
        teams=_teams(user),
        total=shown.paginator.count,
        page=shown.number,
        pages=shown.paginator.num_pages,
    )


def _matching(user: Any, search: str, team: str, tier: str) -> Any:
    found = Model.objects.visible_to(user)
    if search:
        inside = Q(name__icontains=search) | Q(slug__icontains=search)
        found = found.filter(
            inside | Q(purpose__icontains=search) | Q(owner__name__icontains=search)
        )
    if team:
        found = found.filter(team__slug=team.replace("\0", ""))
    if tier:
        found = found.filter(risk_tier=tier.replace("\0", ""))
    counted = found.annotate(number_of_versions=Count("versions"))
    return counted.select_related("team", "owner").order_by("name", "pk")


def _line(model: Any, answer: dict[str, Any] | None) -> CatalogueLine:
    return CatalogueLine(
        line=model_line(model, answer),
        purpose=model.purpose,
        owner=model.owner.name,
        versions=model.number_of_versions,
    )


def _teams(user: Any) -> tuple[tuple[str, str], ...]:
    """Teams that have a model which the user may see."""
    owning = Model.objects.visible_to(user).order_by().values("team_id")
    return tuple(Team.objects.filter(pk__in=owning).order_by("name").values_list("slug", "name"))

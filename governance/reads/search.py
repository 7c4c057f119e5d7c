"""Search over everything that a person may see: a fixed number of queries, each with a limit."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.postgres.search import SearchQuery, SearchVector
from django.db.models import Q, QuerySet

from accounts.models import Team
from governance.reads.search_kinds import BY_NAME, KINDS, Hit, Kind
from registry.models import Model

PAGE = 25
LAST_PAGE = 40
COUNTED = 1000
PREVIEW = 3
UTC = ZoneInfo("UTC")
NUMBERED = re.compile(r"^(CR|F|W|A|PC)-([1-9][0-9]{0,17})$", re.IGNORECASE)


@dataclass(frozen=True)
class Asked:
    """What is looked for; empty parts do not narrow."""

    words: str = ""
    kind: str = ""
    person: str = ""
    team: str = ""
    model: str = ""
    since: date | None = None
    until: date | None = None
    page: int = 1

    def __bool__(self) -> bool:
        parts = (self.words, self.kind, self.person, self.team, self.model)
        return any(parts) or self.since is not None or self.until is not None


@dataclass(frozen=True)
class Facet:
    """How many of one kind there are; counting ends at a thousand."""

    kind: str
    label: str
    icon: str
    count: int
    more: bool


@dataclass(frozen=True)
class Results:
    """One page of one kind, or the newest of each kind."""

    facets: tuple[Facet, ...]
    hits: tuple[Hit, ...]
    page: int
    following: int | None
    total: int

    @property
    def capped(self) -> bool:
        """Whether more are there than pages show: narrow the search."""
        return self.page == LAST_PAGE and self.following is None and self.total > LAST_PAGE * PAGE


def search(user: Any, asked: Asked) -> Results:
    """What matches every part. At most 2 + 2 × the kinds' number of queries, all with a limit."""
    scope = _scope(user, asked)
    if scope is None or not asked:
        return Results((), (), 1, None, 0)
    found = {kind.name: matching(user, kind, asked, scope) for kind in KINDS}
    facets = tuple(_facet(kind, found[kind.name]) for kind in KINDS)
    total = sum(facet.count for facet in facets)
    if asked.kind not in BY_NAME:
        counted = {facet.kind: facet.count for facet in facets}
        preview = [
            kind.hit(row)
            for kind in KINDS
            if counted[kind.name]
            for row in _newest(kind, found[kind.name])[:PREVIEW]
        ]
        return Results(facets, tuple(preview), 1, None, total)
    return _page(BY_NAME[asked.kind], found[asked.kind], asked.page, facets)


def choices(user: Any) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Teams and models to narrow by: those the person may see. Two queries."""
    models = Model.objects.visible_to(user)
    teams = Team.objects.filter(pk__in=models.order_by().values("team_id")).order_by("name")
    return (
        list(teams.values_list("slug", "name")[:COUNTED]),
        list(models.order_by("name").values_list("slug", "name")[:COUNTED]),
    )


def _page(kind: Kind, rows: QuerySet[Any], page: int, facets: tuple[Facet, ...]) -> Results:
    number = min(max(page, 1), LAST_PAGE)
    first = (number - 1) * PAGE
    found = list(_newest(kind, rows)[first : first + PAGE + 1])
    following = number + 1 if len(found) > PAGE and number < LAST_PAGE else None
    total = next(facet.count for facet in facets if facet.kind == kind.name)
    return Results(facets, tuple(kind.hit(row) for row in found[:PAGE]), number, following, total)


def _newest(kind: Kind, rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows.order_by(f"-{kind.at}", "-pk")


def _facet(kind: Kind, rows: QuerySet[Any]) -> Facet:
    count = rows.order_by()[: COUNTED + 1].count()
    return Facet(kind.name, kind.label, kind.icon, min(count, COUNTED), count > COUNTED)


def _scope(user: Any, asked: Asked) -> Mapping[str, Any] | None:
    """The team and model to narrow to; None where one is named that the person may not see."""
    models = Model.objects.visible_to(user)
    scope: dict[str, Any] = {}
    if asked.model:
        scope["model"] = models.filter(slug=asked.model).first()
    if asked.team:
        mine = Q(pk__in=models.order_by().values("team_id"))
        scope["team"] = Team.objects.filter(mine, slug=asked.team).first()
    return None if None in scope.values() else scope


def matching(user: Any, kind: Kind, asked: Asked, scope: Mapping[str, Any]) -> QuerySet[Any]:
    """Rows of one kind that match every part."""
    rows = kind.rows(user)
    if asked.words:
        rows = _said(kind, rows, asked.words)
    if asked.person:
        people = Q(pk__in=[])
        for path in kind.people:
            people |= Q(**{f"{path}__icontains": asked.person})
        rows = rows.filter(people)
    rows = _dated(kind, rows, asked)
    for part, path in (("team", kind.team), ("model", kind.model)):
        if part in scope:
            rows = _within(rows, part, path, scope[part], kind)
    return rows


def _within(rows: QuerySet[Any], part: str, path: str, thing: Any, kind: Kind) -> QuerySet[Any]:
    """Rows of the team or model; events tell their model by the names they begin with."""
    if path:
        return rows.filter(**{path: thing.pk})
    if kind.name == "event" and part == "model":
        return rows.filter(team_id=thing.team_id, subject_name__icontains=thing.name)
    return rows.none()


def _dated(kind: Kind, rows: QuerySet[Any], asked: Asked) -> QuerySet[Any]:
    if asked.since:
        rows = rows.filter(**{f"{kind.at}__gte": _midnight(asked.since)})
    if asked.until and asked.until < date.max:
        rows = rows.filter(**{f"{kind.at}__lt": _midnight(asked.until) + timedelta(days=1)})
    return rows


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)


def _said(kind: Kind, rows: QuerySet[Any], words: str) -> QuerySet[Any]:
    """Rows whose names contain the letters, whose text has the words, or of that number."""
    wanted = Q(pk__in=[])
    for path in kind.letters:
        wanted |= Q(**{f"{path}__icontains": words})
    numbered = NUMBERED.match(words)
    if numbered and kind.number == numbered[1].upper():
        wanted |= Q(pk=int(numbered[2]))
    if kind.words:
        query = SearchQuery(words, config=kind.language, search_type="websearch")
        rows = rows.annotate(said=SearchVector(*kind.words, config=kind.language))
        wanted |= Q(said=query)
    return rows.filter(wanted)

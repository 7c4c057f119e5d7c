"""Recommendations as pages and the API show them, and what people did afterwards."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Prefetch, Q, QuerySet
from django.urls import reverse
from django.utils import timezone

from accounts.models import Membership
from governance.models import NotFollowed, Recommendation, RecommendationLook
from governance.policies import BUILDERS, can_answer_recommendation
from governance.reads.afterwards import Act, Afterwards, Agreement, Fate, afterwards, agreement
from governance.recommendation_facts import BY_NAME
from governance.recommendation_rules import Recommended
from registry.models import Model

MOST = 500
RELATED = ("version__model__team", "version__model__owner", "table")


@dataclass(frozen=True)
class Link:
    """A row that is named as a reason, with its page."""

    label: str
    url: str
    kind: str


@dataclass(frozen=True)
class Ground:
    """One fact by which the rule is met, in words, with what was measured."""

    fact: str
    said: str
    links: tuple[Link, ...]


@dataclass(frozen=True)
class RecommendationLine:
    """One recommendation with its grounds, what is missing, and what followed."""

    row: Recommendation
    grounds: tuple[Ground, ...]
    unknown: tuple[str, ...]
    unwatched: tuple[str, ...]
    after: Afterwards
    acts: tuple[Link, ...]
    notes: tuple[NotFollowed, ...]
    now: bool
    can_answer: bool

    @property
    def words(self) -> str:
        return str(self.row.get_recommend_display())

    @property
    def team(self) -> str:
        return self.row.version.model.team.name

    @property
    def wanting(self) -> str:
        """What there is too little data about, in a sentence; empty if it is enough."""
        if self.row.enough:
            return ""
        parts = [("too little data about", self.unknown), ("nobody watches", self.unwatched)]
        told = [f"{words} {', '.join(names)}" for words, names in parts if names]
        return f"Not enough data to say more: {'; '.join(told)}."


@dataclass(frozen=True)
class RecommendationsPage:
    """Every recommendation that a person may see, and how often they were followed."""

    lines: tuple[RecommendationLine, ...]
    by_rule: tuple[Agreement, ...]
    by_team: tuple[Agreement, ...]
    counts: Mapping[str, int]
    total: int


def recommendations_of(
    user: Any, model: Model, *, at: datetime | None = None
) -> list[RecommendationLine]:
    """What is or was recommended for a model's versions, the newest first. Nine queries."""
    rows = Recommendation.objects.visible_to(user).filter(version__model=model)
    return lines_of(user, rows if at is None else rows.at(at))


def standing(
    user: Any, model_id: int, *, version_id: int | None = None
) -> list[RecommendationLine]:
    """What is recommended now for the versions of a model that serve. Nine queries."""
    looks = RecommendationLook.objects.filter(version__model=model_id)
    if version_id is not None:
        looks = looks.filter(version=version_id)
    rows = Recommendation.objects.visible_to(user).filter(pk__in=looks.values("latest"))
    return lines_of(user, rows)


def to_consider(person: Any) -> list[RecommendationLine]:
    """Steps recommended now for models that the person owns or builds, that nobody has answered.

    Nine queries.
    """
    looks = RecommendationLook.objects.exclude(latest__recommend=Recommended.KEEP)
    mine = Q(version__model__owner=person) | Q(version__model__team__in=_builds(person))
    rows = Recommendation.objects.visible_to(person).filter(mine, pk__in=looks.values("latest"))
    lines = lines_of(person, rows)
    return [one for one in lines if one.can_answer and not _answered(one)]


def _builds(person: Any) -> QuerySet[Membership]:
    held = Membership.objects.filter(user=person, role__in=BUILDERS, team__isnull=False)
    return held.values("team")  # type: ignore[return-value]  # ids, for a subquery


def _answered(line: RecommendationLine) -> bool:
    return bool(line.notes) or line.after.fate == Fate.FOLLOWED


def recommendations_page(user: Any, chosen: Mapping[str, str]) -> RecommendationsPage:
    """The newest recommendations by filter, and how often they were followed. Nine queries."""
    rows = Recommendation.objects.visible_to(user).filter(opens=True)
    fields = {"model": "version__model__slug", "team": "version__model__team__slug"}
    fields |= {"recommend": "recommend", "rule": "rule"}
    wanted = {fields[name]: value for name, value in chosen.items() if name in fields and value}
    lines = lines_of(user, rows.filter(**wanted))
    if chosen.get("fate"):
        lines = [line for line in lines if line.after.fate == chosen["fate"]]
    if chosen.get("now"):
        lines = [line for line in lines if line.now]
    return RecommendationsPage(
        lines=tuple(lines),
        by_rule=tuple(agreement((one.row.rule, one.after.fate) for one in lines)),
        by_team=tuple(agreement((one.team, one.after.fate) for one in lines)),
        counts=Counter(one.row.recommend for one in lines if one.now),
        total=len(lines),
    )


def lines_of(user: Any, rows: QuerySet[Recommendation]) -> list[RecommendationLine]:
    """Recommendations as lines, at most 500. Nine queries."""
    notes = Prefetch("not_followed", NotFollowed.objects.order_by("at", "pk"))
    found = list(rows.select_related(*RELATED).prefetch_related(notes)[:MOST])
    keys = [row.version_id for row in found]
    looks = RecommendationLook.objects.filter(version__in=keys)
    serving = set(looks.values_list("version_id", "environment"))
    opened = Recommendation.objects.filter(version__in=keys, opens=True).latest_rows()
    now = {(one.version_id, one.environment): one.pk for one in opened}
    still = {place: pk for place, pk in now.items() if place in serving}
    after = afterwards(found, timezone.now())
    return [_line(user, row, still, after) for row in found]


def _line(
    user: Any,
    row: Recommendation,
    opened: Mapping[tuple[int, str], int],
    after: Mapping[int, Afterwards],
) -> RecommendationLine:
    since = opened.get((row.version_id, row.environment))
    current = since is not None and row.pk >= since
    model = row.version.model
    return RecommendationLine(
        row=row,
        grounds=tuple(ground_of(one) for one in row.grounds),
        unknown=_titles(row.answer.get("unknown", [])),
        unwatched=_titles(row.answer.get("unwatched", [])),
        after=after[row.pk],
        acts=tuple(_act_link(model, one) for one in after[row.pk].acts),
        notes=tuple(row.not_followed.all()),
        now=current,
        can_answer=current and can_answer_recommendation(user, row),
    )


def ground_of(stored: Mapping[str, Any]) -> Ground:
    links = tuple(
        Link(one["label"], url_of(one["kind"], one["id"]), one["kind"]) for one in stored["links"]
    )
    return Ground(stored["fact"], stored["said"], links)


def url_of(kind: str, pk: int) -> str:
    """The page of a row that a reason names."""
    return reverse(kind, args=[pk])


def _act_link(model: Model, act: Act) -> Link:
    if act.kind == "version":
        return Link(act.words, reverse("version", args=[model.slug, act.id]), act.kind)
    return Link(act.words, url_of(act.kind, act.id), act.kind)


def _titles(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(BY_NAME[name].title for name in names if name in BY_NAME)

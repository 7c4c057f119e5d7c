"""What people did after a recommendation, within a window of days; and how often that agrees.

Something that was done fits a recommendation by its kind, not by its motive: nobody is asked
whether they acted because of it.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db.models import Q

from governance.models import ChangeRequest, Recommendation
from governance.recommendation_rules import Recommended
from governance.states import RequestKind, RequestState
from monitoring.models import Incident, Retraining
from monitoring.retraining_terms import RetrainingKind
from monitoring.states import RetrainingState
from registry.models import Version
from registry.states import DeploymentRole

WITHIN = timedelta(days=30)
NEW_VERSION = frozenset({Recommended.RETRAIN, Recommended.RECALIBRATE})
ANOTHER = frozenset({Recommended.REPLACE, Recommended.RETRAIN, Recommended.RECALIBRATE})


class Fate(StrEnum):
    """How a recommendation and what was done agree."""

    FOLLOWED = "followed"
    OTHERWISE = "otherwise"
    NOTHING = "nothing"
    OPEN = "open"
    OVERTAKEN = "overtaken"


FATE_WORDS = {
    Fate.FOLLOWED: "followed",
    Fate.OTHERWISE: "something else was done",
    Fate.NOTHING: "nothing was done",
    Fate.OPEN: "not over yet",
    Fate.OVERTAKEN: "something else was recommended first",
}


@dataclass(frozen=True)
class Act:
    """Something that somebody did to a version or its model; `fits` says what it counts as."""

    model_id: int
    version_id: int | None
    environment: str
    at: datetime
    words: str
    kind: str
    id: int
    fits: frozenset[str]
    promotes: int | None = None


@dataclass(frozen=True)
class Afterwards:
    """What followed one recommendation."""

    fate: str
    acts: tuple[Act, ...]
    until: datetime

    @property
    def fate_words(self) -> str:
        return FATE_WORDS[Fate(self.fate)]


@dataclass(frozen=True)
class Agreement:
    """How often the recommendations of one rule, or of one team, were followed."""

    name: str
    followed: int
    otherwise: int
    nothing: int
    open: int
    overtaken: int

    @property
    def settled(self) -> int:
        return self.followed + self.otherwise + self.nothing

    @property
    def share(self) -> float | None:
        return self.followed / self.settled if self.settled else None

    @property
    def percent(self) -> int:
        return round(100 * (self.share or 0))


def afterwards(rows: Sequence[Recommendation], now: datetime) -> dict[int, Afterwards]:
    """recommendation -> what followed. Five queries for any number.

    The window ends sooner where the next recommendation for the same version begins.
    """
    if not rows:
        return {}
    ends = _ends(rows)
    acts = _acts({row.version.model_id for row in rows}, min(row.at for row in rows))
    return {row.pk: _after(row, ends[row.pk], acts[row.version.model_id], now) for row in rows}


def _ends(rows: Sequence[Recommendation]) -> dict[int, datetime]:
    begins: dict[tuple[int, str], list[datetime]] = defaultdict(list)
    opened = Recommendation.objects.filter(
        version__in={row.version_id for row in rows}, opens=True
    ).order_by("at", "pk")
    for version_id, environment, at in opened.values_list("version_id", "environment", "at"):
        begins[version_id, environment].append(at)
    return {row.pk: _end(row, begins[row.version_id, row.environment]) for row in rows}


def _end(row: Recommendation, begins: Iterable[datetime]) -> datetime:
    later = [at for at in begins if at > row.at]
    return min([row.at + WITHIN, *later[:1]])


def _after(row: Recommendation, until: datetime, acts: Iterable[Act], now: datetime) -> Afterwards:
    mine = [one for one in acts if row.at < one.at <= until and _concerns(row, one)]
    fitting = tuple(one for one in mine if row.recommend in one.fits)
    if fitting:
        return Afterwards(Fate.FOLLOWED, fitting, until)
    steps = [one for one in mine if one.kind != "incident"]
    if steps and (row.recommend == Recommended.KEEP or until <= now):
        return Afterwards(Fate.OTHERWISE, tuple(steps), until)
    return Afterwards(_undone(row, until, now), tuple(mine), until)


def _undone(row: Recommendation, until: datetime, now: datetime) -> Fate:
    """What is said where no step was taken: to keep needs none."""
    if until > now:
        return Fate.OPEN
    if until < row.at + WITHIN:
        return Fate.OVERTAKEN
    return Fate.FOLLOWED if row.recommend == Recommended.KEEP else Fate.NOTHING


def _concerns(row: Recommendation, act: Act) -> bool:
    """The same version where the act is about one, the same environment where it names one."""
    same = act.version_id in {None, row.version_id} and act.promotes != row.version_id
    return same and act.environment in {"", row.environment}


def _acts(model_ids: set[int], since: datetime) -> dict[int, list[Act]]:
    found: dict[int, list[Act]] = defaultdict(list)
    for told in (_requested, _retrained, _made, _looked):
        for one in told(model_ids, since):
            found[one.model_id].append(one)
    return {pk: sorted(found[pk], key=lambda one: one.at) for pk in model_ids}


def _requested(model_ids: set[int], since: datetime) -> Iterable[Act]:
    """Change requests that were not turned down; when they were asked for."""
    rows = ChangeRequest.objects.filter(model__in=model_ids, submitted_at__gte=since)
    turned = Q(state__in=[RequestState.REJECTED, RequestState.WITHDRAWN])
    for row in rows.exclude(turned).select_related("version"):
        fits = _fits(row)
        if fits is not None:
            about = row.version_id if row.kind == RequestKind.RETIRE else None
            yield Act(
                model_id=row.model_id,
                version_id=about,
                environment=row.environment,
                at=row.submitted_at,
                words=f"CR-{row.pk}: {row.kind.replace('_', ' ')} version {row.version.number}",
                kind="change-request",
                id=row.pk,
                fits=fits,
                promotes=None if row.kind == RequestKind.RETIRE else row.version_id,
            )


def _fits(row: ChangeRequest) -> frozenset[str] | None:
    if row.kind == RequestKind.RETIRE:
        return frozenset({Recommended.RETIRE})
    if row.kind == RequestKind.ROLL_BACK:
        return frozenset({Recommended.REPLACE})
    if row.kind == RequestKind.PROMOTE and row.role == DeploymentRole.CHAMPION:
        return ANOTHER | {Recommended.RETIRE}
    return None


def _retrained(model_ids: set[int], since: datetime) -> Iterable[Act]:
    """Retrainings of the version that were begun, by their policy or by a person."""
    rows = Retraining.objects.filter(model__in=model_ids, started_at__gte=since)
    for row in rows.exclude(state=RetrainingState.CANCELLED).select_related("asked_by"):
        alone = row.terms.get("kind") == RetrainingKind.RECALIBRATION
        what = "recalibration" if alone else "retraining"
        by = row.asked_by.name if row.asked_by else "its policy"
        yield Act(
            model_id=row.model_id,
            version_id=row.parent_id,
            environment="",
            at=row.started_at,
            words=f"{what} {row.pk} was begun by {by}",
            kind="retraining",
            id=row.pk,
            fits=frozenset({Recommended.RECALIBRATE if alone else Recommended.RETRAIN}),
        )


def _made(model_ids: set[int], since: datetime) -> Iterable[Act]:
    """New versions that were built from another."""
    rows = Version.objects.filter(model__in=model_ids, created_at__gte=since, parent__isnull=False)
    for row in rows.select_related("model"):
        yield Act(
            model_id=row.model_id,
            version_id=row.parent_id,
            environment="",
            at=row.created_at,
            words=f"version {row.number} was built from it",
            kind="version",
            id=row.number,
            fits=NEW_VERSION,
        )


def _looked(model_ids: set[int], since: datetime) -> Iterable[Act]:
    """Incidents that a person acknowledged or resolved."""
    rows = Incident.objects.filter(
        Q(acknowledged_at__gte=since) | Q(resolved_at__gte=since), model__in=model_ids
    )
    for row in rows:
        at = row.resolved_at or row.acknowledged_at
        if at is not None:
            yield Act(
                model_id=row.model_id,
                version_id=row.version_id,
                environment="",
                at=at,
                words=f"{'resolved' if row.resolved_at else 'acknowledged'}: {row.title}",
                kind="incident",
                id=row.pk,
                fits=frozenset({Recommended.INVESTIGATE}),
            )


def agreement(pairs: Iterable[tuple[str, str]]) -> list[Agreement]:
    """How often each name's recommendations were followed, from pairs of name and fate."""
    counted: dict[str, Counter[str]] = defaultdict(Counter)
    for name, fate in pairs:
        counted[name][fate] += 1
    return [Agreement(name, *(n[fate] for fate in Fate)) for name, n in sorted(counted.items())]

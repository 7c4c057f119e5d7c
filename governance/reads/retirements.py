"""Retirements as pages and the API show them: the list, one with its steps, and what runs."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Count, Q
from django.shortcuts import get_object_or_404
from django.utils import timezone

from accounts.policies import is_auditor
from accounts.querysets import of_teams
from governance.models import (
    NoObjection,
    Retirement,
    RetirementNotice,
    RetirementObjection,
    RetirementStep,
)
from governance.policies import (
    can_answer_objection,
    can_name_replacement,
    can_object,
    can_retry_step,
)
from governance.querysets import TEAM
from governance.reads.retirement_links import linked_rules
from governance.reads.retirement_silence import silent, was_told
from governance.retirement_querysets import RetirementQuerySet
from governance.retirement_rules import EARLY
from governance.retirement_states import RUNNING, SETTLED, RetirementState, StepState
from governance.retirement_steps import STEPS, TEXTS, TITLES
from registry.models import Model, Version

MOST = 200
PARTS = (
    "model__team",
    "version",
    "policy__model",
    "policy__team",
    "request__requested_by",
    "replacement",
)
STATE_WORDS = {
    RetirementState.NOTICE: "notice runs",
    RetirementState.REQUESTED: "waits for signatures",
    RetirementState.ENDING: "is being cleaned up",
    RetirementState.CLOSED: "closed",
    RetirementState.UPHELD: "objection upheld",
    RetirementState.LIFTED: "lifted",
    RetirementState.REFUSED: "refused",
}
DIGESTS = frozenset({"digest"})
TIMES = frozenset({"at", "newest_row_kept"})


@dataclass(frozen=True)
class RetirementLine:
    """One retirement in a list."""

    row: Retirement
    words: str
    days_left: int | None
    open_objections: int
    settled: int
    steps: int

    @property
    def running(self) -> bool:
        return self.row.state in RUNNING


@dataclass(frozen=True)
class Counted:
    """Something that a step looked at: a label, its value, and how it is written."""

    label: str
    value: Any
    form: str


@dataclass(frozen=True)
class StepLine:
    """A line of the checklist."""

    step: RetirementStep
    title: str
    text: str
    did: tuple[Counted, ...]
    seen: tuple[Counted, ...]
    can_retry: bool

    @property
    def at(self) -> datetime | None:
        return self.step.verified_at or self.step.done_at


@dataclass(frozen=True)
class ObjectionLine:
    row: RetirementObjection
    can_answer: bool


@dataclass(frozen=True)
class Telling:
    """Who heard of one thing, and when."""

    words: str
    at: datetime
    names: tuple[str, ...]
    mailed: int


@dataclass(frozen=True)
class RetirementPage:
    """One retirement for one person."""

    line: RetirementLine
    rules: tuple[dict[str, Any], ...]
    objections: tuple[ObjectionLine, ...]
    no_objections: tuple[NoObjection, ...]
    silent: tuple[str, ...]
    tellings: tuple[Telling, ...]
    steps: tuple[StepLine, ...]
    others: tuple[Version, ...]
    can_object: bool
    can_agree: bool
    can_name: bool

    @property
    def row(self) -> Retirement:
        return self.line.row

    @property
    def may_end_early(self) -> bool:
        return self.row.policy is not None and bool(self.row.policy.terms.get(EARLY))

    @property
    def answerable(self) -> bool:
        return any(one.can_answer for one in self.objections)


def retirement_lines(
    user: Any, *, state: str = "", model: str = "", limit: int = MOST
) -> list[RetirementLine]:
    """Retirements of the person's teams, those that run first. One query."""
    rows = Retirement.objects.visible_to(user)
    if state == "running":
        rows = rows.running()
    elif state:
        rows = rows.filter(state=state)
    rows = rows.filter(model__slug=model) if model else rows
    found = _counted(rows)[:limit]
    return sorted(map(_line, found), key=lambda one: (not one.running, -one.row.pk))


def running_of(model: Model) -> list[RetirementLine]:
    """What runs for one model, for its page. One query."""
    return [_line(row) for row in _counted(Retirement.objects.running().filter(model=model))]


def notices_for_desk(user: Any) -> list[RetirementLine]:
    """Notices that run in teams where this person works. One query."""
    if user.kind != "person" or is_auditor(user):
        return []
    teams = {team for team, role in user.held if role in TEAM}
    rows = Retirement.objects.filter(state=RetirementState.NOTICE)
    mine = Q(model__owner=user.pk) | Q(model__team_id__in=teams)
    rows = rows.filter(of_teams(user, "model__team_id"))
    return [_line(row) for row in _counted(rows if None in teams else rows.filter(mine))]


def retirement_page(user: Any, retirement_id: int) -> RetirementPage:
    """One retirement. Eleven queries at most.

    Raises:
        Http404: there is none that the person may see.
    """
    rows = _counted(Retirement.objects.visible_to(user)).select_related("replacement_by")
    row = get_object_or_404(rows, pk=retirement_id)
    line = _line(row)
    notice = row.state == RetirementState.NOTICE
    retries = can_retry_step(user, row.model)
    return RetirementPage(
        line=line,
        rules=linked_rules(row),
        objections=_objections(user, row),
        no_objections=tuple(row.no_objections.all()[:MOST]),
        silent=silent(row) if notice else (),
        tellings=_tellings(row.notices.all()[:MOST]),
        steps=tuple(_step(one, can_retry=retries) for one in row.steps.all()),
        others=_others(row) if notice else (),
        can_object=_may_object(user, row),
        can_agree=_may_agree(user, row),
        can_name=notice and can_name_replacement(user, row.model),
    )


def _tellings(rows: Iterable[RetirementNotice]) -> tuple[Telling, ...]:
    found: dict[str, list[RetirementNotice]] = {}
    for row in rows:
        found.setdefault(row.get_kind_display(), []).append(row)
    return tuple(
        Telling(
            words, told[0].at, tuple(t.name for t in told), sum(bool(t.mailed_at) for t in told)
        )
        for words, told in found.items()
    )


def _may_object(user: Any, row: Retirement) -> bool:
    return _in_time(row) and can_object(user, row.model) and not _objects(user, row)


def _may_agree(user: Any, row: Retirement) -> bool:
    """May say not to object: who was told or works there, and has said neither yet."""
    if not _in_time(row) or user.kind != "person" or _objects(user, row):
        return False
    said = row.no_objections.filter(person=user.pk, withdrawn_at__isnull=True)
    return not said.exists() and (can_object(user, row.model) or was_told(row, user.pk))


def _in_time(row: Retirement) -> bool:
    until = row.notice_until
    running = row.state == RetirementState.NOTICE
    return running and until is not None and timezone.now().date() <= until


def _objects(user: Any, row: Retirement) -> bool:
    return bool(row.objections.filter(person=user.pk, answer="").exists())


def _objections(user: Any, row: Retirement) -> tuple[ObjectionLine, ...]:
    found = row.objections.select_related("retirement__model")[:MOST]
    notice = row.state == RetirementState.NOTICE
    return tuple(
        ObjectionLine(one, notice and not one.answer and can_answer_objection(user, one))
        for one in found
    )


def _others(row: Retirement) -> tuple[Version, ...]:
    living = Version.objects.filter(
        model=row.model_id, stage__in=["candidate", "approved", "serving"]
    )
    return tuple(living.exclude(pk=row.version_id).order_by("-number")[:MOST])


def _counted(rows: RetirementQuerySet) -> RetirementQuerySet:
    return rows.select_related(*PARTS).annotate(
        open_objections=Count("objections", filter=Q(objections__answer=""), distinct=True),
        settled_steps=Count("steps", filter=Q(steps__state__in=sorted(SETTLED)), distinct=True),
    )


def _line(row: Any) -> RetirementLine:
    left = days_left(row, timezone.now().date())
    return RetirementLine(
        row=row,
        words=STATE_WORDS[RetirementState(row.state)],
        days_left=left,
        open_objections=row.open_objections,
        settled=row.settled_steps,
        steps=len(STEPS),
    )


def days_left(row: Retirement, today: date) -> int | None:
    """Days of notice that are left; none where no notice runs."""
    if row.state != RetirementState.NOTICE or row.notice_until is None:
        return None
    return max(0, (row.notice_until - today).days)


def _step(step: RetirementStep, *, can_retry: bool) -> StepLine:
    return StepLine(
        step=step,
        title=TITLES[step.name],
        text=TEXTS[step.name],
        did=_evidence(step.evidence.get("did") or {}),
        seen=_evidence(step.evidence.get("seen") or {}),
        can_retry=can_retry and step.state == StepState.FAILED,
    )


def _evidence(facts: dict[str, Any]) -> tuple[Counted, ...]:
    return tuple(
        Counted(name.replace("_", " "), value, _form(name, value))
        for name, value in facts.items()
        if value is not None and name != "archive"
    )


def _form(name: str, value: Any) -> str:
    if name in DIGESTS:
        return "digest"
    if name in TIMES:
        return "time"
    if isinstance(value, bool):
        return "yes_no"
    return "number" if isinstance(value, int) else "words"

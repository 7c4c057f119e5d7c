"""Findings, waivers and attestations as pages and the API show them."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Case, IntegerField, QuerySet, Value, When
from django.shortcuts import get_object_or_404
from django.utils import timezone

from accounts.models import Membership, UserKind
from governance.models import Attestation, Finding, FindingEntry, Waiver
from governance.policies import (
    can_ask_waiver,
    can_close_finding,
    can_decide_waiver,
    can_raise_finding,
    can_withdraw_waiver,
    can_work_on,
)
from governance.states import FINDING_MOVES, FindingState, WaiverState
from registry.models import Model

MOST = 200
SEVERITIES = ("critical", "high", "medium", "low")


@dataclass(frozen=True)
class FindingLine:
    """A finding in a list."""

    id: int
    kind: str
    kind_label: str
    severity: str
    title: str
    state: str
    model_slug: str
    model_name: str
    version: int | None
    owner: str
    raised_by: str
    due_on: date
    opened_at: datetime
    closed_at: datetime | None

    @property
    def overdue(self) -> bool:
        return self.closed_at is None and self.due_on < timezone.now().date()


@dataclass(frozen=True)
class EntryLine:
    """One line of the timeline."""

    at: datetime
    name: str
    verb: str
    text: str
    link_kind: str
    link_id: int | None
    link_label: str


@dataclass(frozen=True)
class FindingPage:
    """Everything about one finding, and which steps this person may take."""

    line: FindingLine
    text: str
    resolution: str
    closed_by: str
    model_id: int
    entries: tuple[EntryLine, ...]
    waivers: tuple[Waiver, ...]
    verbs: tuple[str, ...]
    blocked: str
    works: bool
    can_note: bool
    can_change: bool
    can_ask_waiver: bool
    people: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class WaiverPage:
    """One waiver, and what this person may do with it."""

    waiver: Waiver
    can_decide: bool
    can_withdraw: bool


def finding_rows(user: Any) -> QuerySet[Finding]:
    """Findings that the user may see: gravest first, then what is due first."""
    return _ranked(Finding.objects.visible_to(user))


def open_findings(model: Model) -> tuple[FindingLine, ...]:
    """A model's findings that are not closed, gravest first. One query."""
    rows = _ranked(Finding.objects.unclosed().filter(model=model))
    return tuple(line_of(row) for row in rows[:MOST])


def _ranked(rows: QuerySet[Finding]) -> QuerySet[Finding]:
    order = Case(
        *[When(severity=name, then=Value(rank)) for rank, name in enumerate(SEVERITIES)],
        output_field=IntegerField(),
    )
    return (
        rows.select_related("model", "version", "owner", "raised_by")
        .annotate(rank=order)
        .order_by("rank", "due_on", "pk")
    )


def finding_lines(
    user: Any, *, model: str = "", state: str = "", severity: str = "", kind: str = ""
) -> list[FindingLine]:
    """Findings, filtered; `state` may be `unclosed`. One query."""
    rows = finding_rows(user)
    rows = rows.filter(model__slug=model) if model else rows
    rows = rows.filter(severity=severity) if severity else rows
    rows = rows.filter(kind=kind) if kind else rows
    if state == "unclosed":
        rows = rows.exclude(state=FindingState.CLOSED)
    elif state:
        rows = rows.filter(state=state)
    return [line_of(row) for row in rows[:MOST]]


def line_of(row: Finding) -> FindingLine:
    return FindingLine(
        id=row.pk,
        kind=row.kind,
        kind_label=row.get_kind_display(),
        severity=row.severity,
        title=row.title,
        state=row.state,
        model_slug=row.model.slug,
        model_name=row.model.name,
        version=row.version.number if row.version else None,
        owner=row.owner.name,
        raised_by=row.raised_by.name if row.raised_by else "Ombud",
        due_on=row.due_on,
        opened_at=row.opened_at,
        closed_at=row.closed_at,
    )


def finding_page(user: Any, finding_id: int) -> FindingPage:
    """One finding for one person. A fixed number of queries.

    Raises:
        Http404: there is none that the user may see.
    """
    row = get_object_or_404(finding_rows(user).select_related("closed_by"), pk=finding_id)
    entries = row.entries.select_related("person").exclude(verb="own").order_by("-at", "-pk")
    possible = sorted(verb for state, verb in FINDING_MOVES if state == row.state)
    works, closes = can_work_on(user, row), can_close_finding(user, row)
    verbs = tuple(v for v in possible if works and (closes or v not in {"close", "send_back"}))
    return FindingPage(
        line=line_of(row),
        text=row.text,
        resolution=row.resolution,
        closed_by=row.closed_by.name if row.closed_by else "",
        model_id=row.model_id,
        entries=tuple(_entry(one) for one in entries),
        waivers=tuple(waiver_rows(user).filter(finding=row)),
        verbs=verbs,
        blocked=_blocked(row, works=works, closes=closes),
        works=works,
        can_note=can_raise_finding(user, row.model),
        can_change=works and row.state != FindingState.CLOSED,
        can_ask_waiver=can_ask_waiver(user, row.model) and row.state != FindingState.CLOSED,
        people=_people(row.model.team_id) if works else (),
    )


def waiver_rows(user: Any) -> QuerySet[Waiver]:
    return (
        Waiver.objects.visible_to(user)
        .select_related("model", "finding", "framework", "asked_by", "decided_by")
        .order_by("-asked_at", "-pk")
    )


def waiver_page(user: Any, waiver_id: int) -> WaiverPage:
    """One waiver.

    Raises:
        Http404: there is none that the user may see.
    """
    waiver = get_object_or_404(waiver_rows(user), pk=waiver_id)
    return WaiverPage(
        waiver=waiver,
        can_decide=waiver.state == WaiverState.ASKED and can_decide_waiver(user, waiver),
        can_withdraw=waiver.state in {WaiverState.ASKED, WaiverState.GRANTED}
        and can_withdraw_waiver(user, waiver),
    )


def attestations_waiting_for(user: Any) -> list[Attestation]:
    """Open attestations that the user may sign, what is due first. One query."""
    rows = Attestation.objects.signable_by(user).select_related("model__team", "model__owner")
    return list(rows.order_by("due_on", "pk")[:MOST])


def waivers_waiting_for(user: Any) -> list[Waiver]:
    """Waivers that the user may decide, oldest first. One query."""
    rows = Waiver.objects.decidable_by(user)
    rows = rows.select_related("model", "finding", "framework", "asked_by", "decided_by")
    return list(rows.order_by("asked_at", "pk")[:MOST])


def findings_of(user: Any) -> list[FindingLine]:
    """The user's own findings that are not closed. One query."""
    rows = finding_rows(user).exclude(state=FindingState.CLOSED)
    return [line_of(row) for row in rows.filter(owner=user.pk)[:MOST]]


def _blocked(row: Finding, *, works: bool, closes: bool) -> str:
    if row.state == FindingState.PROPOSED and works and not closes:
        return (
            "Somebody else closes it: a validator, reviewer or risk officer who does not own it "
            "and had no hand in mending it."
        )
    return ""


def _entry(one: FindingEntry) -> EntryLine:
    return EntryLine(
        at=one.at,
        name=one.person.name if one.person else "Ombud",
        verb=one.verb,
        text=one.text,
        link_kind=one.link_kind,
        link_id=one.link_id,
        link_label=one.link_label,
    )


def _people(team_id: int) -> tuple[tuple[str, str], ...]:
    """Who could own it: active people of the team, by name. One query."""
    rows = (
        Membership.objects.filter(team=team_id, user__is_active=True, user__kind=UserKind.PERSON)
        .order_by("user__name")
        .values_list("user__email", "user__name")
    )
    return tuple(dict.fromkeys(rows))

"""Back-tests as people read them: the list, and one with its result."""

from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator
from django.shortcuts import get_object_or_404

from accounts.models import Team
from accounts.policies import can_administer
from governance.back_test_words import headline
from governance.models import ApprovalPolicy, BackTest, PolicyChange
from governance.policies import can_audit, can_try_policy

PAGE = 25


@dataclass(frozen=True)
class BackTestPage:
    """One back-test: what was asked, the sentences that answer it, and its tables."""

    row: BackTest
    said: list[str]
    result: dict[str, Any]


def back_test_lines(user: Any, page: int) -> Page[BackTest]:
    """Back-tests, newest first, without their results."""
    rows = BackTest.objects.visible_to(user).select_related("team", "monitor__model")
    return Paginator(rows.defer("result", "proposal", "present"), PAGE).get_page(page)


def back_test_page(user: Any, number: int) -> BackTestPage:
    """One back-test; 404 where the person may not see it. One query."""
    rows = BackTest.objects.visible_to(user).select_related("team", "monitor__model")
    row = get_object_or_404(rows, pk=number)
    result = row.result or {}
    return BackTestPage(row, headline(row.subject, result) if result else [], result)


def teams_to_try(user: Any) -> list[Team]:
    """The teams on whose past the person may try a policy."""
    teams = list(Team.objects.order_by("name"))
    return [team for team in teams if can_try_policy(user, team.pk)]


def tries_on_everybody(user: Any) -> bool:
    return can_administer(user) or can_audit(user)


@dataclass(frozen=True)
class Start:
    """What the form of a trial starts with, and what that is."""

    rounds: list[dict[str, Any]]
    gates: list[dict[str, Any]]
    said: str


def start_of(kind: str, tier: str, change: str) -> Start:
    """A proposal of this kind and tier that waits or waited, else the policy in force."""
    rows = PolicyChange.objects.filter(kind=kind, risk_tier=tier)
    number = int(change) if change.isascii() and change.isdigit() and len(change) < 19 else 0
    if row := rows.filter(pk=number).first():
        return Start(row.rounds, row.gates, f"The form starts with PC-{row.pk}.")
    now = ApprovalPolicy.objects.filter(kind=kind, risk_tier=tier, current=True).first()
    if now is None:
        return Start([], [], "No policy is in force.")
    return Start(now.rounds, now.gates, f"The form starts with policy {now.number}, in force.")

"""Approvals that have to be given anew: which, why, by when, and what clearance says of it."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.shortcuts import get_object_or_404

from governance.models import ChangeRequest, PurposeChange, Revalidation
from governance.policies import can_change_purpose, can_submit
from governance.purposes import PART_TITLES, PARTS, purpose_of
from governance.risk_table import lapses
from governance.states import APPROVING, RequestState
from registry.models import Model

MOST = 100


@dataclass(frozen=True)
class PartDifference:
    """One part of the purpose: the lines that went and those that came."""

    title: str
    before: list[str]
    after: list[str]


@dataclass(frozen=True)
class ChangeLine:
    """One change of a model's purpose."""

    row: PurposeChange
    parts: tuple[PartDifference, ...]


@dataclass(frozen=True)
class PurposePage:
    """What a model is for, how that changed, and which approvals wait for being given anew."""

    model: Model
    changes: tuple[ChangeLine, ...]
    waiting: tuple[Revalidation, ...]
    settled: tuple[Revalidation, ...]
    can_change: bool
    can_submit: bool


def last_approval(version_id: int, environment: str) -> ChangeRequest | None:
    """The newest carried-out request by which the version serves there."""
    rows = ChangeRequest.objects.filter(
        version=version_id,
        environment=environment,
        kind__in=APPROVING,
        state=RequestState.EXECUTED,
    )
    return rows.order_by("-decided_at", "-pk").first()


def approved_digest(approval: ChangeRequest, model: Model) -> str:
    """The purpose an approval was given under; older ones did not freeze it, so the first change
    after them says what it was."""
    frozen: dict[str, Any] = approval.evidence.get("model") or {}
    if frozen:
        return str(frozen["digest"])
    later = PurposeChange.objects.filter(model=model, at__gt=approval.decided_at)
    first = later.order_by("number").values_list("digest_before", flat=True).first()
    return first or str(purpose_of(model)["digest"])


def said_by_revalidations(version_ids: Collection[int]) -> dict[tuple[int, str], list[str]]:
    """What clearance says about approvals that wait, by version and environment. One query."""
    said: dict[tuple[int, str], list[str]] = defaultdict(list)
    rows = Revalidation.objects.waiting().filter(version__in=list(version_ids))
    for row in rows.filter(suspended__isnull=True):
        said[(row.version_id, row.environment)].append(row.sentence)
    return dict(said)


def has_lapsed(version_id: int, environment: str) -> bool:
    """Whether only the quorum can clear the version again."""
    rows = Revalidation.objects.waiting().filter(version=version_id, environment=environment)
    return any(lapses(row.tier) for row in rows.filter(overdue_at__isnull=False))


def revalidations_of(model: Model, *, waiting: bool) -> tuple[Revalidation, ...]:
    """A model's open or settled re-approvals, what is due first. One query."""
    rows = Revalidation.objects.filter(model=model, settled_at__isnull=waiting)
    listed = rows.select_related("version", "settled_by", "change")
    return tuple(listed.order_by("due_on" if waiting else "-settled_at", "pk")[:MOST])


def purpose_page(user: Any, slug: str) -> PurposePage:
    """A model's purpose. Four queries.

    Raises:
        Http404: there is none of this name that the user may see.
    """
    rows = Model.objects.visible_to(user).select_related("team", "owner")
    model = get_object_or_404(rows, slug=slug)
    changes = PurposeChange.objects.filter(model=model).order_by("-number")[:MOST]
    return PurposePage(
        model=model,
        changes=tuple(ChangeLine(row, _parts(row)) for row in changes),
        waiting=revalidations_of(model, waiting=True),
        settled=revalidations_of(model, waiting=False),
        can_change=can_change_purpose(user, model),
        can_submit=can_submit(user, model),
    )


def _parts(row: PurposeChange) -> tuple[PartDifference, ...]:
    return tuple(
        PartDifference(
            PART_TITLES[name],
            _only(row.before[name], row.after[name]),
            _only(row.after[name], row.before[name]),
        )
        for name in PARTS
        if row.before[name] != row.after[name]
    )


def _only(value: Any, other: Any) -> list[str]:
    """The text, or the lines of a list that the other one lacks."""
    return [value] if isinstance(value, str) else [one for one in value if one not in other]


def revalidations_for_desk(user: Any) -> list[Revalidation]:
    """What this person has to ask for, what is due first. One query."""
    rows = Revalidation.objects.of_desk(user).select_related("model", "version")
    return list(rows.order_by("due_on", "pk")[:MOST])

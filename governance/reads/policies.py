"""Approval policies as pages and the API show them: in force, before, and proposed."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.http import Http404
from django.shortcuts import get_object_or_404

from governance.gate_parameters import PARAMETERS
from governance.gates import GATES, title_of
from governance.models import (
    ApprovalPolicy,
    ChangeRequest,
    PolicyChange,
    ProposalState,
)
from governance.policies import (
    can_propose_policy,
)
from governance.policy_differences import MODE_WORDS, Difference, differences, value_words
from governance.reads.proposal_signatures import Signing, signing_of
from governance.reads.retirement_policies import TermsSaid, terms_said
from governance.retirement_differences import retirement_differences
from governance.rounds import Round, rounds_of
from governance.states import RequestKind, RequestState
from registry.models import Model, RiskTier

MOST = 200
TIERS = ("high", "medium", "low")


@dataclass(frozen=True)
class PolicyLine:
    """One kind of change and risk tier in the list of policies."""

    kind: str
    risk_tier: str
    number: int
    who_signs: str
    rounds: int
    modes: dict[str, int]
    valid_from: datetime
    proposed: int | None


@dataclass(frozen=True)
class GateSaid:
    """A gate of a policy, with what it was told in words."""

    gate: str
    title: str
    mode: str
    told: tuple[tuple[str, str], ...]

    @property
    def mode_words(self) -> str:
        return MODE_WORDS[self.mode]


@dataclass(frozen=True)
class PolicyPage:
    """One policy: in force, everything before it, and what is proposed."""

    kind: str
    risk_tier: str
    policy: ApprovalPolicy
    rounds: tuple[Round, ...]
    gates: tuple[GateSaid, ...]
    earlier: tuple[ApprovalPolicy, ...]
    changes: tuple[PolicyChange, ...]
    open_requests: int
    can_propose: bool

    @property
    def waiting(self) -> PolicyChange | None:
        return next((one for one in self.changes if one.is_open), None)


@dataclass(frozen=True)
class ChangePage:
    """A proposed policy for one person."""

    change: PolicyChange
    rounds: tuple[Round, ...]
    gates: tuple[GateSaid, ...]
    differences: tuple[Difference, ...]
    signing: Signing
    open_requests: int
    terms: TermsSaid | None = None


def policy_lines() -> list[PolicyLine]:
    """Every policy in force, by kind of change from the strictest tier on. Two queries."""
    rows = ApprovalPolicy.objects.filter(current=True)
    waiting = {
        (kind, tier): pk
        for kind, tier, pk in PolicyChange.objects.filter(state=ProposalState.OPEN).values_list(
            "kind", "risk_tier", "pk"
        )
    }
    kinds = [kind.value for kind in RequestKind]
    ordered = sorted(rows, key=lambda r: (kinds.index(r.kind), TIERS.index(r.risk_tier)))
    return [_line(row, waiting.get((row.kind, row.risk_tier))) for row in ordered]


def _line(row: ApprovalPolicy, waiting: int | None) -> PolicyLine:
    return PolicyLine(
        kind=row.kind,
        risk_tier=row.risk_tier,
        number=row.number,
        who_signs=row.who_signs,
        rounds=len(row.rounds),
        modes=dict(Counter(str(gate["mode"]) for gate in row.gates)),
        valid_from=row.valid_from,
        proposed=waiting,
    )


def policy_page(user: Any, kind: str, risk_tier: str) -> PolicyPage:
    """One policy. Three queries.

    Raises:
        Http404: there is no policy for that kind of change and tier.
    """
    if kind not in list(RequestKind) or risk_tier not in RiskTier.values:
        raise Http404("There is no such approval policy.")
    place = {"kind": kind, "risk_tier": risk_tier}
    rows = list(
        ApprovalPolicy.objects.filter(**place)
        .select_related("change__proposed_by")
        .prefetch_related("change__signatures")[:MOST]
    )
    policy = next((row for row in rows if row.current), None)
    if policy is None:
        raise Http404("There is no such approval policy.")
    changes = PolicyChange.objects.filter(**place).select_related("proposed_by", "policy")
    return PolicyPage(
        kind=kind,
        risk_tier=risk_tier,
        policy=policy,
        rounds=rounds_of(policy.rounds),
        gates=gates_said(policy.gates),
        earlier=tuple(row for row in rows if not row.current),
        changes=tuple(changes[:MOST]),
        open_requests=open_under(policy),
        can_propose=can_propose_policy(user),
    )


def open_under(policy: ApprovalPolicy | None) -> int:
    """Change requests that become stale when this policy is replaced. One query."""
    if policy is None:
        return 0
    return ChangeRequest.objects.filter(policy=policy, state=RequestState.OPEN).count()


def gates_said(stored: Sequence[Mapping[str, Any]]) -> tuple[GateSaid, ...]:
    """Gates with their parameters in words, those that prevent first."""
    order = ["prevent", "warn", "inform"]
    said = [_said(gate) for gate in stored]
    return tuple(sorted(said, key=lambda one: order.index(one.mode)))


def _said(gate: Mapping[str, Any]) -> GateSaid:
    labels = {one.name: one.label for one in PARAMETERS.get(gate["gate"], ())}
    told = gate.get("parameters") or {}
    parts = tuple((labels.get(name, name), value_words(value)) for name, value in told.items())
    return GateSaid(gate["gate"], title_of(gate), gate["mode"], parts)


def change_page(user: Any, change_id: int) -> ChangePage:
    """A proposed policy, as everybody who signs in may read it. Five queries.

    Raises:
        Http404: there is none.
    """
    parts = ("base", "policy", "proposed_by", "model", "team")
    rows = PolicyChange.objects.select_related(*parts, "retirement_base", "retirement_policy")
    seen = Q(model__isnull=True) | Q(model__in=Model.objects.visible_to(user))
    change = get_object_or_404(rows.filter(seen).prefetch_related("signatures"), pk=change_id)
    return ChangePage(
        change=change,
        rounds=rounds_of(change.rounds),
        gates=gates_said(change.gates),
        differences=tuple(differences_of(change)),
        signing=signing_of(user, change),
        open_requests=open_under(change.base) if change.is_open else 0,
        terms=terms_said(change.terms) if change.is_retirement else None,
    )


def differences_of(change: PolicyChange) -> list[Difference]:
    if change.is_retirement:
        before = change.retirement_base
        return retirement_differences(before.terms if before else {}, change.terms)
    base = change.base
    rounds = base.rounds if base else []
    return differences((rounds, change.rounds), (base.gates if base else [], change.gates))


def gate_choices() -> list[tuple[str, str]]:
    """Every gate that a policy can ask, with its title."""
    return [(name, title) for name, (title, _) in GATES.items()]

"""Risk of a model as pages and the API show it: what was signed, and what falls due."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.shortcuts import get_object_or_404

from governance.clearance_tokens import LIVES
from governance.models import ApprovalPolicy, Attestation, PurposeChange, RiskAssessment
from governance.policies import can_answer_risk, can_attest
from governance.risk_table import due_on, lapses, questionnaire
from registry.models import Model


@dataclass(frozen=True)
class RiskPage:
    """One model's risk: signed questionnaires, attestations, and what comes next."""

    model: Model
    signed: tuple[RiskAssessment, ...]
    attestations: tuple[Attestation, ...]
    due: date
    can_answer: bool
    unsigned: str


@dataclass(frozen=True)
class Decided:
    """What a tier decides for its models."""

    quorum: dict[str, int]
    who_signs: str
    attest_months: int
    revalidate_months: int
    reapproval_days: int
    open_days_before: int
    suspends: bool
    token_hours: int
    stops: bool


@dataclass(frozen=True)
class AttestationPage:
    attestation: Attestation
    can_sign: bool


def risk_page(user: Any, slug: str) -> RiskPage:
    """One model's risk. Four queries.

    Raises:
        Http404: there is none of this name that the user may see.
    """
    rows = Model.objects.visible_to(user).select_related("team", "owner")
    model = get_object_or_404(rows, slug=slug)
    attestations = tuple(Attestation.objects.filter(model=model).order_by("-due_on", "-pk")[:50])
    signed = tuple(signed_of(model))
    return RiskPage(
        model=model,
        signed=signed,
        attestations=attestations,
        due=due_of(model),
        can_answer=can_answer_risk(user, model),
        unsigned=unsigned_tier(model, signed),
    )


def decided_by_tier(tier: str) -> Decided:
    """Policy, cadences and what happens to clearance, for one tier. One query."""
    asked, life = questionnaire(), LIVES[tier]
    policy = ApprovalPolicy.objects.filter(kind="promote", risk_tier=tier, current=True).first()
    return Decided(
        quorum=policy.quorum if policy else {},
        who_signs=policy.who_signs if policy else "",
        attest_months=asked.cadence_months[tier],
        revalidate_months=asked.revalidation_months[tier],
        reapproval_days=asked.reapproval_days[tier],
        open_days_before=asked.open_days_before,
        suspends=lapses(tier),
        token_hours=int(life.length.total_seconds() // 3600),
        stops=life.on_expiry == "closed",
    )


def unsigned_tier(model: Model, signed: Sequence[RiskAssessment]) -> str:
    """Why the tier does not rest on signed answers, in a sentence; empty if it does."""
    if not signed:
        return ""
    last = signed[0]
    if last.tier != model.risk_tier:
        return f"The tier is {model.risk_tier}, the signed answers say {last.tier}; answer anew."
    if PurposeChange.objects.filter(model=model, at__gt=last.signed_at).exists():
        return "What the model is for changed after this was signed; answer the questions anew."
    return ""


def attestation_page(user: Any, attestation_id: int) -> AttestationPage:
    """One attestation.

    Raises:
        Http404: there is none that the user may see.
    """
    rows = Attestation.objects.visible_to(user).select_related("model__team", "model__owner")
    row = get_object_or_404(rows, pk=attestation_id)
    signable = row.signed_at is None and can_attest(user, row.model)
    return AttestationPage(row, signable)


def signed_of(model: Model) -> list[RiskAssessment]:
    """What was signed about a model's risk, newest first."""
    return list(RiskAssessment.objects.filter(model=model).order_by("-signed_at", "-pk")[:50])


def due_of(model: Model) -> date:
    """When the model's attestation falls due: an open one's day, else so long after the last
    signed one, else after its registration."""
    rows = Attestation.objects.filter(model=model)
    waiting = rows.waiting().first()
    if waiting is not None:
        return waiting.due_on
    last = rows.order_by("-signed_at").first()
    since = last.signed_at if last is not None and last.signed_at else model.created_at
    return due_on(since.date(), model.risk_tier)

"""Before a change is asked for: what would be asked of it, and how the gates answer now."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.shortcuts import get_object_or_404

from governance.gates import STAGES
from governance.models import ChangeRequest
from governance.policies import can_submit
from governance.reads.conditions import Measurable, measurable
from governance.reads.evidence import Change, current_policy, gather
from governance.reads.requests import GateLine
from governance.reads.status import DEFAULT_ENVIRONMENT
from governance.rounds import Round, rounds_of
from governance.states import APPROVING, RequestState
from registry.models import Version
from registry.states import DeploymentRole


@dataclass(frozen=True)
class NewRequest:
    """A change of a version that somebody thinks of asking for."""

    version_id: int
    number: int
    model_slug: str
    model_name: str
    risk_tier: str
    stage: str
    kinds: tuple[str, ...]
    kind: str
    rounds: tuple[Round, ...]
    gates: tuple[GateLine, ...]
    pending: int | None
    can_submit: bool
    measurable: tuple[Measurable, ...] = ()


def new_request(
    user: Any, slug: str, number: int, kind: str = "", role: str = DeploymentRole.CHAMPION
) -> NewRequest:
    """The change of this kind (else the first that the stage allows), with today's answers.

    Raises:
        Http404: there is no such version that the user may see.
    """
    version = get_object_or_404(
        Version.objects.visible_to(user).select_related("model__team", "model__owner"),
        model__slug=slug,
        number=number,
    )
    kinds = tuple(one for one, stages in STAGES.items() if version.stage in stages)
    chosen = kind if kind in kinds else next(iter(kinds), "")
    rounds, gates = _asked(version, chosen, role)
    return NewRequest(
        version_id=version.pk,
        number=version.number,
        model_slug=slug,
        model_name=version.model.name,
        risk_tier=version.model.risk_tier,
        stage=version.stage,
        kinds=kinds,
        kind=chosen,
        rounds=rounds,
        gates=gates,
        pending=_pending(version, chosen),
        can_submit=can_submit(user, version.model),
        measurable=tuple(measurable(version)) if chosen in APPROVING else (),
    )


def _asked(
    version: Version, kind: str, role: str
) -> tuple[tuple[Round, ...], tuple[GateLine, ...]]:
    policy = current_policy(kind, version.model.risk_tier) if kind else None
    if policy is None:
        return (), ()
    wanted = role if kind == "promote" else ""
    change = Change(kind, DEFAULT_ENVIRONMENT, wanted, Decimal(1), "")
    findings = gather(version, change, policy).findings
    gates = (GateLine(f.gate, f.title, f.mode, f.passed, f.message, f.evidence) for f in findings)
    return rounds_of(policy.rounds), tuple(gates)


def _pending(version: Version, kind: str) -> int | None:
    waiting = ChangeRequest.objects.filter(
        version=version,
        kind=kind,
        environment=DEFAULT_ENVIRONMENT,
        state__in=[RequestState.OPEN, RequestState.APPROVED],
    )
    return waiting.values_list("pk", flat=True).first()

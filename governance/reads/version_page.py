"""A version's page: its card, bytes, people, numbers, roles, requests, clearance and archive."""

from dataclasses import dataclass
from typing import Any

from django.shortcuts import get_object_or_404

from governance.card_fields import SECTIONS, Section
from governance.gates import STAGES
from governance.models import ChangeRequest, Clearance, Revalidation
from governance.numbers import Number
from governance.policies import can_decide_clearance, can_edit_card, can_submit
from governance.reads.cards import CardPage, card_of, readers_card
from governance.reads.conditions import ConditionLine, standing
from governance.reads.model_page import (
    ClearanceLine,
    IncidentLine,
    clearance_lines,
    incident_lines,
)
from governance.reads.numbers import numbers_of
from governance.reads.overview import HealthCell
from governance.reads.requests import RequestLine, lines_of
from monitoring.models import Health, Incident
from registry.models import Version
from registry.reads.versions import VersionDetail, detail_of


@dataclass(frozen=True)
class VersionPage:
    """What the page of one version shows; `card` is None until somebody or a request made one."""

    detail: VersionDetail
    risk_tier: str
    team: str
    card: CardPage | None
    sections: tuple[Section, ...]
    numbers: tuple[Number, ...]
    health: tuple[HealthCell, ...]
    incidents: tuple[IncidentLine, ...]
    requests: tuple[RequestLine, ...]
    clearances: tuple[ClearanceLine, ...]
    anew: tuple[Revalidation, ...]
    possible: tuple[str, ...]
    can_edit_card: bool
    can_submit: bool
    can_decide_clearance: bool
    conditions: tuple[ConditionLine, ...] = ()


def version_page(user: Any, slug: str, number: int, revision: int | None = None) -> VersionPage:
    """One version; `revision` shows an earlier state of its card. A fixed number of queries.

    Raises:
        Http404: there is none that the user may see.
    """
    version = get_object_or_404(
        Version.objects.visible_to(user).select_related("model__team", "parent", "registered_by"),
        model__slug=slug,
        number=number,
    )
    requests = ChangeRequest.objects.filter(version=version).order_by("-pk")
    return VersionPage(
        detail=detail_of(version),
        risk_tier=version.model.risk_tier,
        team=version.model.team.name,
        card=card_of(version.pk, revision) if revision else readers_card(version.pk),
        sections=SECTIONS,
        numbers=numbers_of([version.pk])[version.pk],
        health=_health(version),
        incidents=incident_lines(Incident.objects.filter(version=version)),
        requests=tuple(lines_of(requests)),
        clearances=clearance_lines(Clearance.objects.filter(version=version)),
        anew=tuple(Revalidation.objects.waiting().filter(version=version)),
        possible=tuple(kind for kind, stages in STAGES.items() if version.stage in stages),
        can_edit_card=can_edit_card(user, version),
        can_submit=can_submit(user, version.model),
        can_decide_clearance=can_decide_clearance(user, version.model),
        conditions=standing([version.pk]),
    )


def _health(version: Version) -> tuple[HealthCell, ...]:
    rows = Health.objects.filter(version=version).order_by("kind")
    return tuple(HealthCell(row.kind, row.verdict, row.as_of, row.summary) for row in rows)

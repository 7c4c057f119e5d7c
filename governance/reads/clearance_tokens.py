"""Clearances as tokens say them, and those that are revoked."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from audit.models import Event
from audit.proofs import NotProvable, prove_event
from governance.clearance_tokens import LONGEST, MAY_SERVE, Answer, token_id
from governance.conditions import ends_at, terms_of
from governance.models import CardRevision, Clearance, Condition
from governance.reads.conditions import of_versions
from governance.reads.revalidations import said_by_revalidations
from registry.models import Deployment
from registry.states import DeploymentRole

SUBJECT = "governance.clearance"
MOST_REVOKED = 10_000


@dataclass(frozen=True)
class Revoked:
    """A token that no longer holds, though it has not expired."""

    id: str
    at: datetime
    model: str
    version: int
    environment: str


def answers_of(user: Any, *, model: str, environment: str) -> list[Answer]:
    """The clearance of every version that serves there, the champion first; five queries."""
    serving = list(
        Deployment.objects.visible_to(user)
        .filter(model__slug=model, environment=environment, ended_at__isnull=True)
        .select_related("version", "model")
    )
    rows = {
        row.version_id: row
        for row in Clearance.objects.filter(
            version__in=[one.version_id for one in serving],
            environment=environment,
            until__isnull=True,
        )
    }
    anew = said_by_revalidations(rows.keys())
    cards, events = _cards(rows.keys()), _events([row.pk for row in rows.values()])
    under = of_versions(rows.keys())
    ranked = sorted(serving, key=lambda one: (one.role != DeploymentRole.CHAMPION, one.pk))
    return [
        _answer(
            one,
            rows[one.version_id],
            cards.get(one.version_id),
            events,
            under.get((one.version_id, environment), []),
            anew.get((one.version_id, environment), []),
        )
        for one in ranked
        if one.version_id in rows
    ]


def proof_of(answer: Answer) -> dict[str, Any] | None:
    """That the event named in the token is in the newest signed checkpoint; None before it is."""
    if answer.audit is None:
        return None
    event = Event.objects.get(sequence=answer.audit["sequence"])
    try:
        return prove_event(event=event).content()
    except NotProvable:
        return None


def revoked(now: datetime) -> list[Revoked]:
    """Clearances that let a version serve and ended so lately that their tokens may still live."""
    rows = Clearance.objects.filter(state__in=MAY_SERVE, until__gt=now - LONGEST, until__lte=now)
    found = rows.select_related("version__model").order_by("-until", "-pk")[:MOST_REVOKED]
    return [
        Revoked(
            token_id(row.pk),
            row.until,
            row.version.model.slug,
            row.version.number,
            row.environment,
        )
        for row in found
        if row.until is not None
    ]


def _answer(
    one: Deployment,
    row: Clearance,
    card: dict[str, Any] | None,
    events: dict[str, dict[str, Any]],
    under: list[Condition],
    anew: list[str],
) -> Answer:
    ends = [ends_at(terms_of(condition.terms), condition.since) for condition in under]
    return Answer(
        clearance_id=row.pk,
        model=one.model.slug,
        version=one.version.number,
        environment=one.environment,
        role=one.role,
        traffic_share=str(one.traffic_share.normalize()),
        risk_tier=one.model.risk_tier,
        artifact_digest=one.version.artifact_digest,
        state=row.state,
        reasons=(*row.reasons, *anew),
        since=row.since,
        card=card,
        audit=events.get(str(row.pk)),
        conditions=tuple(condition.text for condition in under),
        ends=min((end for end in ends if end is not None), default=None),
    )


def _cards(version_ids: Any) -> dict[int, dict[str, Any]]:
    newest = CardRevision.objects.filter(card__version__in=list(version_ids))
    rows = newest.order_by("card__version_id", "-number").distinct("card__version_id")
    found = rows.values_list("card__version_id", "number", "digest")
    return {version: {"revision": number, "digest": digest} for version, number, digest in found}


def _events(row_ids: list[int]) -> dict[str, dict[str, Any]]:
    """The event of the trail by which each row came into force."""
    named = Event.objects.filter(subject_type=SUBJECT, subject_id__in=[str(pk) for pk in row_ids])
    first = named.order_by("subject_id", "sequence").distinct("subject_id")
    return {
        event.subject_id: {"sequence": event.sequence, "digest": event.digest_hex}
        for event in first
    }

"""Somebody leaves: what they own goes to others first, then the account is closed."""

from dataclasses import dataclass
from typing import Any

from django.db import transaction

from accounts.models import Membership, User, UserKind
from accounts.services import closing
from accounts.services.administrators import require_administrator
from accounts.services.people import locked
from audit.record import record
from governance.events import GovernanceEvent
from governance.jobs.findings import add_entry
from governance.jobs.locks import lock_models
from governance.models import Finding
from governance.reads.leaving import models_concerned, owns_anything
from governance.refusals import Incomplete, StillOwns
from governance.services.proofs import words
from governance.states import FindingState
from monitoring.services.handing_over import hand_incidents_over
from registry.services.handing_over import hand_models_over


@dataclass(frozen=True)
class HandedOver:
    """How many of each went to the new owner."""

    models: int
    findings: int
    incidents: int


@transaction.atomic
def hand_over(
    *, actor: User, user_id: int, team_id: int, new_owner: str, reason: str
) -> HandedOver:
    """Give everything that somebody owns in a team to another member of it (by e-mail address).

    Raises:
        Refused: no administrator.
        Incomplete: no reason, or the new owner is no active person of the team.
    """
    before = locked(user_id)
    require_administrator(actor)
    why = words("reason", reason, 1000)
    after = _new_owner(before, team_id, new_owner)
    lock_models(models_concerned(before, team_id))
    told: dict[str, Any] = {
        "actor": actor,
        "before": before,
        "after": after,
        "team_id": team_id,
        "reason": why,
    }
    models = hand_models_over(**told)
    incidents = hand_incidents_over(**told)
    findings = _hand_findings_over(**told)
    return HandedOver(len(models), len(findings), len(incidents))


@transaction.atomic
def close_account(*, actor: User, user_id: int, reason: str) -> User:
    """Close an account that nothing depends on any more.

    Raises:
        Refused: no administrator, oneself, or the last administrator.
        StillOwns: models, open findings or incidents need another owner first.
        Incomplete: no reason.
    """
    why = words("reason", reason, 1000)
    person = closing.close_account(actor=actor, user_id=user_id, reason=why)
    # Under the lock: what was given to them a moment ago is seen, and everything is undone.
    if owns_anything(person):
        raise StillOwns(f"{person.name} still owns models, findings or incidents: hand them over.")
    return person


def _new_owner(before: User, team_id: int, email: str) -> User:
    found = User.objects.filter(email=email.strip().lower(), is_active=True).first()
    member = found is not None and (
        found.kind == UserKind.PERSON
        and found.pk != before.pk
        and Membership.objects.filter(user=found, team_id=team_id).exists()
    )
    if found is None or not member:
        raise Incomplete("new_owner", "Name another active person of the team.")
    return found


def _hand_findings_over(
    *, actor: User, before: User, after: User, team_id: int, reason: str
) -> list[Finding]:
    rows = Finding.objects.select_for_update(no_key=True, of=("self",)).order_by("pk")
    rows = rows.filter(owner=before, model__team_id=team_id)
    found = list(rows.exclude(state=FindingState.CLOSED))
    for finding in found:
        finding.owner = after
        finding.save(update_fields=["owner"])
        add_entry(finding, after.pk, "own", "")
        add_entry(finding, actor.pk, "change", reason)
        names = {"before": {"owner": before.name}, "after": {"owner": after.name}}
        record(actor, GovernanceEvent.FINDING_CHANGED, finding, **names, reason=reason)
    return found

"""Retrained versions: their approval is asked for, once, with what the retraining found.

Monitoring does not know governance: it says which retrainings wait, and is told what became of
them. Whoever switched the policy on is the one who asks, and so does not sign.
"""

from django.db import transaction

from accounts.models import User
from accounts.policies import Refused
from governance.models import ChangeRequest
from governance.reads.card_facts import latest_revision
from governance.refusals import AlreadyRequested, GatesNotPassed, Incomplete
from governance.services.cards import ensure_card, revise_card
from governance.services.requests import submit
from ledger import claims
from monitoring.jobs.retraining.outcomes import note_obstacle, note_request
from monitoring.reads.retrainings import Awaiting, awaiting
from registry.models import Version
from registry.states import DeploymentRole

PRODUCTION = "production"


def open_request(claim: claims.Claim) -> None:
    """Ask for the promotion of what a retraining made; a second time does nothing.

    A gate that prevents it is said on the retraining's page, and it is tried again later.
    """
    found = awaiting(claim.subject_id)
    if found is None:
        with transaction.atomic():
            claims.finish(claim=claim)
        return
    try:
        _open(claim, found)
    except (GatesNotPassed, Incomplete, Refused) as error:
        with transaction.atomic():
            claims.finish(claim=claim)
            note_obstacle(retraining_id=found.retraining_id, text=_why(error))


@transaction.atomic
def _open(claim: claims.Claim, found: Awaiting) -> None:
    claims.finish(claim=claim)
    actor = User.objects.get(pk=found.person_id)
    version = Version.objects.select_related("model").get(pk=found.version_id)
    _take_over_card(actor, version, found)
    try:
        request = submit(
            actor=actor,
            kind="promote",
            version_id=version.pk,
            environment=PRODUCTION,
            role=DeploymentRole.CHAMPION,
            reason=found.reason,
        )
    except AlreadyRequested:
        # A person was quicker: theirs is the request.
        request = ChangeRequest.objects.filter(version=version).latest("pk")
    note_request(retraining_id=found.retraining_id, label=str(request))


def _take_over_card(actor: User, version: Version, found: Awaiting) -> None:
    """The champion's words are the first draft of the new version's card."""
    there = latest_revision(version.pk)
    # Ombud may have begun the card with facts alone.
    if there is not None and there.sections:
        return
    before = latest_revision(found.parent_id)
    if before is None or not before.sections:
        ensure_card(actor=actor, version_id=version.pk)
        return
    revise_card(
        actor=actor,
        version_id=version.pk,
        sections=before.sections,
        note="Taken over from the version it was retrained from",
        expected_revision=there.number if there else 0,
    )


def _why(error: Exception) -> str:
    if isinstance(error, GatesNotPassed):
        failing = getattr(error, "failing", [])
        said = "; ".join(str(one.get("message", "")) for one in failing)
        return f"Approval cannot be asked for yet: {said or error}"[:500]
    return f"Approval cannot be asked for yet: {error}"[:500]

"""What waits for a person: what to sign, and what to have approved anew."""

from typing import TYPE_CHECKING, Any

from accounts.policies import is_auditor
from governance.models import (
    Attestation,
    ChangeRequest,
    GuidelineAnswers,
    GuidelineEdition,
    Registration,
    Revalidation,
    Waiver,
)
from governance.policies import SIGNERS

if TYPE_CHECKING:
    from governance.querysets import ChangeRequestQuerySet


def requests_waiting_for(user: Any) -> "ChangeRequestQuerySet":
    """Open requests that need this person's signature and may have it."""
    held = user.roles | {role for _, role, _ in user.lent}
    roles = [role.value for role in SIGNERS if role in held]
    if not roles or is_auditor(user) or user.kind != "person":
        return ChangeRequest.objects.none()
    return ChangeRequest.objects.signable_by(user, roles)


def waiting_for(user: Any) -> int:
    """How much waits for this person: one query, shown on every page."""
    requests = requests_waiting_for(user).order_by().values("pk")
    attestations = Attestation.objects.signable_by(user).order_by().values("pk")
    waivers = Waiver.objects.decidable_by(user).order_by().values("pk")
    editions = GuidelineEdition.objects.signable_by(user).order_by().values("pk")
    answers = GuidelineAnswers.objects.signable_by(user).order_by().values("pk")
    anew = Revalidation.objects.of_desk(user).order_by().values("pk")
    entries = Registration.objects.to_update(user).order_by().values("pk")
    others = (attestations, waivers, editions, answers, anew, entries)
    return requests.union(*others, all=True).count()

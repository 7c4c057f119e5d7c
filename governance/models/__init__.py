"""What is allowed: cards, policies, change requests, sign-offs, clearance and the status answer."""

from governance.models.cards import Card, CardRevision, Claim
from governance.models.clearance import Clearance, StatusRow
from governance.models.policies import ApprovalPolicy
from governance.models.requests import ChangeRequest, GateResult
from governance.models.signatures import Decision, FailedProof, SignOff

__all__ = [
    "ApprovalPolicy",
    "Card",
    "CardRevision",
    "ChangeRequest",
    "Claim",
    "Clearance",
    "Decision",
    "FailedProof",
    "GateResult",
    "SignOff",
    "StatusRow",
]

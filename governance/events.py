from enum import StrEnum


class GovernanceEvent(StrEnum):
    CARD_REVISED = "governance.card.revised"
    POLICY_SET = "governance.policy.set"
    REQUEST_SUBMITTED = "governance.request.submitted"
    REQUEST_WITHDRAWN = "governance.request.withdrawn"
    REQUEST_APPROVED = "governance.request.approved"
    REQUEST_REJECTED = "governance.request.rejected"
    REQUEST_EXECUTED = "governance.request.executed"
    REQUEST_FAILED = "governance.request.failed"
    REQUEST_RETRIED = "governance.request.retried"
    REQUEST_REFRESHED = "governance.request.refreshed"
    SIGNOFF_SIGNED = "governance.signoff.signed"
    SIGNOFF_PROOF_FAILED = "governance.signoff.proof_failed"
    CLEARANCE_GRANTED = "governance.clearance.granted"
    CLEARANCE_SUSPENDED = "governance.clearance.suspended"
    CLEARANCE_REINSTATED = "governance.clearance.reinstated"
    CLEARANCE_ENDED = "governance.clearance.ended"

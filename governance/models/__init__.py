"""What is allowed: cards, controls, policies, change requests, sign-offs, findings, clearance."""

from governance.models.cards import Card, CardRevision, Claim
from governance.models.claim_checks import ClaimCheck
from governance.models.clearance import Clearance, StatusRow
from governance.models.findings import (
    Finding,
    FindingEntry,
    FindingKind,
    FindingSeverity,
    Waiver,
)
from governance.models.frameworks import (
    Assessment,
    AttachedEvidence,
    Control,
    ControlStatus,
    Edition,
    Framework,
    ModelScope,
    RuleChange,
)
from governance.models.policies import ApprovalPolicy
from governance.models.requests import ChangeRequest, GateResult
from governance.models.risk import Attestation, AttestationResult, RiskAssessment
from governance.models.signatures import Decision, FailedProof, SignOff

__all__ = [
    "ApprovalPolicy",
    "Assessment",
    "AttachedEvidence",
    "Attestation",
    "AttestationResult",
    "Card",
    "CardRevision",
    "ChangeRequest",
    "Claim",
    "ClaimCheck",
    "Clearance",
    "Control",
    "ControlStatus",
    "Decision",
    "Edition",
    "FailedProof",
    "Finding",
    "FindingEntry",
    "FindingKind",
    "FindingSeverity",
    "Framework",
    "GateResult",
    "ModelScope",
    "RiskAssessment",
    "RuleChange",
    "SignOff",
    "StatusRow",
    "Waiver",
]

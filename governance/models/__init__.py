"""What is allowed: cards, controls, policies, change requests, sign-offs, findings, clearance."""

from governance.models.card_imports import CardImport
from governance.models.cards import Card, CardRevision, Claim
from governance.models.claim_checks import ClaimCheck
from governance.models.clearance import Clearance, StatusRow
from governance.models.conditions import Condition
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
from governance.models.guidelines import (
    AnswersState,
    EditionState,
    Guideline,
    GuidelineAnswers,
    GuidelineEdition,
)
from governance.models.policies import ApprovalPolicy
from governance.models.purposes import PurposeChange, Revalidation, RevalidationCause
from governance.models.requests import ChangeRequest, GateResult
from governance.models.risk import Attestation, AttestationResult, RiskAssessment
from governance.models.samples import (
    Bundle,
    BundleState,
    Conclusion,
    Population,
    Sample,
    SampleEntry,
    SampleItem,
)
from governance.models.signatures import Decision, FailedProof, SignOff

__all__ = [
    "AnswersState",
    "ApprovalPolicy",
    "Assessment",
    "AttachedEvidence",
    "Attestation",
    "AttestationResult",
    "Bundle",
    "BundleState",
    "Card",
    "CardImport",
    "CardRevision",
    "ChangeRequest",
    "Claim",
    "ClaimCheck",
    "Clearance",
    "Conclusion",
    "Condition",
    "Control",
    "ControlStatus",
    "Decision",
    "Edition",
    "EditionState",
    "FailedProof",
    "Finding",
    "FindingEntry",
    "FindingKind",
    "FindingSeverity",
    "Framework",
    "GateResult",
    "Guideline",
    "GuidelineAnswers",
    "GuidelineEdition",
    "ModelScope",
    "Population",
    "PurposeChange",
    "Revalidation",
    "RevalidationCause",
    "RiskAssessment",
    "RuleChange",
    "Sample",
    "SampleEntry",
    "SampleItem",
    "SignOff",
    "StatusRow",
    "Waiver",
]

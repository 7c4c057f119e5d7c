"""What is allowed: cards, controls, policies, change requests, sign-offs, findings, clearance."""

from governance.models.back_tests import BackTest, BackTestState, BackTestSubject
from governance.models.card_imports import CardImport
from governance.models.cards import Card, CardRevision, Claim
from governance.models.challenge import ChallengeSwitch, EvidenceKind, EvidenceOpening
from governance.models.claim_checks import ClaimCheck
from governance.models.clearance import Clearance, StatusRow
from governance.models.conditions import Condition
from governance.models.discussion import ABOUT, EntryKind, RequestEntry
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
from governance.models.policy_changes import PolicyChange, PolicyChangeState, PolicySignature
from governance.models.publications import CardPublication
from governance.models.purposes import PurposeChange, Revalidation, RevalidationCause
from governance.models.reminders import Reminder, ReminderKind
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
    "ABOUT",
    "AnswersState",
    "ApprovalPolicy",
    "Assessment",
    "AttachedEvidence",
    "Attestation",
    "AttestationResult",
    "BackTest",
    "BackTestState",
    "BackTestSubject",
    "Bundle",
    "BundleState",
    "Card",
    "CardImport",
    "CardPublication",
    "CardRevision",
    "ChallengeSwitch",
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
    "EntryKind",
    "EvidenceKind",
    "EvidenceOpening",
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
    "PolicyChange",
    "PolicyChangeState",
    "PolicySignature",
    "Population",
    "PurposeChange",
    "Reminder",
    "ReminderKind",
    "RequestEntry",
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

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
from governance.models.life_facts import LifeFact, LifeFactKind, ModelClient, Registration
from governance.models.no_objections import NoObjection
from governance.models.policies import ApprovalPolicy
from governance.models.policy_changes import PolicyChange, PolicySignature
from governance.models.proposals import Proposal, ProposalSignature, ProposalState
from governance.models.publications import CardPublication
from governance.models.purposes import PurposeChange, Revalidation, RevalidationCause
from governance.models.recommendations import (
    NotFollowed,
    Recommendation,
    RecommendationLook,
    RuleTable,
    RuleTableChange,
    RuleTableSignature,
    RuleTableTrial,
)
from governance.models.reminders import Reminder, ReminderKind
from governance.models.requests import ChangeRequest, GateResult
from governance.models.retirements import (
    NoticeKind,
    Retirement,
    RetirementNotice,
    RetirementObjection,
    RetirementPolicy,
    RetirementStep,
)
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
from governance.models.watches import RollBack, Watch, WatchNotice
from governance.models.winners import WinnerProposal

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
    "LifeFact",
    "LifeFactKind",
    "ModelClient",
    "ModelScope",
    "NoObjection",
    "NotFollowed",
    "NoticeKind",
    "PolicyChange",
    "PolicySignature",
    "Population",
    "Proposal",
    "ProposalSignature",
    "ProposalState",
    "PurposeChange",
    "Recommendation",
    "RecommendationLook",
    "Registration",
    "Reminder",
    "ReminderKind",
    "RequestEntry",
    "Retirement",
    "RetirementNotice",
    "RetirementObjection",
    "RetirementPolicy",
    "RetirementStep",
    "Revalidation",
    "RevalidationCause",
    "RiskAssessment",
    "RollBack",
    "RuleChange",
    "RuleTable",
    "RuleTableChange",
    "RuleTableSignature",
    "RuleTableTrial",
    "Sample",
    "SampleEntry",
    "SampleItem",
    "SignOff",
    "StatusRow",
    "Waiver",
    "Watch",
    "WatchNotice",
    "WinnerProposal",
]

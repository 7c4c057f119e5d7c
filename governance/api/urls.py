"""The governance addresses of the API, below /api/v1/."""

from django.urls import URLPattern, URLResolver, path

from governance.api.as_of import AsOfView
from governance.api.back_tests import BackTestListView, BackTestView, MonitorTrialView
from governance.api.bundles import BundleFileView, BundleListView, BundleView
from governance.api.card_differences import CardDifferencesView
from governance.api.card_imports import CardImportView
from governance.api.card_numbers import UnboundNumbersView
from governance.api.cards import CardView
from governance.api.challenge import ChallengeSwitchView, ChallengeView
from governance.api.clearance import ClearanceView
from governance.api.controls import (
    AssessmentView,
    EvidenceListView,
    EvidenceView,
    ModelControlsView,
    ModelControlView,
    ScopeView,
)
from governance.api.discussion import DiscussionView
from governance.api.due_dates import DueDateView
from governance.api.erasures import (
    CertificateView,
    ErasureCheckView,
    ErasureListView,
    ErasureRefuseView,
    ErasureView,
)
from governance.api.findings import (
    FindingListView,
    FindingMoveView,
    FindingNoteView,
    FindingView,
    WaiverDecisionView,
    WaiverListView,
    WaiverWithdrawView,
)
from governance.api.frameworks import FrameworkChangesView, FrameworkListView, FrameworkView
from governance.api.guidelines import (
    AnswersSignView,
    GuidelineEndView,
    GuidelineListView,
    GuidelineSignView,
    GuidelineView,
    VersionGuidelinesView,
    VersionGuidelineView,
)
from governance.api.people import ClosingView, HandOverView, PersonView
from governance.api.policies import (
    PolicyChangeListView,
    PolicyChangeView,
    PolicyDecisionView,
    PolicyListView,
    PolicyView,
    PolicyWithdrawView,
)
from governance.api.publications import PublicationsView
from governance.api.purges import (
    ArchivePurgeView,
    PurgeConfirmView,
    PurgeListView,
    PurgeRefuseView,
    PurgeTombstoneView,
    PurgeView,
)
from governance.api.purposes import PurposeView, RevalidationListView
from governance.api.receipts import ReceiptView
from governance.api.recommendations import (
    ModelRecommendationsView,
    NotFollowedView,
    RuleTableChangeListView,
    RuleTableChangeView,
    RuleTableDecisionView,
    RuleTableView,
    RuleTableWithdrawView,
)
from governance.api.requests import (
    ArchiveListView,
    ConditionsView,
    DecisionView,
    RefreshView,
    RequestListView,
    RequestView,
    RestoreView,
    WithdrawView,
)
from governance.api.retention import RetentionRefuseView, RetentionSignView, RetentionView
from governance.api.retirement_policies import (
    LifeFactListView,
    ModelClientEndView,
    ModelClientListView,
    RegistrationView,
    RetirementPolicyListView,
    RetirementPolicyView,
)
from governance.api.retirements import (
    NoObjectionListView,
    ObjectionAnswerView,
    ObjectionListView,
    ReplacementView,
    RetirementListView,
    RetirementView,
    StepRetryView,
    TombstoneView,
)
from governance.api.retraining_policies import PolicyApproveView
from governance.api.risk import AttestationListView, AttestationSignView, RiskView
from governance.api.rollbacks import (
    RollBackListView,
    RollBackView,
    TargetsView,
    WatchListView,
    WatchView,
)
from governance.api.samples import (
    SampleEntryView,
    SampleExceptionView,
    SampleItemView,
    SampleListView,
    SampleView,
)
from governance.api.search import SearchView
from governance.api.signing import SigningChallengeView
from governance.api.status import model_status
from governance.api.tokens import ClearanceTokensView, RevocationsView

ASKED = "models/<slug:model>/versions/<int:version>/guidelines"
RULES = "recommendation-rules"
RULE_CHANGE = f"{RULES}/changes/<int:table_change>"
ITEM = "samples/<int:sample>/items/<int:position>"
CONTROL = "models/<slug:model>/controls/<slug:framework>/<str:control>"

urlpatterns: list[URLPattern | URLResolver] = [
    path("models/<slug:model>/status", model_status, name="api-status"),
    path(
        "models/<slug:model>/clearance",
        ClearanceTokensView.as_view(),
        name="api-clearance-tokens",
    ),
    path("models/<slug:model>/as-of", AsOfView.as_view(), name="api-as-of"),
    path("search", SearchView.as_view(), name="api-search"),
    path("receipts/<str:prediction>", ReceiptView.as_view(), name="api-receipt"),
    path("clearance/revocations", RevocationsView.as_view(), name="api-revocations"),
    path("models/<slug:model>/versions/<int:version>/card", CardView.as_view(), name="api-card"),
    path(
        "models/<slug:model>/versions/<int:version>/card/differences",
        CardDifferencesView.as_view(),
        name="api-card-differences",
    ),
    path(
        "models/<slug:model>/versions/<int:version>/card/publications",
        PublicationsView.as_view(),
        name="api-card-publications",
    ),
    path(
        "models/<slug:model>/versions/<int:version>/card/unbound-numbers",
        UnboundNumbersView.as_view(),
        name="api-card-unbound",
    ),
    path(
        "models/<slug:model>/versions/<int:version>/card/import",
        CardImportView.as_view(),
        name="api-card-import",
    ),
    path(
        "models/<slug:model>/versions/<int:version>/clearance",
        ClearanceView.as_view(),
        name="api-clearance",
    ),
    path("change-requests", RequestListView.as_view(), name="api-requests"),
    path("change-requests/<int:pk>", RequestView.as_view(), name="api-request"),
    path("change-requests/<int:pk>/decisions", DecisionView.as_view(), name="api-decisions"),
    path("change-requests/<int:pk>/withdraw", WithdrawView.as_view(), name="api-withdraw"),
    path("change-requests/<int:pk>/conditions", ConditionsView.as_view(), name="api-conditions"),
    path("change-requests/<int:pk>/due-date", DueDateView.as_view(), name="api-request-due"),
    path("change-requests/<int:pk>/entries", DiscussionView.as_view(), name="api-request-entries"),
    path("change-requests/<int:pk>/refresh", RefreshView.as_view(), name="api-refresh"),
    path("frameworks", FrameworkListView.as_view(), name="api-frameworks"),
    path("frameworks/<slug:framework>", FrameworkView.as_view(), name="api-framework"),
    path(
        "frameworks/<slug:framework>/changes",
        FrameworkChangesView.as_view(),
        name="api-framework-changes",
    ),
    path("models/<slug:model>/controls", ModelControlsView.as_view(), name="api-controls"),
    path("models/<slug:model>/scope", ScopeView.as_view(), name="api-scope"),
    path("models/<slug:model>/risk", RiskView.as_view(), name="api-risk"),
    path(CONTROL, ModelControlView.as_view(), name="api-control"),
    path(f"{CONTROL}/assessments", AssessmentView.as_view(), name="api-assessments"),
    path(f"{CONTROL}/evidence", EvidenceListView.as_view(), name="api-evidence-list"),
    path("evidence/<int:evidence>", EvidenceView.as_view(), name="api-evidence"),
    path("findings", FindingListView.as_view(), name="api-findings"),
    path("findings/<int:finding>", FindingView.as_view(), name="api-finding"),
    path("findings/<int:finding>/moves", FindingMoveView.as_view(), name="api-finding-moves"),
    path("findings/<int:finding>/notes", FindingNoteView.as_view(), name="api-finding-notes"),
    path("waivers", WaiverListView.as_view(), name="api-waivers"),
    path("waivers/<int:waiver>/decision", WaiverDecisionView.as_view(), name="api-waiver-decision"),
    path("waivers/<int:waiver>/withdraw", WaiverWithdrawView.as_view(), name="api-waiver-withdraw"),
    path("attestations", AttestationListView.as_view(), name="api-attestations"),
    path(
        "attestations/<int:attestation>/sign",
        AttestationSignView.as_view(),
        name="api-attestation-sign",
    ),
    path("policies", PolicyListView.as_view(), name="api-policies"),
    path("policies/<slug:kind>/<slug:tier>", PolicyView.as_view(), name="api-policy"),
    path("policy-changes", PolicyChangeListView.as_view(), name="api-policy-changes"),
    path("policy-changes/<int:change>", PolicyChangeView.as_view(), name="api-policy-change"),
    path(
        "policy-changes/<int:change>/decisions",
        PolicyDecisionView.as_view(),
        name="api-policy-decisions",
    ),
    path(
        "policy-changes/<int:change>/withdraw",
        PolicyWithdrawView.as_view(),
        name="api-policy-withdraw",
    ),
    path("guidelines", GuidelineListView.as_view(), name="api-guidelines"),
    path("guidelines/<slug:guideline>", GuidelineView.as_view(), name="api-guideline"),
    path(
        "guidelines/<slug:guideline>/sign", GuidelineSignView.as_view(), name="api-guideline-sign"
    ),
    path("guidelines/<slug:guideline>/end", GuidelineEndView.as_view(), name="api-guideline-end"),
    path(ASKED, VersionGuidelinesView.as_view(), name="api-version-guidelines"),
    path(f"{ASKED}/<slug:guideline>", VersionGuidelineView.as_view(), name="api-version-guideline"),
    path(f"{ASKED}/<slug:guideline>/sign", AnswersSignView.as_view(), name="api-answers-sign"),
    path("models/<slug:model>/purpose", PurposeView.as_view(), name="api-purpose"),
    path("revalidations", RevalidationListView.as_view(), name="api-revalidations"),
    path("samples", SampleListView.as_view(), name="api-samples"),
    path("samples/<int:sample>", SampleView.as_view(), name="api-sample"),
    path(ITEM, SampleItemView.as_view(), name="api-sample-item"),
    path(f"{ITEM}/entries", SampleEntryView.as_view(), name="api-sample-entries"),
    path(f"{ITEM}/exception", SampleExceptionView.as_view(), name="api-sample-exception"),
    path("bundles", BundleListView.as_view(), name="api-bundles"),
    path("bundles/<int:bundle>", BundleView.as_view(), name="api-bundle"),
    path("bundles/<int:bundle>/file", BundleFileView.as_view(), name="api-bundle-file"),
    path("challenge", ChallengeView.as_view(), name="api-challenge"),
    path("challenge/<slug:team>", ChallengeSwitchView.as_view(), name="api-challenge-switch"),
    path("back-tests", BackTestListView.as_view(), name="api-back-tests"),
    path("monitors/<int:monitor>/back-tests", MonitorTrialView.as_view(), name="api-try-monitor"),
    path("back-tests/<int:back_test>", BackTestView.as_view(), name="api-back-test"),
    # GET is the registry's: these addresses come before the registry's in config/urls.py.
    path("archives", ArchiveListView.as_view(), name="api-archives"),
    path("archives/<int:archive>/purge", ArchivePurgeView.as_view(), name="api-archive-purge"),
    path(
        "retraining-policies/<int:policy>/approve",
        PolicyApproveView.as_view(),
        name="api-retraining-policy-approve",
    ),
    path("retention", RetentionView.as_view(), name="api-retention"),
    path("retention/<int:table>/sign", RetentionSignView.as_view(), name="api-retention-sign"),
    path(
        "retention/<int:table>/refuse", RetentionRefuseView.as_view(), name="api-retention-refuse"
    ),
    path("purges", PurgeListView.as_view(), name="api-purges"),
    path("purges/<int:purge>", PurgeView.as_view(), name="api-purge"),
    path("purges/<int:purge>/tombstone", PurgeTombstoneView.as_view(), name="api-purge-tombstone"),
    path("purges/<int:purge>/confirm", PurgeConfirmView.as_view(), name="api-purge-confirm"),
    path("purges/<int:purge>/refuse", PurgeRefuseView.as_view(), name="api-purge-refuse"),
    path("archives/<int:pk>/restore", RestoreView.as_view(), name="api-archive-restore"),
    path("people/<int:person>", PersonView.as_view(), name="api-person"),
    path("people/<int:person>/hand-over", HandOverView.as_view(), name="api-person-hand-over"),
    path("people/<int:person>/closing", ClosingView.as_view(), name="api-person-closing"),
    path("signing-challenges", SigningChallengeView.as_view(), name="api-signing-challenges"),
    path(
        "models/<slug:model>/recommendations",
        ModelRecommendationsView.as_view(),
        name="api-model-recommendations",
    ),
    path(
        "recommendations/<int:recommendation>/not-followed",
        NotFollowedView.as_view(),
        name="api-not-followed",
    ),
    path(RULES, RuleTableView.as_view(), name="api-rule-table"),
    path(f"{RULES}/changes", RuleTableChangeListView.as_view(), name="api-rule-table-changes"),
    path(RULE_CHANGE, RuleTableChangeView.as_view(), name="api-rule-table-change"),
    path(
        f"{RULE_CHANGE}/decisions", RuleTableDecisionView.as_view(), name="api-rule-table-decisions"
    ),
    path(
        f"{RULE_CHANGE}/withdraw", RuleTableWithdrawView.as_view(), name="api-rule-table-withdraw"
    ),
]

RETIREMENT = "retirements/<int:retirement>"
LIFE = "models/<slug:model>"

urlpatterns += [
    path("retirements", RetirementListView.as_view(), name="api-retirements"),
    path(RETIREMENT, RetirementView.as_view(), name="api-retirement"),
    path(f"{RETIREMENT}/objections", ObjectionListView.as_view(), name="api-objections"),
    path(f"{RETIREMENT}/no-objections", NoObjectionListView.as_view(), name="api-no-objections"),
    path(
        f"{RETIREMENT}/objections/<int:objection>/answer",
        ObjectionAnswerView.as_view(),
        name="api-objection-answer",
    ),
    path(f"{RETIREMENT}/replacement", ReplacementView.as_view(), name="api-replacement"),
    path(f"{RETIREMENT}/steps/<int:step>/retry", StepRetryView.as_view(), name="api-step-retry"),
    path(f"{RETIREMENT}/tombstone", TombstoneView.as_view(), name="api-tombstone"),
    path("retirement-policies", RetirementPolicyListView.as_view(), name="api-retirement-policies"),
    path(
        "retirement-policies/<slug:scope>/<slug:place>",
        RetirementPolicyView.as_view(),
        name="api-retirement-policy",
    ),
    path(f"{LIFE}/life-facts", LifeFactListView.as_view(), name="api-life-facts"),
    path(f"{LIFE}/clients", ModelClientListView.as_view(), name="api-clients"),
    path(f"{LIFE}/clients/<int:client>/end", ModelClientEndView.as_view(), name="api-client-end"),
    path(f"{LIFE}/registration", RegistrationView.as_view(), name="api-registration"),
    path("models/<slug:model>/roll-back", TargetsView.as_view(), name="api-roll-back-new"),
    path("roll-backs", RollBackListView.as_view(), name="api-roll-backs"),
    path("roll-backs/<int:roll_back>", RollBackView.as_view(), name="api-roll-back"),
    path("watches", WatchListView.as_view(), name="api-watches"),
    path("watches/<int:watch>", WatchView.as_view(), name="api-watch"),
    path("erasures", ErasureListView.as_view(), name="api-erasures"),
    path("erasures/<int:erasure>", ErasureView.as_view(), name="api-erasure"),
    path("erasures/<int:erasure>/check", ErasureCheckView.as_view(), name="api-erasure-check"),
    path("erasures/<int:erasure>/refuse", ErasureRefuseView.as_view(), name="api-erasure-refuse"),
    path(
        "erasures/<int:erasure>/certificate",
        CertificateView.as_view(),
        name="api-erasure-certificate",
    ),
]

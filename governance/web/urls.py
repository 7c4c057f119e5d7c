"""The pages of models, cards and change requests."""

from django.urls import URLPattern, URLResolver, path

from governance.web import (
    as_of,
    cards,
    catalogue,
    clearance,
    controls,
    findings,
    frameworks,
    inbox,
    overview,
    receipts,
    requests,
    risk,
    search,
    signing,
    versions,
)

VERSION = "models/<slug:slug>/<int:number>"
CONTROL = "models/<slug:slug>/controls/<slug:framework>/<str:control>"
FINDING = "findings/<int:finding>"
REQUEST = "change-requests/<int:request_id>"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", overview.overview_page, name="overview"),
    path("models", catalogue.models, name="models"),
    path("search", search.search_page, name="search"),
    path("receipts", receipts.receipt_page, name="receipt"),
    path("models/<slug:slug>", catalogue.model, name="model"),
    path("models/<slug:slug>/as-of", as_of.model_as_of, name="model-as-of"),
    path(VERSION, versions.version, name="version"),
    path(f"{VERSION}/card", cards.card, name="card"),
    path(f"{VERSION}/card/edit", cards.edit, name="card-edit"),
    path(f"{VERSION}/card/refresh", cards.refresh, name="card-refresh"),
    path(f"{VERSION}/card/revisions", cards.revisions, name="card-revisions"),
    path(f"{VERSION}/request", requests.new, name="request-new"),
    path(f"{VERSION}/clearance", clearance.decide, name="clearance"),
    path("inbox", inbox.inbox, name="inbox"),
    path("change-requests", inbox.all_requests, name="change-requests"),
    path(REQUEST, requests.change_request, name="change-request"),
    path(f"{REQUEST}/sign", signing.sign, name="sign"),
    path(f"{REQUEST}/withdraw", requests.withdraw_request, name="request-withdraw"),
    path(f"{REQUEST}/refresh", requests.refresh, name="request-refresh"),
    path(f"{REQUEST}/retry", requests.try_again, name="request-retry"),
    path("frameworks", frameworks.frameworks, name="frameworks"),
    path("frameworks/new", frameworks.framework_new, name="framework-new"),
    path("frameworks/<slug:framework>", frameworks.framework, name="framework"),
    path(
        "frameworks/<slug:framework>/changes",
        frameworks.framework_changes,
        name="framework-changes",
    ),
    path("controls", controls.controls, name="controls"),
    path("models/<slug:slug>/compliance", controls.model_compliance, name="compliance"),
    path("models/<slug:slug>/scope", controls.scope, name="scope"),
    path(CONTROL, controls.model_control, name="model-control"),
    path(f"{CONTROL}/evidence", controls.attach, name="control-evidence"),
    path("models/<slug:slug>/risk", risk.model_risk, name="model-risk"),
    path("models/<slug:slug>/waiver", findings.waiver_new, name="waiver-new"),
    path("attestations/<int:attestation>", risk.attestation, name="attestation"),
    path("findings", findings.findings, name="findings"),
    path("findings/new", findings.finding_new, name="finding-new"),
    path(FINDING, findings.finding, name="finding"),
    path(f"{FINDING}/move", findings.finding_move, name="finding-move"),
    path(f"{FINDING}/note", findings.finding_note, name="finding-note"),
    path(f"{FINDING}/change", findings.finding_change, name="finding-change"),
    path("waivers", findings.waivers, name="waivers"),
    path("waivers/<int:waiver>", findings.waiver, name="waiver"),
]

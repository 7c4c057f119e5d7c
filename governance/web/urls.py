"""The pages of models, cards and change requests."""

from django.urls import URLPattern, URLResolver, path

from governance.web import cards, catalogue, clearance, inbox, overview, requests, signing, versions

VERSION = "models/<slug:slug>/<int:number>"
REQUEST = "change-requests/<int:request_id>"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", overview.overview_page, name="overview"),
    path("models", catalogue.models, name="models"),
    path("search", catalogue.search, name="search"),
    path("models/<slug:slug>", catalogue.model, name="model"),
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
]

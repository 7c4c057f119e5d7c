"""Every address of Ombud. A new one needs a line in the route × role table of the tests."""

from allauth.account import views as allauth_views
from allauth.mfa.base import views as second_step
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import TemplateView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from accounts.web import security
from config.health import healthz, readyz
from governance.api.card_schema import schema as card_schema
from governance.api.tokens import jwks

sign_in: list[URLPattern | URLResolver] = [
    path("login/", allauth_views.login, name="account_login"),
    path("logout/", allauth_views.logout, name="account_logout"),
    path("2fa/", second_step.authenticate, name="mfa_authenticate"),
    path("reauthenticate/", allauth_views.reauthenticate, name="account_reauthenticate"),
    path("password/change/", security.password, name="account_change_password"),
]

api: list[URLPattern | URLResolver] = [
    path("", include("accounts.api.urls")),
    path("", include("audit.api.urls")),
    path("", include("governance.api.urls")),
    path("", include("monitoring.api.urls")),
    path("", include("registry.api.urls")),
    path("schema", SpectacularAPIView.as_view(), name="api-schema"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path(".well-known/jwks.json", jwks, name="jwks"),
    path("schemas/card", card_schema, name="card-schema"),
    path("api/v1/", include(api)),
    path("api/docs", SpectacularSwaggerSplitView.as_view(url_name="api-schema"), name="api-docs"),
    path("accounts/", include(sign_in)),
    path("accounts/", include("accounts.web.urls")),
    path("", include("accounts.web.people_urls")),
    path("design", TemplateView.as_view(template_name="design.html"), name="design"),
    path("audit", include("audit.web.urls")),
    path("hooks/", include("registry.web.hooks_urls")),
    path("", include("registry.web.urls")),
    path("", include("monitoring.web.urls")),
    path("", include("governance.web.urls")),
]

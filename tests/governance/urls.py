"""The API's addresses alone, so that these tests need no pages."""

from django.urls import include, path

api = [
    path("", include("governance.api.urls")),
    path("", include("registry.api.urls")),
]
urlpatterns = [path("api/v1/", include(api))]

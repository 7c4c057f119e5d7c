from django.urls import path

from accounts.api.views import MeView

urlpatterns = [path("people/me", MeView.as_view(), name="api-me")]

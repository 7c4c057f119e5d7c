from django.urls import path

from accounts.api.delegations import DelegationEndView, DelegationListView
from accounts.api.views import MeView

urlpatterns = [
    path("people/me", MeView.as_view(), name="api-me"),
    path("delegations", DelegationListView.as_view(), name="api-delegations"),
    path(
        "delegations/<int:delegation>/end", DelegationEndView.as_view(), name="api-delegation-end"
    ),
]

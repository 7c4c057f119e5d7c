from django.urls import path

from accounts.api import people, teams
from accounts.api.delegations import DelegationEndView, DelegationListView
from accounts.api.views import MeView

ROLES = "people/<int:person>/roles"

urlpatterns = [
    path("people/me", MeView.as_view(), name="api-me"),
    path("people", people.PeopleView.as_view(), name="api-people"),
    path(ROLES, people.PersonRolesView.as_view(), name="api-person-roles"),
    path(
        f"{ROLES}/<int:membership>/take",
        people.PersonRoleTakeView.as_view(),
        name="api-person-role-take",
    ),
    path(
        "people/<int:person>/reopening",
        people.PersonReopenView.as_view(),
        name="api-person-reopening",
    ),
    path("teams", teams.TeamsView.as_view(), name="api-teams"),
    path("teams/<slug:team>", teams.TeamView.as_view(), name="api-team"),
    path("delegations", DelegationListView.as_view(), name="api-delegations"),
    path(
        "delegations/<int:delegation>/end", DelegationEndView.as_view(), name="api-delegation-end"
    ),
]

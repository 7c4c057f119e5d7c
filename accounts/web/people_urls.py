from django.urls import path

from accounts.web import people, teams

urlpatterns = [
    path("people", people.people, name="people"),
    path("people/new", people.new, name="person-new"),
    path("people/<int:person>/link", people.link, name="person-link"),
    path("people/<int:person>/roles", people.give_role, name="person-role"),
    path(
        "people/<int:person>/roles/<int:membership>/take",
        people.take_role,
        name="person-role-take",
    ),
    path("people/<int:person>/factors", people.factors, name="person-factors"),
    path("people/<int:person>/reopen", people.reopen, name="person-reopen"),
    path("teams", teams.teams, name="teams"),
    path("teams/<slug:team>", teams.team, name="team"),
]

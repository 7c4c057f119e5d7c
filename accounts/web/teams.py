"""Administrators and teams: the list, a new one, another name, who is in it."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from accounts.directory import members_of, team_lines
from accounts.models import Team
from accounts.services.teams import create_team, rename_team
from accounts.sessions import person_of
from accounts.web.people import for_administrators
from accounts.web.people_forms import RenameForm, TeamForm


@require_http_methods(["GET", "HEAD", "POST"])
@for_administrators
def teams(request: HttpRequest) -> HttpResponse:
    """Every team; POST makes one."""
    form = TeamForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            made = create_team(actor=person_of(request), **form.cleaned_data)
        except ValueError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, f"The team {made.name} is made. Give people roles in it.")
            return redirect("team", made.slug)
    context = {"teams": team_lines(), "form": form}
    return render(request, "accounts/teams.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@for_administrators
def team(request: HttpRequest, team: str) -> HttpResponse:
    """Who is in a team; POST gives it another name."""
    found = get_object_or_404(Team, slug=team)
    posted = request.method == "POST"
    form = RenameForm(request.POST if posted else None, initial={"name": found.name})
    if posted and form.is_valid():
        try:
            rename_team(actor=person_of(request), team_id=found.pk, **form.cleaned_data)
        except ValueError as error:
            form.add_error("name", str(error))
        else:
            messages.success(request, "The team has its new name.")
            return redirect("team", found.slug)
    context = {"team": found, "members": members_of(found), "form": form}
    return render(request, "accounts/team.html", context, status=422 if form.errors else 200)

"""Frameworks: the list, one with its controls, what changed, a team's own added."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import Team, User
from accounts.policies import require
from accounts.sessions import person_of
from governance.framework_files import LARGEST
from governance.policies import can_add_framework
from governance.reads.frameworks import changes_of, framework_detail, frameworks_for
from governance.refusals import BadFile, Unable
from governance.services.frameworks import ONLY_JUDGES, add_framework
from governance.web.answers import blame
from governance.web.control_forms import FrameworkForm


@require_safe
def frameworks(request: HttpRequest) -> HttpResponse:
    """Every framework that the person may see, with its dates."""
    person = person_of(request)
    context = {"lines": frameworks_for(person), "can_add": bool(_teams(person))}
    return render(request, "governance/frameworks.html", context)


@require_safe
def framework(request: HttpRequest, framework: str) -> HttpResponse:
    """One framework with its controls."""
    detail = framework_detail(person_of(request), framework)
    return render(request, "governance/framework.html", {"detail": detail, "line": detail.line})


@require_safe
def framework_changes(request: HttpRequest, framework: str) -> HttpResponse:
    """What changed in its rules, and what that means for the person's models."""
    person = person_of(request)
    detail = framework_detail(person, framework)
    context = {"line": detail.line, "changes": changes_of(person, framework)}
    return render(request, "governance/framework_changes.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def framework_new(request: HttpRequest) -> HttpResponse:
    """Add a team's own framework from its YAML file; wrong places are named by line."""
    person = person_of(request)
    teams = _teams(person)
    require(bool(teams), ONLY_JUDGES)
    posted = request.method == "POST"
    form = FrameworkForm(
        request.POST if posted else None, request.FILES if posted else None, teams=teams
    )
    problems: list[object] = []
    status = 422 if posted else 200
    if posted and form.is_valid():
        try:
            edition = add_framework(
                actor=person, team_id=int(form.cleaned_data["team"]), raw=_raw(form)
            )
        except BadFile as error:
            problems = error.problems
        except Unable as error:
            status = blame(form, error)
        else:
            messages.success(request, f"{edition.title} is added as edition {edition.number}.")
            return redirect("framework", edition.framework.slug)
    context = {"form": form, "problems": problems}
    return render(request, "governance/framework_new.html", context, status=status)


def _raw(form: FrameworkForm) -> bytes:
    file = form.cleaned_data.get("file")
    if file:
        raw: bytes = file.read(LARGEST + 1)
        return raw
    text: str = form.cleaned_data["text"]
    return text.replace("\r\n", "\n").encode()


def _teams(person: User) -> list[tuple[int, str]]:
    """The teams whose frameworks this person may add. One query."""
    rows = Team.objects.order_by("name").values_list("pk", "name")
    return [(pk, name) for pk, name in rows if can_add_framework(person, pk)]

"""Administrators and people: the list, somebody new, roles, links and lost second factors."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import mail
from accounts.directory import STATES, people_page, team_lines
from accounts.models import Membership, User, UserKind
from accounts.policies import Refused, can_administer, require
from accounts.roles import Role
from accounts.services.administrators import ONLY_ADMINISTRATORS
from accounts.services.closing import reopen_account
from accounts.services.invitations import NewLink, invite_again, invite_new
from accounts.services.lost import forget_factors, in_words
from accounts.services.people import grant_role, withdraw_role
from accounts.sessions import person_of
from accounts.web.freshness import prove_first, proved_recently
from accounts.web.people_forms import FactorsForm, PersonForm, ReasonForm, RoleForm

STATE_WORDS = {"open": "May sign in", "closed": "Closed", "invited": "Invited", "all": "All"}
View = Callable[..., HttpResponse]


def for_administrators(view: View) -> View:
    """Refused for everybody else, before anything is looked up."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        require(can_administer(person_of(request)), ONLY_ADMINISTRATORS)
        return view(request, *args, **kwargs)

    return guarded


def proved_just_now(view: View) -> View:
    """Who opens a way into somebody's account has proved themselves within five minutes."""

    @wraps(view)
    def guarded(request: HttpRequest, person: int) -> HttpResponse:
        if proved_recently(request):
            return view(request, person)
        messages.info(request, "Prove that it is you; then press the button once more.")
        return prove_first(request, reverse("person", args=[person]))

    return guarded


@require_safe
@for_administrators
def people(request: HttpRequest) -> HttpResponse:
    """Everybody by name, fifty at a time."""
    asked = {name: request.GET.get(name, "").replace("\0", "")[:120] for name in ("q", *FILTERS)}
    asked["state"] = asked["state"] if asked["state"] in STATES else "open"
    words = asked.pop("q")
    page = people_page(words=words, page=request.GET.get("page"), **asked)
    context = {
        "page": page,
        "fields": _fields(words, asked),
        "filtered": bool(words or asked["team"] or asked["role"] or asked["state"] != "open"),
        "shown": f"{page.start_index():,} to {page.end_index():,} of {page.paginator.count:,}",
    }
    return render(request, "accounts/people.html", context)


FILTERS = ("state", "team", "role")


def _fields(words: str, asked: dict[str, str]) -> list[dict[str, Any]]:
    teams = [("", "Any team"), *((one.slug, one.name) for one in team_lines())]
    roles = [("", "Any role"), *((one.value, one.label.capitalize()) for one in Role)]
    states = [(one, STATE_WORDS[one]) for one in STATES]
    return [
        {"name": "q", "label": "Name or address", "value": words, "wide": True},
        {"name": "state", "label": "Account", "value": asked["state"], "options": states},
        {"name": "team", "label": "Team", "value": asked["team"], "options": teams},
        {"name": "role", "label": "Role", "value": asked["role"], "options": roles},
    ]


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@for_administrators
def new(request: HttpRequest) -> HttpResponse:
    """Somebody new, who chooses a password by a link."""
    form = PersonForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            made = invite_new(actor=person_of(request), **form.cleaned_data)
        except ValueError as error:
            form.add_error(None, str(error))
        else:
            return _link(request, made)
    context = {"form": form, "by_mail": mail.is_set_up()}
    return render(request, "accounts/person_new.html", context, status=422 if form.errors else 200)


def _link(request: HttpRequest, made: NewLink) -> HttpResponse:
    """The link, in the answer to the POST and nowhere else."""
    return render(request, "accounts/person_link.html", {"made": made})


@never_cache
@require_POST
@for_administrators
@proved_just_now
def link(request: HttpRequest, person: int) -> HttpResponse:
    found = get_object_or_404(User, pk=person)
    try:
        made = invite_again(actor=person_of(request), user_id=found.pk)
    except Refused as error:
        messages.error(request, str(error))
        return redirect("person", person)
    return _link(request, made)


@require_POST
@for_administrators
def give_role(request: HttpRequest, person: int) -> HttpResponse:
    found = get_object_or_404(User, pk=person)
    form = RoleForm(request.POST, service=found.kind == UserKind.SERVICE)
    if not form.is_valid():
        return _back(request, person, form)
    role, why = form.cleaned_data["role"], form.cleaned_data["reason"]
    try:
        grant_role(
            actor=person_of(request),
            user_id=person,
            role=role,
            team_id=form.team_id(),
            reason=why,
        )
    except (Refused, ValueError) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{found.name} is {Role(role).label} now.")
    return redirect("person", person)


@require_POST
@for_administrators
def take_role(request: HttpRequest, person: int, membership: int) -> HttpResponse:
    found = get_object_or_404(Membership.objects.select_related("user"), pk=membership, user=person)
    form = ReasonForm(request.POST)
    if not form.is_valid():
        return _back(request, person, form)
    why = form.cleaned_data["reason"]
    try:
        withdraw_role(actor=person_of(request), membership_id=found.pk, reason=why)
    except Refused as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{found.user.name} is {found.get_role_display()} no more.")
    return redirect("person", person)


@require_POST
@for_administrators
@proved_just_now
def factors(request: HttpRequest, person: int) -> HttpResponse:
    """Second factors that were lost are taken away; every session of the person ends."""
    found = get_object_or_404(User, pk=person)
    form = FactorsForm(request.POST)
    if not form.is_valid():
        return _back(request, person, form)
    try:
        gone = forget_factors(actor=person_of(request), user_id=person, **form.cleaned_data)
    except Refused as error:
        messages.error(request, str(error))
        return redirect("person", person)
    listed = in_words(gone)
    if gone:
        messages.success(request, f"Taken away from {found.name}: {listed}. They are signed out.")
    else:
        messages.info(request, f"{found.name} has none; nothing was changed.")
    return redirect("person", person)


@require_POST
@for_administrators
def reopen(request: HttpRequest, person: int) -> HttpResponse:
    found = get_object_or_404(User, pk=person)
    form = ReasonForm(request.POST)
    if not form.is_valid():
        return _back(request, person, form)
    reopen_account(actor=person_of(request), user_id=person, reason=form.cleaned_data["reason"])
    messages.success(request, f"{found.name} may sign in again, with the roles listed here.")
    return redirect("person", person)


def _back(request: HttpRequest, person: int, form: Any) -> HttpResponse:
    """What was wrong, on the page it was sent from: these forms are short."""
    for name, errors in form.errors.items():
        label = form.fields[name].label or name.capitalize() if name in form.fields else ""
        messages.error(request, f"{label}: {' '.join(errors)} Nothing was changed.".lstrip(": "))
    return redirect("person", person)

"""What a model's life depends on: days that end, who calls it, where it is registered."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from accounts.policies import require
from accounts.sessions import person_of
from governance.models import ModelClient
from governance.reads.retirement_policies import LifePage, life_page
from governance.refusals import Unable
from governance.services.life_facts import ONLY_TEAM, add_client, end_client, record_fact
from governance.services.registrations import ONLY_OWNER, keep_registration
from governance.web.answers import blame, tell
from governance.web.retirement_forms import ClientForm, LifeFactForm, RegistrationForm


@require_http_methods(["GET", "HEAD", "POST"])
def life(request: HttpRequest, slug: str) -> HttpResponse:
    """A model's life; POST records a day on which something ends."""
    person = person_of(request)
    page = life_page(person, slug)
    if request.method != "POST":
        return _page(request, page)
    require(page.can_record, ONLY_TEAM)
    form = LifeFactForm(request.POST)
    if not form.is_valid():
        return _page(request, page, fact=form, status=422)
    try:
        record_fact(actor=person, model_id=page.model.pk, **form.wanted())
    except Unable as error:
        return _page(request, page, fact=form, status=blame(form, error))
    messages.success(request, "It is recorded, with your name and the source.")
    return redirect("model-life", slug)


@require_POST
def client_add(request: HttpRequest, slug: str) -> HttpResponse:
    """Say which system calls the model."""
    person = person_of(request)
    page = life_page(person, slug)
    require(page.can_record, ONLY_TEAM)
    form = ClientForm(request.POST, auto_id="client_%s")
    if not form.is_valid():
        return _page(request, page, client=form, status=422)
    try:
        add_client(actor=person, model_id=page.model.pk, **form.cleaned_data)
    except Unable as error:
        return _page(request, page, client=form, status=blame(form, error))
    messages.success(request, "Its contact hears of retirements from now on.")
    return redirect("model-life", slug)


@require_POST
def client_end(request: HttpRequest, slug: str, client: int) -> HttpResponse:
    """The system calls the model no longer."""
    person = person_of(request)
    page = life_page(person, slug)
    row = get_object_or_404(ModelClient, model=page.model, pk=client)
    require(page.can_record, ONLY_TEAM)
    try:
        end_client(actor=person, client_id=row.pk)
    except Unable as error:
        tell(request, error)
    else:
        messages.success(request, f"{row.name} is told of nothing any more.")
    return redirect("model-life", slug)


@require_POST
def registration(request: HttpRequest, slug: str) -> HttpResponse:
    """One step of the model's entry at an authority."""
    person = person_of(request)
    page = life_page(person, slug)
    require(page.can_register, ONLY_OWNER)
    form = RegistrationForm(request.POST, verbs=page.verbs, auto_id="entry_%s")
    if not form.is_valid():
        return _page(request, page, entry=form, status=422)
    try:
        keep_registration(actor=person, model_id=page.model.pk, **form.cleaned_data)
    except Unable as error:
        return _page(request, page, entry=form, status=blame(form, error))
    messages.success(request, "The registration is noted; cards say so from now on.")
    return redirect("model-life", slug)


def _page(
    request: HttpRequest,
    page: LifePage,
    *,
    fact: forms.Form | None = None,
    client: forms.Form | None = None,
    entry: forms.Form | None = None,
    status: int = 200,
) -> HttpResponse:
    known: dict[str, Any] = {}
    if page.registration is not None:
        known = {"register": page.registration.register, "number": page.registration.number}
    context = {
        "page": page,
        "model": page.model,
        "today": timezone.now().date(),
        "fact_form": fact or LifeFactForm(),
        "client_form": client or ClientForm(auto_id="client_%s"),
        "entry_form": entry
        or RegistrationForm(verbs=page.verbs, initial=known, auto_id="entry_%s"),
    }
    return render(request, "governance/life.html", context, status=status)

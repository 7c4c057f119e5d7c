"""The page on which a card is published: what is published, under which rule, and by whom."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.policies import require
from accounts.sessions import person_of
from governance.models import CardRevision
from governance.reads.cards import CardPage, card_of
from governance.reads.publications import Rule, blocked, rule_of, too_little
from governance.refusals import Unable
from governance.services.proofs import about
from governance.services.publishing import publish_card
from governance.web.answers import blame
from governance.web.proving import ask, proved
from registry.models import Version


class PublishForm(forms.Form):
    """A reason, and where the card is signed the proof, over the digest that was read."""

    reason = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 4}),
        max_length=4000,
        help_text="What you checked, or why readers are given this revision now.",
    )
    password = forms.CharField(
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        label="Your password",
        strip=False,
        max_length=1000,
        help_text="Asked for every signature, so that nobody signs at an open desk.",
    )
    digest = forms.CharField(widget=forms.HiddenInput, max_length=64)


@never_cache
@sensitive_post_parameters("password", "code")
@require_http_methods(["GET", "HEAD", "POST"])
def publish(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Who may not publish reads here who does, and why not they."""
    person = person_of(request)
    rows = Version.objects.visible_to(person).select_related("model__team", "model__owner")
    version = get_object_or_404(rows, model__slug=slug, number=number)
    card, rule = card_of(version.pk), rule_of(version)
    if card is None:
        raise Http404("There is no card yet.")
    why = blocked(person, version, rule)
    if request.method != "POST":
        return _page(request, version, card, rule, why)
    require(not why, why)
    form = _form(request, version, card, rule, request.POST)
    if not form.is_valid():
        return _page(request, version, card, rule, why, form=form, status=422)
    try:
        row = publish_card(actor=person, version_id=version.pk, **proved(request, form))
    except Unable as error:
        return _again(request, version, rule, form, error)
    messages.success(request, f"Published: readers are given revision {row.revision.number}.")
    return redirect("card", slug, number)


def _form(
    request: HttpRequest, version: Version, card: CardPage, rule: Rule, data: QueryDict | None
) -> PublishForm:
    form = PublishForm(data, initial={"digest": card.revision.digest})
    if not rule.signed:
        del form.fields["password"]
        return form
    row = CardRevision.objects.get(card__version=version, number=card.revision.number)
    ask(form, request, about(row, card.revision.digest))
    return form


def _again(
    request: HttpRequest, version: Version, rule: Rule, form: PublishForm, error: Unable
) -> HttpResponse:
    """The words stay; what is signed is what the page shows from now on."""
    status = blame(form, error)
    card = card_of(version.pk)
    if card is None:
        raise Http404("There is no card any more.")
    if form.data.get("digest") != card.revision.digest:
        data = request.POST.copy()
        data["digest"] = card.revision.digest
        form = _form(request, version, card, rule, data)
        form.is_valid()
        form.add_error(None, str(error))
    why = blocked(person_of(request), version, rule)
    return _page(request, version, card, rule, why, form=form, status=status)


def _page(
    request: HttpRequest,
    version: Version,
    card: CardPage,
    rule: Rule,
    why: str,
    *,
    form: PublishForm | None = None,
    status: int = 200,
) -> HttpResponse:
    context: dict[str, Any] = {
        "version": version,
        "card": card,
        "rule": rule,
        "why": why,
        "too_little": too_little(rule, card.written),
        "form": form or _form(request, version, card, rule, None),
    }
    return render(request, "governance/card_publish.html", context, status=status)

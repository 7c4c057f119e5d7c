"""A card of another tool: uploaded, looked at field by field, and only then taken."""

import base64
import binascii

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from accounts.models import User
from accounts.policies import require
from accounts.sessions import person_of
from governance.importing import LARGEST
from governance.policies import can_edit_card
from governance.reads.card_imports import ImportPlan
from governance.refusals import BadImport, CardChanged
from governance.services.card_imports import import_card, preview_import
from governance.services.cards import ONLY_BUILDERS
from registry.models import Version


class UploadForm(forms.Form):
    """The file; what is in it, the service says."""

    file = forms.FileField(
        label="Card",
        help_text=f"README.md, or the toolkit's JSON; at most {LARGEST // 1000} kB.",
    )


class ConfirmForm(forms.Form):
    """The same file again, with what of it shall be taken."""

    content = forms.CharField(max_length=LARGEST * 2, strip=False)
    expected_revision = forms.IntegerField(min_value=0, max_value=10**9)

    def clean_content(self) -> bytes:
        try:
            return base64.b64decode(self.cleaned_data["content"], validate=True)
        except (binascii.Error, ValueError) as error:
            raise forms.ValidationError("Choose the file again.") from error


@require_http_methods(["GET", "HEAD", "POST"])
def card_import(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """The form; after a file its preview; after the preview the card."""
    person = person_of(request)
    version = _visible(person, slug, number)
    require(can_edit_card(person, version), ONLY_BUILDERS)
    if request.method != "POST":
        return _page(request, version, UploadForm())
    try:
        if "content" in request.POST:
            return _confirmed(request, person, version)
        return _previewed(request, person, version)
    except BadImport as error:
        return _page(request, version, UploadForm(), problems=error.places, status=422)


def _previewed(request: HttpRequest, person: User, version: Version) -> HttpResponse:
    form = UploadForm(request.POST, request.FILES)
    if not form.is_valid():
        return _page(request, version, form, status=422)
    raw: bytes = form.cleaned_data["file"].read(LARGEST + 1)
    plan = preview_import(actor=person, version_id=version.pk, raw=raw)
    return _preview(request, version, plan, raw)


def _confirmed(request: HttpRequest, person: User, version: Version) -> HttpResponse:
    form = ConfirmForm(request.POST)
    if not form.is_valid():
        return _page(request, version, UploadForm(), status=422)
    raw: bytes = form.cleaned_data["content"]
    try:
        revision = import_card(
            actor=person,
            version_id=version.pk,
            raw=raw,
            take=request.POST.getlist("take"),
            expected_revision=form.cleaned_data["expected_revision"],
        )
    except CardChanged:
        plan = preview_import(actor=person, version_id=version.pk, raw=raw)
        return _preview(request, version, plan, raw, changed=True, status=412)
    messages.success(request, f"The card is imported as revision {revision.number}.")
    return redirect("card", version.model.slug, version.number)


def _preview(
    request: HttpRequest,
    version: Version,
    plan: ImportPlan,
    raw: bytes,
    *,
    changed: bool = False,
    status: int = 200,
) -> HttpResponse:
    context = {
        "version": version,
        "plan": plan,
        "content": base64.b64encode(raw).decode(),
        "changed": changed,
    }
    return render(request, "governance/card_import_preview.html", context, status=status)


def _page(
    request: HttpRequest,
    version: Version,
    form: UploadForm,
    *,
    problems: object = (),
    status: int = 200,
) -> HttpResponse:
    context = {"version": version, "form": form, "problems": problems}
    return render(request, "governance/card_import.html", context, status=status)


def _visible(person: User, slug: str, number: int) -> Version:
    rows = Version.objects.visible_to(person).select_related("model__team", "model__owner")
    return get_object_or_404(rows, model__slug=slug, number=number)

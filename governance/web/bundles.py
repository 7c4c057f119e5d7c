"""Bundles to take along: asked for, seen, and taken."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from accounts.policies import require
from accounts.sessions import person_of
from governance.models import Bundle, Sample
from governance.policies import can_audit
from governance.reads.bundles import bundle_lines, pieces_of
from governance.refusals import Unable
from governance.services import bundles as work
from governance.services.samples import ONLY_AUDITORS
from governance.web.answers import blame, tell
from registry.models import Model

DAY = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})


class BundleForm(forms.Form):
    """A model and a period."""

    model = forms.ModelChoiceField(
        Model.objects.none(), to_field_name="slug", empty_label="Choose a model"
    )
    since = forms.DateField(widget=DAY, label="From (UTC)")
    until = forms.DateField(widget=DAY, label="To (UTC)", help_text="This day is included.")

    def __init__(self, data: Any, *, user: User) -> None:
        super().__init__(data)
        models = Model.objects.visible_to(user).order_by("name")
        self.fields["model"].queryset = models  # type: ignore[attr-defined]  # a ModelChoiceField


@require_http_methods(["GET", "HEAD", "POST"])
def bundles(request: HttpRequest) -> HttpResponse:
    """The bundles, and the form that asks for one."""
    person = person_of(request)
    require(can_audit(person), ONLY_AUDITORS)
    if request.method == "POST" and "sample" in request.POST:
        return _of_sample(request, person)
    form = BundleForm(request.POST if request.method == "POST" else None, user=person)
    status = 422 if form.is_bound else 200
    if form.is_bound and form.is_valid():
        said = dict(form.cleaned_data)
        model = said.pop("model")
        try:
            row = work.ask_model_bundle(actor=person, model_id=model.pk, **said)
        except Unable as error:
            status = blame(form, error)
        else:
            return redirect("bundle", row.pk)
    context = {"form": form, "lines": bundle_lines(person)}
    return render(request, "governance/bundles.html", context, status=status)


def _of_sample(request: HttpRequest, person: User) -> HttpResponse:
    said = request.POST["sample"]
    number = int(said) if said.isascii() and said.isdigit() and len(said) < 19 else 0
    sample = get_object_or_404(Sample.objects.visible_to(person), pk=number)
    row = work.ask_sample_bundle(actor=person, sample_id=sample.pk)
    messages.success(request, f"Bundle {row.pk} is being made.")
    return redirect("bundle", row.pk)


@require_safe
def bundle(request: HttpRequest, bundle: int) -> HttpResponse:
    """One bundle, and the button that takes it along."""
    rows = Bundle.objects.visible_to(person_of(request))
    row = get_object_or_404(rows.select_related("sample", "model", "requested_by"), pk=bundle)
    return render(request, "governance/bundle.html", {"bundle": row})


@require_POST
def bundle_file(request: HttpRequest, bundle: int) -> HttpResponseBase:
    """The file itself, streamed; that it was taken is recorded before."""
    person = person_of(request)
    get_object_or_404(Bundle.objects.visible_to(person), pk=bundle)
    try:
        row = work.take_bundle(actor=person, bundle_id=bundle)
    except Unable as error:
        tell(request, error)
        return redirect("bundle", bundle)
    return bundle_answer(row)


def bundle_answer(row: Bundle) -> StreamingHttpResponse:
    """The stored file as an answer, piece by piece."""
    answer = StreamingHttpResponse(pieces_of(row), content_type="application/zip")
    answer["Content-Disposition"] = f'attachment; filename="ombud-bundle-{row.pk}.zip"'
    answer["Content-Length"] = str(row.size)
    return answer

"""Erasures: asked for, checked by another person, followed, and certified."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from accounts.policies import require
from accounts.sessions import person_of
from governance.policies import can_check_erasure, can_erase, may_erase_somewhere
from governance.reads.erasures import (
    certificate_html,
    files_of,
    holds_of,
    kind_of,
    visible,
    waits_for,
    what_stays,
)
from governance.reads.papers import CannotPrint, pdf
from governance.refusals import Unable
from governance.services.erasures import (
    ONLY_ANOTHER,
    ONLY_COMPLIANCE,
    ask_to_erase,
    check_erasure,
    refuse_erasure,
)
from governance.services.proofs import about
from governance.web.answers import blame
from governance.web.forms import ReasonForm
from governance.web.proving import ask, proved
from monitoring.models import Erasure, ErasureState
from registry.models import Model

MOST_SHOWN = 200


class ErasureForm(forms.Form):
    """Whose rows, why, and since when the request is there."""

    model = forms.ModelChoiceField(Model.objects.none(), to_field_name="slug", label="Model")
    reference = forms.CharField(
        max_length=120,
        label="Reference of the request",
        help_text="Of the letter or case; write no name here.",
    )
    basis = forms.CharField(max_length=300, label="Legal basis")
    received_on = forms.DateField(
        label="Received on",
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="It is due one month later.",
    )
    by = forms.CharField(
        required=False,
        max_length=120,
        label="Field",
        help_text="A field with the role id or group; empty: the lines below are prediction ids.",
    )
    values = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 5}),
        max_length=1_100_000,
        label="Prediction ids or values",
        help_text="One in a line. They are forgotten when the erasure is done or refused.",
    )

    def __init__(self, user: User, data: Any = None) -> None:
        super().__init__(data)
        models = Model.objects.visible_to(user).order_by("name")
        self.fields["model"].queryset = models  # type: ignore[attr-defined]  # a ModelChoiceField


class CheckForm(forms.Form):
    """A reason and a proof, over the digest that was read."""

    digest = forms.CharField(widget=forms.HiddenInput, max_length=64)
    reason = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 3}), max_length=4000, label="Why it is founded"
    )
    password = forms.CharField(
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        max_length=1000,
        strip=False,
        label="Your password",
    )


@require_safe
def erasures(request: HttpRequest) -> HttpResponse:
    """Every erasure of the person's teams, the latest first."""
    person = person_of(request)
    context = {"rows": visible(person)[:100], "may_ask": may_erase_somewhere(person)}
    return render(request, "governance/erasures.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def erasure_new(request: HttpRequest) -> HttpResponse:
    """Ask for an erasure."""
    person = person_of(request)
    require(may_erase_somewhere(person), ONLY_COMPLIANCE)
    posted = request.method == "POST"
    form = ErasureForm(person, request.POST if posted else None)
    status = 422 if posted else 200
    if posted and form.is_valid():
        said = dict(form.cleaned_data)
        model = said.pop("model")
        require(can_erase(person, model), ONLY_COMPLIANCE)
        try:
            row = ask_to_erase(
                actor=person, model_id=model.pk, **{**said, "values": said["values"].splitlines()}
            )
        except Unable as error:
            status = blame(form, error)
        else:
            messages.success(request, "Asked. Another person checks it before anything is erased.")
            return redirect("erasure", row.pk)
    return render(request, "governance/erasure_new.html", {"form": form}, status=status)


@require_safe
def erasure(request: HttpRequest, erasure: int) -> HttpResponse:
    """One erasure: what was asked, by whom it was checked, what was done."""
    return _page(request, _row(request, erasure))


def _row(request: HttpRequest, pk: int) -> Erasure:
    return get_object_or_404(visible(person_of(request)), pk=pk)


def _page(
    request: HttpRequest,
    row: Erasure,
    check: CheckForm | None = None,
    refuse: ReasonForm | None = None,
    status: int = 200,
) -> HttpResponse:
    person = person_of(request)
    deciding = row.state == ErasureState.ASKED and can_check_erasure(person, row)
    context = {
        "row": row,
        "files": [(kind_of(one), one) for one in files_of(row)[:MOST_SHOWN]],
        "holds": holds_of(row),
        "waits_for": waits_for(row),
        "kept": what_stays(row),
        "deciding": deciding,
        "check_form": check or (_check_form(request, row) if deciding else None),
        "refuse_form": refuse or (ReasonForm(auto_id="refuse_%s") if deciding else None),
    }
    return render(request, "governance/erasure.html", context, status=status)


def _check_form(request: HttpRequest, row: Erasure, data: Any = None) -> CheckForm:
    form = CheckForm(data, initial={"digest": row.digest})
    ask(form, request, about(row, row.digest), request.path.removesuffix("/check"))
    return form


@never_cache
@sensitive_post_parameters("password", "code")
@require_POST
def erasure_check(request: HttpRequest, erasure: int) -> HttpResponse:
    """Sign that the request is founded; the rows go."""
    person, row = person_of(request), _row(request, erasure)
    require(can_check_erasure(person, row), ONLY_ANOTHER)
    form = _check_form(request, row, request.POST)
    if not form.is_valid():
        return _page(request, row, check=form, status=422)
    try:
        check_erasure(actor=person, erasure_id=row.pk, **proved(request, form))
    except Unable as error:
        return _page(request, row, check=form, status=blame(form, error))
    messages.success(request, "You signed. The rows are being erased.")
    return redirect("erasure", row.pk)


@require_POST
def erasure_refuse(request: HttpRequest, erasure: int) -> HttpResponse:
    """Say why nothing is erased."""
    person, row = person_of(request), _row(request, erasure)
    require(can_check_erasure(person, row), ONLY_ANOTHER)
    form = ReasonForm(request.POST, auto_id="refuse_%s")
    if not form.is_valid():
        return _page(request, row, refuse=form, status=422)
    try:
        refuse_erasure(actor=person, erasure_id=row.pk, reason=form.cleaned_data["reason"])
    except Unable as error:
        return _page(request, row, refuse=form, status=blame(form, error))
    messages.success(request, "Refused. The ids that were named are forgotten.")
    return redirect("erasure", row.pk)


@require_safe
def certificate(request: HttpRequest, erasure: int) -> HttpResponse:
    """The certificate for the data subject, as PDF."""
    row = _row(request, erasure)
    if row.state != ErasureState.DONE:
        raise Http404("Nothing was erased yet.")
    try:
        content = pdf(certificate_html(row))
    except CannotPrint as error:
        messages.error(request, str(error))
        return redirect("erasure", row.pk)
    answer = HttpResponse(content, content_type="application/pdf")
    answer["Content-Disposition"] = f'attachment; filename="erasure-{row.pk}.pdf"'
    return answer

"""How long archives are kept: the rule in force, a proposal, a signature."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts.policies import require
from accounts.sessions import person_of
from governance.policies import can_set_retention
from governance.refusals import Unable
from governance.services.proofs import about
from governance.services.retention import (
    MOST_YEARS,
    ONLY_ANOTHER,
    ONLY_RULERS,
    propose_retention,
    refuse_retention,
    sign_retention,
)
from governance.web.answers import blame
from governance.web.forms import ReasonForm
from governance.web.proving import ask, proved
from governance.web.purges import ConfirmForm
from registry.models import RetentionState, RetentionTable
from registry.reads.retention import rule_in_force

TIERS = ("low", "medium", "high")


class RetentionForm(forms.Form):
    """Years of each risk tier, and why."""

    low = forms.IntegerField(min_value=1, max_value=MOST_YEARS, label="Years, low risk")
    medium = forms.IntegerField(min_value=1, max_value=MOST_YEARS, label="Years, medium risk")
    high = forms.IntegerField(min_value=1, max_value=MOST_YEARS, label="Years, high risk")
    reason = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=1000,
        help_text="Kept in the audit trail with your name.",
    )


class SignRetentionForm(ConfirmForm):
    """A reason and a proof."""

    field_order = ("digest", "reason", "password")

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.fields["reason"].label = "Why it is right"


@require_http_methods(["GET", "HEAD", "POST"])
def retention(request: HttpRequest) -> HttpResponse:
    """The rule in force, what is proposed, and every earlier table."""
    person = person_of(request)
    if request.method != "POST":
        return _page(request)
    require(can_set_retention(person), ONLY_RULERS)
    form = RetentionForm(request.POST)
    if not form.is_valid():
        return _page(request, form=form, status=422)
    years = {tier: form.cleaned_data[tier] for tier in TIERS}
    try:
        propose_retention(actor=person, years=years, reason=form.cleaned_data["reason"])
    except Unable as error:
        return _page(request, form=form, status=blame(form, error))
    messages.success(request, "Proposed. Somebody else signs it before it is in force.")
    return redirect("retention")


def _page(
    request: HttpRequest,
    form: RetentionForm | None = None,
    sign: SignRetentionForm | None = None,
    refuse: ReasonForm | None = None,
    status: int = 200,
) -> HttpResponse:
    person, rule = person_of(request), rule_in_force()
    waiting = RetentionTable.objects.filter(state=RetentionState.PROPOSED).first()
    may = can_set_retention(person)
    signs = may and waiting is not None and waiting.proposed_by_id != person.pk
    earlier = RetentionTable.objects.exclude(state=RetentionState.PROPOSED)[:50]
    offered = waiting is not None and (sign or (_sign_form(request, waiting) if signs else None))
    context = {
        "tiers": [(tier, rule.years[tier]) for tier in TIERS],
        "rule": rule,
        "waiting": waiting,
        "earlier": earlier,
        "propose_form": form or (RetentionForm(initial=dict(rule.years)) if may else None),
        "sign_form": offered,
        "refuse_form": refuse or (ReasonForm(auto_id="refuse_%s") if may and waiting else None),
    }
    return render(request, "governance/retention.html", context, status=status)


def _sign_form(request: HttpRequest, row: RetentionTable, data: Any = None) -> SignRetentionForm:
    form = SignRetentionForm(data, initial={"digest": row.digest})
    ask(form, request, about(row, row.digest), "/retention")
    return form


@never_cache
@sensitive_post_parameters("password", "code")
@require_POST
def retention_sign(request: HttpRequest, table: int) -> HttpResponse:
    """Sign a proposal."""
    person, row = person_of(request), get_object_or_404(RetentionTable, pk=table)
    require(can_set_retention(person) and person.pk != row.proposed_by_id, ONLY_ANOTHER)
    form = _sign_form(request, row, request.POST)
    if not form.is_valid():
        return _page(request, sign=form, status=422)
    try:
        sign_retention(actor=person, table_id=row.pk, **proved(request, form))
    except Unable as error:
        return _page(request, sign=form, status=blame(form, error))
    messages.success(request, "You signed. The rule is in force.")
    return redirect("retention")


@require_POST
def retention_refuse(request: HttpRequest, table: int) -> HttpResponse:
    """The rule stays as it is."""
    person, row = person_of(request), get_object_or_404(RetentionTable, pk=table)
    require(can_set_retention(person), ONLY_RULERS)
    form = ReasonForm(request.POST, auto_id="refuse_%s")
    if not form.is_valid():
        return _page(request, refuse=form, status=422)
    try:
        refuse_retention(actor=person, table_id=row.pk, reason=form.cleaned_data["reason"])
    except Unable as error:
        return _page(request, refuse=form, status=blame(form, error))
    messages.success(request, "The rule stays as it is.")
    return redirect("retention")

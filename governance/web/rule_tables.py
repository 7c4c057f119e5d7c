"""The table of rules for recommendations: in force, earlier ones, proposing another, signing it."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.policies import require
from accounts.sessions import person_of
from governance.policies import can_propose_policy
from governance.reads.rule_tables import table_change_page, table_page
from governance.recommendation_facts import FACTS
from governance.recommendation_files import LARGEST, written
from governance.refusals import Unable
from governance.services.rule_tables import (
    ONLY_RULERS,
    propose_table,
    sign_table,
    withdraw_table,
)
from governance.web import proposals
from governance.web.answers import blame
from governance.web.proposals import Skin


class TableForm(forms.Form):
    """A table as the text of its file, and why."""

    content = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 28, "spellcheck": "false", "wrap": "off"}),
        max_length=LARGEST,
        label="The table",
        help_text="YAML: the rules are asked from the top, the first that is met decides.",
    )
    reason = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 3}), max_length=4000, label="Why it should change"
    )


@require_safe
def rule_table(request: HttpRequest) -> HttpResponse:
    """The rules in force, and how often each was followed."""
    page = table_page(person_of(request))
    return render(request, "governance/rule_table.html", {"page": page, "facts": FACTS})


@require_safe
def rule_table_earlier(request: HttpRequest, table_number: int) -> HttpResponse:
    """The rules of one number."""
    page = table_page(person_of(request), table_number)
    return render(request, "governance/rule_table.html", {"page": page, "facts": FACTS})


@require_http_methods(["GET", "HEAD", "POST"])
def rule_table_propose(request: HttpRequest) -> HttpResponse:
    """Propose another table, starting with the one in force."""
    person = person_of(request)
    require(can_propose_policy(person), ONLY_RULERS)
    page = table_page(person)
    posted = request.method == "POST"
    form = TableForm(
        request.POST if posted else None, initial={"content": written(page.table.rules)}
    )
    status = 422 if posted else 200
    if posted and form.is_valid():
        try:
            change = propose_table(actor=person, **form.cleaned_data)
        except Unable as error:
            status = blame(form, error)
        else:
            messages.success(request, f"{change.name} is proposed. It waits for signatures.")
            return redirect("rule-table-change", change.pk)
    context = {"page": page, "form": form, "facts": FACTS}
    return render(request, "governance/rule_table_propose.html", context, status=status)


TABLES = Skin(
    noun="table",
    asks_less="It may recommend smaller steps than the table in force",
    route="rule-table-change",
    sign_route="rule-table-sign",
    withdraw_route="rule-table-withdraw",
    template=lambda _: "governance/rule_table_change.html",
    read=table_change_page,
    sign=sign_table,
    withdraw=withdraw_table,
)


@require_safe
def rule_table_change(request: HttpRequest, table_change: int) -> HttpResponse:
    """A proposed table: what would be different, why, on the past, and who has signed."""
    return proposals.show(request, TABLES, table_change)


@never_cache
@sensitive_post_parameters("password", "code")
@require_POST
def rule_table_sign(request: HttpRequest, table_change: int) -> HttpResponse:
    """Sign for or against a proposal."""
    return proposals.sign(request, TABLES, table_change)


@require_POST
def rule_table_withdraw(request: HttpRequest, table_change: int) -> HttpResponse:
    """Take a proposal back, with the reason."""
    return proposals.withdraw(request, TABLES, table_change)

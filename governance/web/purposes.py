"""What a model is for: read with its history, changed with the reason."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.policies import require
from accounts.sessions import person_of
from governance.reads.revalidations import PurposePage, purpose_page
from governance.refusals import Unable
from governance.risk_table import questionnaire
from governance.services.purposes import ONLY_TEAM, change_purpose
from governance.web.answers import blame
from governance.web.guideline_forms import PurposeForm


@require_http_methods(["GET", "HEAD", "POST"])
def purpose(request: HttpRequest, slug: str) -> HttpResponse:
    """A model's purpose, KPIs and requirements; POST changes them."""
    person = person_of(request)
    page = purpose_page(person, slug)
    if request.method != "POST":
        return _page(request, page, _fresh(page))
    require(page.can_change, ONLY_TEAM)
    form = PurposeForm(request.POST)
    if not form.is_valid():
        return _page(request, page, form, 422)
    try:
        change_purpose(
            actor=person,
            model_id=page.model.pk,
            changes=form.changes(),
            reason=form.cleaned_data["reason"],
        )
    except Unable as error:
        return _page(request, page, form, blame(form, error))
    messages.success(request, "It is changed. What was signed under the earlier one is reopened.")
    return redirect("model-purpose", slug)


def _fresh(page: PurposePage) -> PurposeForm:
    model = page.model
    lists = {"kpis": "\n".join(model.kpis), "requirements": "\n".join(model.requirements)}
    return PurposeForm(initial={"purpose": model.purpose, **lists})


def _page(
    request: HttpRequest, page: PurposePage, form: PurposeForm, status: int = 200
) -> HttpResponse:
    asked = questionnaire()
    context = {
        "page": page,
        "model": page.model,
        "form": form,
        "days": asked.reapproval_days[page.model.risk_tier],
        "suspends": asked.when_overdue[page.model.risk_tier] == "suspend",
        "today": timezone.now().date(),
    }
    return render(request, "governance/purpose.html", context, status=status)

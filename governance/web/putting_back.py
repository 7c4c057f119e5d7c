"""What somebody moved in MLflow, and having it put back."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from accounts.policies import require
from accounts.sessions import person_of
from governance.web.forms import ReasonForm
from registry.models import Model
from registry.policies import JUDGES_ONLY, can_put_back
from registry.refusals import Rejected
from registry.services.putting_back import put_back


@require_http_methods(["GET", "HEAD", "POST"])
def decide(request: HttpRequest, slug: str) -> HttpResponse:
    """Have aliases and tags set again as approved, with the reason."""
    person = person_of(request)
    model = get_object_or_404(Model.objects.visible_to(person), slug=slug)
    require(can_put_back(person, model.team_id), JUDGES_ONLY)
    form = ReasonForm(request.POST or None)
    status = 200 if request.method != "POST" else 422
    if request.method == "POST" and form.is_valid():
        try:
            put_back(actor=person, model_id=model.pk, reason=form.cleaned_data["reason"])
        except Rejected as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, "MLflow is being set again as approved.")
            return redirect("model", slug)
    lasting = model.deviations.lasting().order_by("-noticed_at", "-pk")[:20]
    context = {"model": model, "form": form, "lasting": lasting}
    return render(request, "governance/put_back.html", context, status=status)

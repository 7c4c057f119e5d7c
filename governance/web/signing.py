"""The signature: decision, meaning, reason and password over the digest that was read."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.ceremonies import proof_of
from accounts.policies import require
from accounts.sessions import person_of
from governance.models import Decision, SignOff
from governance.reads.requests import RequestPage, request_page
from governance.refusals import EvidenceChanged, Unable
from governance.services.proofs import bound_to
from governance.services.signoffs import decide
from governance.states import RequestState
from governance.web.answers import blame
from governance.web.forms import SignatureForm
from governance.web.proving import ask
from governance.web.requests import context_of


@never_cache
@sensitive_post_parameters("password", "code")
@require_http_methods(["GET", "HEAD", "POST"])
def sign(request: HttpRequest, request_id: int) -> HttpResponse:
    """Sign, on a page of its own; the dialog on the request's page sends the same form here."""
    person = person_of(request)
    page = request_page(person, request_id)
    if request.method != "POST":
        return _sign_page(request, page, None)
    require(bool(page.meanings), page.blocked)
    form = _asked(request, page, request.POST)
    if not form.is_valid():
        return _sign_page(request, page, form, 422)
    try:
        signoff = decide(actor=person, request_id=request_id, **_words(request, form))
    except EvidenceChanged as error:
        # The words stay; the digest is that of the evidence which the page shows from now on.
        again = _asked(request, page, _over(request, page.digest))
        return _sign_page(request, page, again, blame(again, error))
    except Unable as error:
        return _sign_page(request, page, form, blame(form, error))
    messages.success(request, _said(signoff))
    return redirect("change-request", request_id)


def _asked(request: HttpRequest, page: RequestPage, data: QueryDict) -> SignatureForm:
    form = SignatureForm(data, meanings=page.meanings)
    ask(form, request, bound_to("change request", page.line.id, page.digest))
    return form


def _words(request: HttpRequest, form: SignatureForm) -> dict[str, Any]:
    return form.words() | {"password": proof_of(request, form.cleaned_data)}


def _over(request: HttpRequest, digest: str) -> QueryDict:
    data = request.POST.copy()
    data["digest"] = digest
    return data


def _sign_page(
    request: HttpRequest, page: RequestPage, form: SignatureForm | None, status: int = 200
) -> HttpResponse:
    context = context_of(request, page) | ({} if form is None else {"form": form})
    return render(request, "governance/sign.html", context, status=status)


def _said(signoff: SignOff) -> str:
    if signoff.decision == Decision.REJECT:
        return "You signed against it. The request is rejected, nothing will be changed."
    if signoff.request.state == RequestState.OPEN:
        return "You signed. Other signatures are still needed."
    return "You signed, and the quorum is reached: Ombud carries the change out now."

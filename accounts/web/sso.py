"""Single sign-on: out to the provider and back, to sign in or to prove oneself anew."""

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import Login
from allauth.account.utils import get_next_redirect_url
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from requests import RequestException

from accounts.ceremonies import keep_sign_in
from accounts.id_tokens import NotProved
from accounts.proofs import FreshSignIn
from accounts.services.sso import NotAdmitted, admit, is_linked, may_sign_in_anew
from accounts.sessions import end_session_of_another, person_of
from accounts.sso import claims_of, come_back, leave_for, many_factors, person_in

log = logging.getLogger(__name__)
ENTER = "enter"
FRESH = "fresh"
NOT_PROVED = "The single sign-on did not work, so nothing was changed. Try again."
SOMEBODY_ELSE = "Somebody else signed in there, so nothing was changed."


def where_there_is_one(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not settings.OIDC_ISSUER:
            raise Http404("There is no single sign-on here.")
        return view(request, *args, **kwargs)

    return guarded


@never_cache
@require_POST
@where_there_is_one
def enter(request: HttpRequest) -> HttpResponse:
    """Off to the provider, to sign in here with what it says."""
    return _leave(request, about=ENTER, back=get_next_redirect_url(request) or "/", anew=False)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@where_there_is_one
def confirm(request: HttpRequest) -> HttpResponse:
    """Off to the provider, to sign in there anew: for one signature, or before a change."""
    if not may_sign_in_anew(person_of(request)):
        messages.error(request, "You prove yourself with your password here.")
        return redirect("security")
    sent = request.GET if request.method != "POST" else request.POST
    back = _safe(sent.get("back") or sent.get("next") or "")
    if request.method != "POST":
        return render(request, "accounts/sso_confirm.html", {"back": back, "about": FRESH})
    return _leave(request, about=request.POST.get("about", FRESH)[:400], back=back, anew=True)


def _safe(address: str) -> str:
    """An address of this installation, else its first page."""
    own = url_has_allowed_host_and_scheme(address, allowed_hosts=None)
    return address if own else "/"


def _leave(request: HttpRequest, *, about: str, back: str, anew: bool) -> HttpResponse:
    try:
        address = leave_for(request, about=about, back=back, anew=anew)
    except (NotProved, RequestException, KeyError, ValueError) as error:
        log.warning("single sign-on cannot begin: %s", error)
        messages.error(request, f"{settings.OIDC_NAME} cannot be reached now. Try again later.")
        return redirect("account_login" if about == ENTER else back)
    answer = render(request, "accounts/sso_leave.html", {"address": address})
    # A redirect would be stopped: forms of these pages are sent to this installation only.
    answer["Refresh"] = f"0; url={address}"
    return answer


@never_cache
@require_safe
@where_there_is_one
def callback(request: HttpRequest) -> HttpResponse:
    """Back from the provider: everything is checked before anything is done."""
    state: dict[str, Any] = {}
    try:
        state = come_back(request)
        claims = claims_of(request, state)
        if state["about"] == ENTER:
            return _let_in(request, state, claims)
        return _proved_anew(request, state, claims)
    except NotAdmitted as error:
        messages.error(request, str(error))
    except NotProved as error:
        log.warning("single sign-on refused: %s", error)
        messages.error(request, NOT_PROVED)
    if request.user.is_authenticated:
        return redirect(state.get("next") or "/")
    return redirect("account_login")


def _let_in(request: HttpRequest, state: dict[str, Any], claims: dict[str, Any]) -> HttpResponse:
    person = admit(claims=person_in(claims))
    end_session_of_another(request, person)
    record_authentication(
        request, person, "socialaccount", provider=settings.OIDC_PROVIDER, uid=claims["sub"]
    )
    login = Login(user=person, redirect_url=state["next"])
    answer: HttpResponse = perform_login(request, login)
    return answer


def _proved_anew(
    request: HttpRequest, state: dict[str, Any], claims: dict[str, Any]
) -> HttpResponse:
    """The same person, in the same session, has just signed in there: worth one thing here."""
    person = person_of(request) if request.user.is_authenticated else None
    same = person is not None and person.pk == state["person"]
    if person is None or not same or not is_linked(person=person, subject=claims["sub"]):
        raise NotAdmitted(SOMEBODY_ELSE)
    if state["about"] == FRESH:
        record_authentication(request, person, "socialaccount", reauthenticated=True)
    else:
        fresh = FreshSignIn(
            state["about"], claims["sub"], float(claims["auth_time"]), many_factors(claims)
        )
        keep_sign_in(request, fresh)
    return redirect(state["next"])

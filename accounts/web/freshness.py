"""Whether the person of a session has proved themselves just now."""

import time
from urllib.parse import urlencode

from allauth.account import app_settings
from allauth.account.internal.flows.login import get_authentication_records
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from accounts.services.sso import may_sign_in_anew
from accounts.sessions import person_of


def proved_recently(request: HttpRequest) -> bool:
    """Proved anew within five minutes; that somebody signed in this morning does not count."""
    records = get_authentication_records(request, person_of(request))
    latest = max((one["at"] for one in records if one.get("reauthenticated")), default=0)
    return bool(time.time() - latest < app_settings.REAUTHENTICATION_TIMEOUT)


def prove_first(request: HttpRequest, back: str) -> HttpResponse:
    """Ask for the password, or for a sign-in made anew of who has none; then go on at `back`."""
    by_provider = may_sign_in_anew(person_of(request))
    door = "sso-confirm" if by_provider else "account_reauthenticate"
    return redirect(f"{reverse(door)}?{urlencode({'next': back})}")

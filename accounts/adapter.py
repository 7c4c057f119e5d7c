from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import get_authentication_records
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from accounts.directory import told_since_last_sign_in
from accounts.models import User
from accounts.services.people import change_password, note_sign_in


class ClosedDoorAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    """Nobody signs themselves up, and every sign-in is on the trail."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def post_login(self, request: HttpRequest, user: User, **how: Any) -> HttpResponse:
        note_sign_in(actor=user, by=ways_of(request, user))
        _say_what_was_done(request, user)
        answer: HttpResponse = super().post_login(request, user, **how)
        return answer

    def set_password(self, user: User, password: str) -> None:
        change_password(actor=user, password=password)

    def respond_user_inactive(self, request: HttpRequest, user: User) -> HttpResponse:
        messages.error(request, "This account is closed. Ask an administrator.")
        return redirect("account_login")

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, str]]:
        """The password only: a code at an open desk proves who holds the telephone."""
        methods: list[dict[str, str]] = []
        if user.is_authenticated and user.has_usable_password():
            methods.append({"id": "reauthenticate", "url": reverse("account_reauthenticate")})
        return methods


def _say_what_was_done(request: HttpRequest, user: User) -> None:
    for event in told_since_last_sign_in(user):
        messages.warning(
            request,
            f"{event.actor_name} took your second factors away on {event.at:%d %B %Y}: "
            f"{event.data.get('reason', '')} Set new ones up under Your security. "
            "If you did not ask for this, tell your organisation at once.",
        )


def ways_of(request: HttpRequest, user: User) -> list[str]:
    """How the person of this session proved who they are, in the order in which they did."""
    records = get_authentication_records(request, user)
    return [_way(one) for one in records if not one.get("reauthenticated")]


def _way(one: dict[str, Any]) -> str:
    kind = str(one.get("type") if one["method"] == "mfa" else one["method"])
    return {"webauthn": "passkey", "socialaccount": "sso"}.get(kind, kind)

"""`GET /models/{model}/status`: one prepared row, never computed, asked by every serving system.

A plain Django view: no negotiation, no throttle, no serializer between the row and its answer.
"""

import re
from datetime import datetime
from typing import Any

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified, JsonResponse
from django.utils import timezone
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.dateparse import parse_datetime
from django.utils.http import parse_etags
from rest_framework.exceptions import AuthenticationFailed

from accounts.api.authentication import user_of
from accounts.api.problems import Problem, response
from accounts.roles import Scope
from governance.api.documentation import StatusDescription
from governance.models import StatusRow
from governance.reads.status import DEFAULT_ENVIRONMENT

ENVIRONMENT = re.compile(r"[A-Za-z0-9_-]{1,40}")


def model_status(request: HttpRequest, model: str) -> HttpResponse:
    """The status answer of a model in an environment, now or at a time in the past."""
    try:
        user = _caller(request)
        answer, etag = _prepared(user, model, _environment(request), _moment(request))
    except Problem as problem:
        return _refusal(problem)
    except OperationalError:
        detail = "The database does not answer. Try again."
        return _refusal(Problem(503, "database_unavailable", detail))
    found = _respond(request, answer, f'W/"{etag}"')
    patch_cache_control(found, private=True, no_cache=True)
    patch_vary_headers(found, ["Authorization", "Cookie"])
    return found


# drf-spectacular documents a view by its class; this one's description is a class beside it.
vars(model_status).update(cls=StatusDescription, initkwargs={})


def _caller(request: HttpRequest) -> Any:
    if request.method not in {"GET", "HEAD"}:
        raise Problem(405, "method_not_allowed", "This address is only read: use GET.")
    try:
        user, token = user_of(request)
    except AuthenticationFailed as error:
        raise Problem(401, "authentication_failed", str(error.detail)) from error
    if not user.is_authenticated:
        raise Problem(401, "not_authenticated", "Send a token: Authorization: Bearer ombud_…")
    if token is not None and Scope.READ not in token.scopes:
        raise Problem(403, "permission_denied", "This token lacks the scope 'read'.")
    return user


def _environment(request: HttpRequest) -> str:
    name = request.GET.get("environment", DEFAULT_ENVIRONMENT)
    if not ENVIRONMENT.fullmatch(name):
        raise Problem(422, "invalid", "environment: up to 40 letters, digits and hyphens.")
    return name


def _moment(request: HttpRequest) -> datetime | None:
    text = request.GET.get("at")
    if text is None:
        return None
    try:
        moment = parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None or timezone.is_naive(moment):
        raise Problem(422, "invalid", "at: a time with its zone, such as 2026-04-01T12:00:00Z.")
    return moment


def _prepared(
    user: Any, model: str, environment: str, at: datetime | None
) -> tuple[dict[str, Any], str]:
    rows = StatusRow.objects.visible_to(user).filter(model__slug=model, environment=environment)
    if at is not None:
        rows = rows.at(at)
    row = rows.order_by("-valid_from", "-pk").values_list("answer", "etag").first()
    if row is None:
        detail = f"No answer about {model[:80]!r} in {environment[:40]!r} that you may see"
        raise Problem(404, "not_found", f"{detail}{' at that time' if at else ''}.")
    return row


def _respond(request: HttpRequest, answer: dict[str, Any], etag: str) -> HttpResponse:
    known = parse_etags(request.headers.get("If-None-Match", ""))
    found = HttpResponseNotModified() if etag in known else JsonResponse(answer)
    found["ETag"] = etag
    return found


def _refusal(problem: Problem) -> HttpResponse:
    refused = response(problem.status, problem.code, problem.detail, **problem.extra)
    if problem.status == 401:
        refused["WWW-Authenticate"] = 'Bearer realm="ombud"'
    if problem.status == 503:
        refused["Retry-After"] = "5"
    if problem.status == 405:
        refused["Allow"] = "GET, HEAD"
    return refused

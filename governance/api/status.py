"""`GET /models/{model}/status`: one prepared row, never computed, asked by every serving system.

A plain Django view: no negotiation, no throttle, no serializer between the row and its answer.
"""

import re
from datetime import datetime
from typing import NamedTuple

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.utils import timezone
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.dateparse import parse_datetime
from django.utils.http import parse_etags

from accounts.api.authentication import NOT_LIVE, bearer_text
from accounts.api.problems import Problem, response
from accounts.services.tokens import hash_of, note_use
from governance.api.documentation import StatusDescription
from governance.reads.prepared import Said, for_person, for_token
from governance.reads.status import DEFAULT_ENVIRONMENT

ENVIRONMENT = re.compile(r"[A-Za-z0-9_-]{1,40}")


class _Asked(NamedTuple):
    """About which model, where, and when if not now."""

    model: str
    environment: str
    at: datetime | None


def model_status(request: HttpRequest, model: str) -> HttpResponse:
    """The status answer of a model in an environment, now or at a time in the past."""
    try:
        said = _said(request, model)
    except Problem as problem:
        return _refusal(problem)
    except OperationalError:
        detail = "The database does not answer. Try again."
        return _refusal(Problem(503, "database_unavailable", detail))
    found = _respond(request, said)
    patch_cache_control(found, private=True, no_cache=True)
    patch_vary_headers(found, ["Authorization", "Cookie"])
    return found


# drf-spectacular documents a view by its class; this one's description is a class beside it.
vars(model_status).update(cls=StatusDescription, initkwargs={})


def _said(request: HttpRequest, model: str) -> Said:
    if request.method not in {"GET", "HEAD"}:
        raise Problem(405, "method_not_allowed", "This address is only read: use GET.")
    token = bearer_text(request.headers.get("Authorization", ""))
    if token is None and not request.user.is_authenticated:
        raise Problem(401, "not_authenticated", "Send a token: Authorization: Bearer ombud_…")
    asked = _Asked(model, _environment(request), _moment(request))
    said = _for_session(request, asked) if token is None else _for_token(token, asked)
    if said is None:
        detail = f"No answer about {model[:80]!r} in {asked.environment!r} that you may see"
        raise Problem(404, "not_found", f"{detail}{' at that time' if asked.at else ''}.")
    return said


def _for_session(request: HttpRequest, asked: _Asked) -> Said | None:
    return for_person(request.user, **asked._asdict())


def _for_token(text: str, asked: _Asked) -> Said | None:
    heard = for_token(digest=hash_of(text), **asked._asdict())
    if heard is None:
        raise Problem(401, "authentication_failed", NOT_LIVE)
    if heard.unnoted:
        note_use(heard.token_id)
    if not heard.may_read:
        raise Problem(403, "permission_denied", "This token lacks the scope 'read'.")
    return heard.said


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


def _respond(request: HttpRequest, said: Said) -> HttpResponse:
    etag = f'W/"{said.etag}"'
    known = parse_etags(request.headers.get("If-None-Match", ""))
    unchanged = etag in known
    found = (
        HttpResponseNotModified()
        if unchanged
        else HttpResponse(said.answer, content_type="application/json")
    )
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

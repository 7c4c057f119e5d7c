"""Errors as problem+json (RFC 9457): what, where, and how to mend it, with a stable code."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import DatabaseError, DataError, OperationalError
from django.http import Http404, JsonResponse
from rest_framework import exceptions
from rest_framework.response import Response

MEDIA_TYPE = "application/problem+json"
TITLES = {
    400: "The request cannot be understood",
    401: "Sign in first",
    403: "You may not do this",
    404: "There is no such thing here",
    405: "This address does not take that method",
    406: "That format is not offered",
    409: "This conflicts with what is there",
    411: "Say how long it is",
    412: "It has changed since you read it",
    413: "Too large",
    415: "This format is not taken",
    422: "The content cannot be accepted",
    428: "Say which state you change",
    429: "Too many requests",
    503: "Not available just now",
}


DJANGO: list[tuple[type[Exception], int, str, str]] = [
    (Http404, 404, "not_found", "Nothing here that you may see."),
    (PermissionDenied, 403, "refused", "You may not do this."),
    (DataError, 422, "out_of_range", "A value is beyond what can be stored."),
    (OperationalError, 503, "database_unavailable", "The database cannot answer now. Try again."),
]


class Problem(Exception):
    """A refusal with a status, a stable code and a sentence that says how to mend it."""

    def __init__(self, status: int, code: str, detail: str, **extra: Any) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.extra = status, code, detail, extra


class Conflict(Problem):
    def __init__(self, code: str, detail: str, **extra: Any) -> None:
        super().__init__(409, code, detail, **extra)


class Unprocessable(Problem):
    def __init__(self, code: str, detail: str, **extra: Any) -> None:
        super().__init__(422, code, detail, **extra)


def body(status: int, code: str, detail: str, **extra: Any) -> dict[str, Any]:
    """The members of a problem: type, title, status, code, detail and what the case adds."""
    return {
        "type": f"urn:ombud:problem:{code}",
        "title": TITLES.get(status, "Error"),
        "status": status,
        "code": code,
        "detail": detail,
        **extra,
    }


def response(status: int, code: str, detail: str, **extra: Any) -> JsonResponse:
    """The same answer for plain Django views."""
    return JsonResponse(body(status, code, detail, **extra), status=status, content_type=MEDIA_TYPE)


def handle(error: Exception, _context: dict[str, Any]) -> Response | None:
    """DRF's exception handler: every error that leaves the API is a problem."""
    problem = _problem(error)
    if problem is None:
        return None
    answer = Response(
        body(problem.status, problem.code, problem.detail, **problem.extra),
        status=problem.status,
        content_type=MEDIA_TYPE,
    )
    _add_headers(answer, error)
    return answer


def _problem(error: Exception) -> Problem | None:
    if isinstance(error, Problem):
        return error
    if isinstance(error, exceptions.ValidationError):
        return Problem(422, "invalid", "Some fields are not right.", errors=_errors(error.detail))
    if isinstance(error, exceptions.APIException):
        code = str(error.default_code)
        return Problem(error.status_code, code, _text(error.detail))
    return _django_problem(error)


def _django_problem(error: Exception) -> Problem | None:
    if isinstance(error, DjangoValidationError):
        return Problem(422, "invalid", "Some fields are not right.", errors=_django_errors(error))
    for kind, status, code, fallback in DJANGO:
        if isinstance(error, kind):
            detail = fallback if issubclass(kind, DatabaseError) else str(error) or fallback
            return Problem(status, code, detail)
    return None


def _add_headers(answer: Response, error: Exception) -> None:
    if header := getattr(error, "auth_header", None):
        answer["WWW-Authenticate"] = header
    if wait := getattr(error, "wait", None):
        answer["Retry-After"] = str(int(wait) + 1)
    if answer.status_code == 503:
        answer["Retry-After"] = "5"


def _text(detail: Any) -> str:
    if isinstance(detail, dict):
        return "; ".join(f"{name}: {_text(value)}" for name, value in detail.items())
    if isinstance(detail, list):
        return "; ".join(_text(item) for item in detail)
    return str(detail)


def _errors(detail: Any, path: str = "") -> list[dict[str, str]]:
    """Every complaint with the place it is about, however deep."""
    if isinstance(detail, dict):
        items: list[tuple[str, Any]] = [(f"{path}.{k}".strip("."), v) for k, v in detail.items()]
    elif isinstance(detail, list) and any(isinstance(v, dict | list) for v in detail):
        items = [(f"{path}[{i}]", v) for i, v in enumerate(detail)]
    elif isinstance(detail, list):
        items = []
        return [{"field": path, "code": v.code, "message": str(v)} for v in detail]
    else:
        return [{"field": path, "code": getattr(detail, "code", "invalid"), "message": str(detail)}]
    return [error for place, value in items for error in _errors(value, place)]


def _django_errors(error: DjangoValidationError) -> list[dict[str, str]]:
    if not hasattr(error, "error_dict"):
        return [{"field": "", "code": "invalid", "message": text} for text in error.messages]
    return [
        {"field": field, "code": "invalid", "message": text}
        for field, texts in error.message_dict.items()
        for text in texts
    ]

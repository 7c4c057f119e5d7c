"""Is it alive, and can it take work: for load balancers and people."""

from django.core.cache import cache
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from redis.exceptions import RedisError

from ledger.reads import waiting


@never_cache
@require_safe
def healthz(_request: HttpRequest) -> JsonResponse:
    """The process answers."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def readyz(_request: HttpRequest) -> JsonResponse:
    """The database must answer; a missing broker only delays jobs, so it is told, not refused."""
    parts = {"database": _database(), "broker": _broker()}
    ready = parts["database"] == "ok"
    status = "ok" if all(part == "ok" for part in parts.values()) else "degraded"
    content: dict[str, object] = {"status": status if ready else "unavailable", "parts": parts}
    if ready:
        content["jobs"] = waiting()
    answer = JsonResponse(content, status=200 if ready else 503)
    if not ready:
        answer["Retry-After"] = "5"
    return answer


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return "does not answer"
    return "ok"


def _broker() -> str:
    try:
        cache.get("readyz")
    except (RedisError, OSError):
        return "does not answer; jobs wait for the poller"
    return "ok"

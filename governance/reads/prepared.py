"""The prepared status answer, read for a bearer of a token: who asks, whether they may, and what is
said, in one query.

Written as SQL, because putting the same query together takes longer than the database takes to
answer it. What it lets through is what `ApiToken.objects.live` and `StatusRow.objects.visible_to`
let through; a test compares them.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import OperationalError, connection
from django.db.models import TextField
from django.db.models.functions import Cast

from accounts.roles import Scope
from accounts.services.tokens import USE_NOTED_EVERY
from governance.models import StatusRow

QUERY = """
SELECT token.id, %s = ANY(token.scopes),
       coalesce(token.last_used_at < statement_timestamp() - %s, true),
       row.answer, row.etag
  FROM accounts_apitoken token
  JOIN accounts_user person ON person.id = token.user_id
  LEFT JOIN LATERAL (
       SELECT status.answer::text, status.etag
         FROM governance_statusrow status
         JOIN registry_model model ON model.id = status.model_id
        WHERE model.slug = %s AND status.environment = %s
          AND (%s::timestamptz IS NULL OR status.valid_from <= %s::timestamptz)
          AND EXISTS (SELECT 1 FROM accounts_membership held
                       WHERE held.user_id = person.id
                         AND (held.team_id = model.team_id OR held.team_id IS NULL))
        ORDER BY status.valid_from DESC, status.id DESC LIMIT 1) row ON true
 WHERE token.hash = %s AND token.revoked_at IS NULL
   AND token.expires_at > statement_timestamp() AND person.is_active
"""


@dataclass(frozen=True)
class Said:
    """An answer as JSON text, and the digest of what it says."""

    answer: str
    etag: str


@dataclass(frozen=True)
class Heard:
    """A live token: whether it may read, whether its use is to be noted, what it is answered."""

    token_id: int
    may_read: bool
    unnoted: bool
    said: Said | None


def for_token(
    *, digest: str, model: str, environment: str, at: datetime | None = None
) -> Heard | None:
    """What the bearer of the token with this digest is answered; None if no such token lives."""
    row = _row([Scope.READ.value, USE_NOTED_EVERY, model, environment, at, at, digest])
    if row is None:
        return None
    token_id, may_read, unnoted, answer, etag = row
    return Heard(token_id, may_read, unnoted, None if answer is None else Said(answer, etag))


def for_person(
    person: Any, *, model: str, environment: str, at: datetime | None = None
) -> Said | None:
    """What a person who is signed in is answered; None if they may see none."""
    rows = StatusRow.objects.visible_to(person).filter(model__slug=model, environment=environment)
    if at is not None:
        rows = rows.at(at)
    found = rows.order_by("-valid_from", "-pk").values_list(Cast("answer", TextField()), "etag")
    row = found.first()
    return row and Said(*row)


def _row(parameters: list[Any]) -> Any:
    """One question: a kept connection that died meanwhile is noticed by it, and replaced once."""
    kept = connection.connection is not None and not connection.in_atomic_block
    connection.health_check_done = True  # type: ignore[attr-defined]  # not in the stubs
    try:
        return _asked(parameters)
    except OperationalError:
        if not kept:
            raise
        connection.close()
        return _asked(parameters)


def _asked(parameters: list[Any]) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(QUERY, parameters)
        return cursor.fetchone()

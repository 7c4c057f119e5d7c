"""What is left of a retired version: a tombstone, whose digest stands on the audit trail.

It is written once, when every step is settled and both the archive and the drill were proved.
"""

from typing import Any

from django.db.models.functions import Now

from audit.chain import plain, sha256_of
from audit.jobs.checkpoint import checkpoint_after
from audit.record import SYSTEM, record
from governance.events import GovernanceEvent
from governance.models import Retirement
from governance.reads.drill_passed import drill_passed
from governance.reads.signatures import counting
from governance.refusals import Unable
from governance.retirement_states import (
    SETTLED,
    RetirementState,
    StepState,
    move_retirement,
)
from governance.retirement_steps import PROOFS

FORMAT = "ombud-tombstone/1"


class NotProved(Unable):
    """Nothing closes before its archive was proved to be restorable."""

    code = "not_proved"


def close(row: Retirement) -> Retirement:
    """Write the tombstone and close; the caller holds the model's lock.

    Raises:
        NotProved: a step is not settled, or the archive or its drill is not proved.
    """
    _refuse_unproved(row)
    stone = tombstone_of(row)
    digest = sha256_of(stone)
    state = move_retirement(row.state, "close")
    event = record(
        SYSTEM,
        GovernanceEvent.RETIREMENT_CLOSED,
        row,
        tombstone=digest,
        archive=stone["archive"]["digest"],
        version=row.version.number,
        request=row.request_id,
    )
    outcome = f"Closed: {len(stone['steps'])} steps are settled and the archive was proved."
    Retirement.objects.filter(pk=row.pk, state=RetirementState.ENDING).update(
        state=state,
        outcome=outcome,
        ended_at=Now(),
        tombstone=stone,
        tombstone_digest=digest,
        tombstone_event=event.sequence,
    )
    checkpoint_after(event)
    return row


def _refuse_unproved(row: Retirement) -> None:
    states = dict(row.steps.values_list("name", "state"))
    if not states or not set(states.values()) <= SETTLED:
        raise NotProved("A step of the clean-up is not settled.")
    proved = all(states.get(name) == StepState.VERIFIED for name in PROOFS)
    if not proved or drill_passed(row.version_id) is None:
        raise NotProved("The archive was not proved to be restorable.")


def tombstone_of(row: Retirement) -> dict[str, Any]:
    """Everything that is kept, in types that have one written form."""
    archive = row.version.archive
    drill = drill_passed(row.version_id)
    found: dict[str, Any] = plain(
        {
            "format": FORMAT,
            "model": {"name": row.model.name, "slug": row.model.slug, "team": row.model.team.name},
            "version": {
                "number": row.version.number,
                "artifact_digest": row.version.artifact_digest,
                "registered_at": row.version.created_at,
            },
            "policy": {"name": row.because_of, "terms": row.policy.terms if row.policy else None},
            "rules": row.found_rules,
            "replacement": row.replacement.number if row.replacement else None,
            "no_replacement": row.no_replacement,
            "change_request": _request(row),
            "archive": {"digest": archive.digest, "bytes": archive.size, "path": archive.path},
            "drill": {"at": drill.at, "by": drill.by} if drill else None,
            "steps": [
                {
                    "name": step.name,
                    "state": step.state,
                    "note": step.note,
                    "evidence": step.evidence,
                    "verified_at": step.verified_at,
                }
                for step in row.steps.all()
            ],
        }
    )
    return found


def _request(row: Retirement) -> dict[str, Any] | None:
    if row.request is None:
        return None
    signed = [
        {"name": one.signed_as, "role": one.role, "digest": one.signed_digest, "at": one.signed_at}
        for one in counting(row.request)
    ]
    return {"number": row.request.pk, "digest": row.request.digest, "signatures": signed}

"""Every change that was asked for of a version, with its frozen evidence and its signatures."""

from typing import Any

from governance.models import ChangeRequest, SignOff


def requests_told(version_id: int) -> list[dict[str, Any]]:
    """The requests of a version in their order, as they go into its archive."""
    asked = ChangeRequest.objects.filter(version=version_id).order_by("pk")
    return [
        {
            "request": row.pk,
            "kind": row.kind,
            "state": row.state,
            "reason": row.reason,
            "requested_by": row.requested_by.name,
            "submitted_at": row.submitted_at,
            "digest": row.digest,
            "evidence": row.evidence,
            "signatures": [signature_told(signoff) for signoff in row.signoffs.all()],
        }
        for row in asked.select_related("requested_by").prefetch_related("signoffs")
    ]


def signature_told(signoff: SignOff) -> dict[str, Any]:
    """Who signed what, when, as what and how they proved who they are."""
    return {
        "name": signoff.signed_as,
        "role": signoff.role,
        "decision": signoff.decision,
        "meaning": signoff.meaning,
        "reason": signoff.reason,
        "digest": signoff.signed_digest,
        "method": signoff.method,
        "at": signoff.signed_at,
    }

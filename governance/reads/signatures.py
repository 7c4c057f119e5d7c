"""Signatures of a change request: which of them count, and which are still needed."""

from collections import Counter
from collections.abc import Iterable

from governance.models import ChangeRequest, Decision, SignOff


def counting(request: ChangeRequest) -> list[SignOff]:
    """Approvals over the digest that the request has now."""
    return list(request.signoffs.filter(decision=Decision.APPROVE, signed_digest=request.digest))


def missing(request: ChangeRequest, signed: Iterable[SignOff]) -> dict[str, int]:
    """How many signatures of each role the quorum still asks for; empty when it is reached."""
    given = Counter(signoff.role for signoff in signed)
    return {
        role: count - given[role] for role, count in request.quorum.items() if count > given[role]
    }

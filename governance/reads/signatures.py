"""Signatures of a change request: which of them count, and which are still needed."""

from collections import Counter
from collections.abc import Sequence

from governance.models import ChangeRequest, Decision, Proposal, SignOff
from governance.policies import Seat
from governance.rounds import lacking, open_round, rounds_of


def counting(request: ChangeRequest) -> list[SignOff]:
    """Approvals over the digest that the request has now."""
    return list(request.signoffs.filter(decision=Decision.APPROVE, signed_digest=request.digest))


def missing(request: ChangeRequest, signed: Sequence[SignOff]) -> dict[str, int]:
    """How many signatures of each role the round that is open still asks for; empty when every
    round has its quorum."""
    now = open_round(request.rounds, signed)
    return lacking(now, signed) if now else {}


def not_now(request: ChangeRequest, roles: Sequence[str]) -> str:
    """Why none of these roles can sign now, though each is asked for in some round."""
    rounds = rounds_of(request.rounds)
    later = [one for one in rounds if one.number > request.round and set(one.quorum) & set(roles)]
    if not later:
        return "Your role has signed already; another role's signature is needed."
    now = rounds[request.round - 1]
    return (
        f"Your signature is asked for in round {later[0].number}, {later[0].name}: "
        f"{now.name} comes first."
    )


def missing_of(change: Proposal) -> dict[str, int]:
    """Signatures that a proposal still needs, by role."""
    given = Counter(s.role for s in change.signatures.all() if s.decision == Decision.APPROVE)
    return {role: n - given[role] for role, n in change.needed.items() if n > given[role]}


def free_seats(request: ChangeRequest, mine: Sequence[Seat]) -> list[Seat]:
    """Seats whose giver has not signed this evidence, themselves or through somebody else."""
    taken: set[int | None] = set()
    for one in request.signoffs.all():
        if one.signed_digest == request.digest:
            taken |= {one.person_id, one.on_behalf_of_id} - {None}
    return [seat for seat in mine if seat.giver is None or seat.giver not in taken]

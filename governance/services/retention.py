"""How long archives are kept: a table of years by risk tier, proposed by one, signed by another."""

from collections.abc import Mapping

from django.db import transaction
from django.db.models.functions import Now

from accounts.models import User
from accounts.policies import require
from accounts.proofs import Proof
from audit.jobs.checkpoint import checkpoint_after
from audit.record import record
from governance.events import GovernanceEvent
from governance.policies import can_set_retention
from governance.refusals import AlreadyRequested, EvidenceChanged, Incomplete, NotOpen
from governance.services.proofs import digest_of, prove, words
from registry.models import RetentionState, RetentionTable, RiskTier
from registry.reads.retention import rule_in_force

ONLY_RULERS = "A risk officer of the organisation or an administrator sets how long archives stay."
ONLY_ANOTHER = "Somebody else than who proposed it signs it."
MOST_YEARS = 100


@transaction.atomic
def propose_retention(*, actor: User, years: Mapping[str, int], reason: str) -> RetentionTable:
    """Propose for how many years archives of each risk tier are kept; it waits for a signature.

    Raises:
        Refused: neither an administrator nor a risk officer of the organisation.
        Incomplete: a tier has no years, or nothing would be different.
        AlreadyRequested: another proposal waits.
    """
    require(can_set_retention(actor), ONLY_RULERS)
    said, wanted = words("reason", reason, 1000), _checked(years)
    if RetentionTable.objects.filter(state=RetentionState.PROPOSED).exists():
        raise AlreadyRequested("Another proposal waits: sign it or refuse it first.")
    rule = rule_in_force()
    if dict(rule.years) == wanted:
        raise Incomplete("reason", "Nothing would be different from the rule in force.")
    content = {"years": wanted, "replaces": rule.number, "reason": said}
    row = RetentionTable.objects.create(
        years=wanted,
        reason=said,
        digest=digest_of(content),
        proposed_by=actor,
        proposed_name=actor.name,
    )
    record(actor, GovernanceEvent.RETENTION_PROPOSED, row, **content, digest=row.digest)
    return row


def sign_retention(
    *, actor: User, table_id: int, reason: str, digest: str, password: str | Proof
) -> RetentionTable:
    """Sign a proposal: it is in force from now on, and shortens no archive that is sealed.

    Raises:
        Refused: the actor proposed it, or does not set retention.
        NotOpen, EvidenceChanged, Incomplete, WrongPassword: nothing was signed.
    """
    said = words("reason", reason, 1000)
    row = RetentionTable.objects.get(pk=table_id)
    require(_another(actor, row), ONLY_ANOTHER)
    method = prove(actor=actor, subject=row, password=password, digest=digest)
    return _signed(actor, table_id, said, digest, method)


@transaction.atomic
def _signed(actor: User, table_id: int, reason: str, digest: str, method: str) -> RetentionTable:
    row = _open(table_id)
    require(_another(actor, row), ONLY_ANOTHER)
    if digest != row.digest:
        raise EvidenceChanged("The proposal is not the one that you read. Read it again.")
    old = RetentionTable.objects.filter(state=RetentionState.IN_FORCE)
    old.update(state=RetentionState.SUPERSEDED)
    _decide(row, RetentionState.IN_FORCE, actor, reason, method)
    facts = {"years": row.years, "digest": digest, "method": method, "reason": reason}
    checkpoint_after(record(actor, GovernanceEvent.RETENTION_IN_FORCE, row, **facts))
    row.refresh_from_db()
    return row


@transaction.atomic
def refuse_retention(*, actor: User, table_id: int, reason: str) -> RetentionTable:
    """The rule stays as it is; who proposed it takes it back in the same way."""
    row = _open(table_id)
    require(can_set_retention(actor), ONLY_RULERS)
    said = words("reason", reason, 1000)
    _decide(row, RetentionState.REFUSED, actor, said, "")
    record(actor, GovernanceEvent.RETENTION_REFUSED, row, reason=said)
    row.refresh_from_db()
    return row


def _another(actor: User, row: RetentionTable) -> bool:
    return actor.pk != row.proposed_by_id and can_set_retention(actor)


def _open(table_id: int) -> RetentionTable:
    # All that wait or are in force, in their order: two signatures at once come one after another.
    rows = list(
        RetentionTable.objects.select_for_update(no_key=True)
        .filter(state__in=[RetentionState.PROPOSED, RetentionState.IN_FORCE])
        .order_by("pk")
    )
    row = next((one for one in rows if one.pk == table_id), None)
    if row is None or row.state != RetentionState.PROPOSED:
        raise NotOpen("The proposal is decided; nothing is left to sign.")
    return row


def _decide(
    row: RetentionTable, state: RetentionState, actor: User, reason: str, method: str
) -> None:
    RetentionTable.objects.filter(pk=row.pk).update(
        state=state,
        decided_by=actor,
        decided_name=actor.name,
        decided_at=Now(),
        decided_because=reason,
        method=method,
    )


def _checked(years: Mapping[str, int]) -> dict[str, int]:
    for tier in RiskTier.values:
        said = years.get(tier)
        if not isinstance(said, int) or isinstance(said, bool) or not 1 <= said <= MOST_YEARS:
            raise Incomplete(tier, f"A whole number of years, 1 to {MOST_YEARS}.")
    if more := sorted(set(years) - set(RiskTier.values)):
        raise Incomplete("years", f"There is no risk tier {more[0][:40]}.")
    return {tier: years[tier] for tier in RiskTier.values}

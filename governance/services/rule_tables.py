"""The table of rules for recommendations is changed by approval, as approval policies are."""

from django.db import transaction

from accounts.models import User
from accounts.policies import require
from accounts.proofs import Proof
from audit.record import record
from governance.events import GovernanceEvent
from governance.framework_files import BadFramework
from governance.jobs.recommendations import current_table
from governance.jobs.rule_trials import enqueue_trial
from governance.models import (
    Decision,
    ProposalState,
    RuleTable,
    RuleTableChange,
    RuleTableSignature,
)
from governance.policies import (
    can_propose_policy,
)
from governance.policy_table import NEEDED
from governance.recommendation_files import parse, rules_digest, table_differences
from governance.refusals import (
    Incomplete,
)
from governance.services.proofs import digest_of, words
from governance.services.proposals import Kind, decide, refuse_second, sign, withdraw

ONLY_RULERS = "Only an administrator or a risk officer proposes a table of rules."
MEANING = {
    Decision.APPROVE.value: "I put this table of recommendations in force",
    Decision.REJECT.value: "I reject this table of recommendations",
}


@transaction.atomic
def propose_table(*, actor: User, content: str, reason: str) -> RuleTableChange:
    """Propose another table, as the text of its file.

    Raises:
        Refused: neither administrator nor risk officer.
        Incomplete: the text is no table, or nothing would be different.
        AlreadyRequested: another change of the table waits.
    """
    require(can_propose_policy(actor), ONLY_RULERS)
    said = words("reason", reason)
    rules = _parsed(content)
    base = _locked_table()
    refuse_second(RuleTableChange.objects.all())
    found = table_differences(base.rules, rules)
    if not found:
        raise Incomplete("content", "Nothing would be different from the table in force.")
    loosens = any(one.loosens for one in found)
    told = {"replaces": base.number, "rules": rules, "reason": said}
    change = RuleTableChange.objects.create(
        base=base,
        rules=rules,
        loosens=loosens,
        needed=NEEDED[loosens],
        reason=said,
        digest=digest_of(told),
        proposed_by=actor,
    )
    record(
        actor,
        GovernanceEvent.RULE_TABLE_PROPOSED,
        change,
        **told,
        loosens=loosens,
        digest=change.digest,
    )
    enqueue_trial(change.pk)
    return change


def withdraw_table(*, actor: User, change_id: int, reason: str) -> RuleTableChange:
    """Take a proposal back before it is decided; raises as `proposals.withdraw`."""
    change: RuleTableChange = withdraw(actor=actor, kind=TABLES, change_id=change_id, reason=reason)
    return change


def sign_table(
    *,
    actor: User,
    change_id: int,
    decision: str,
    reason: str,
    digest: str,
    password: str | Proof,
) -> RuleTableSignature:
    """Sign for or against a proposal; the last signature that is needed puts it in force.

    Raises as `proposals.sign`.
    """
    signature: RuleTableSignature = sign(
        actor=actor,
        kind=TABLES,
        change_id=change_id,
        decision=decision,
        reason=reason,
        digest=digest,
        password=password,
    )
    return signature


def _put_in_force(actor: User, change: RuleTableChange) -> None:
    """The proposal becomes the table; the follower then looks at every version anew."""
    old = _locked_table()
    RuleTable.objects.filter(pk=old.pk).update(current=False)
    table = RuleTable.objects.create(
        number=old.number + 1, rules=change.rules, digest=rules_digest(change.rules)
    )
    decide(change, ProposalState.IN_FORCE, table=table)
    record(
        actor,
        GovernanceEvent.RULE_TABLE_SET,
        table,
        change=change.pk,
        number=table.number,
        digest=table.digest,
    )


TABLES = Kind(
    rows=RuleTableChange,
    signatures=RuleTableSignature,
    meaning=lambda _, decision: MEANING[decision],
    signed=GovernanceEvent.RULE_TABLE_SIGNED,
    rejected=GovernanceEvent.RULE_TABLE_REJECTED,
    withdrawn=GovernanceEvent.RULE_TABLE_WITHDRAWN,
    put_in_force=_put_in_force,
)


def _parsed(content: str) -> list[dict[str, object]]:
    try:
        return parse(content.encode())
    except (BadFramework, UnicodeEncodeError) as error:
        raise Incomplete("content", str(error)) from error


def _locked_table() -> RuleTable:
    table = current_table()
    rows = RuleTable.objects.select_for_update(no_key=True)
    return rows.filter(current=True).first() or table

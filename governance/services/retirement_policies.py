"""Retirement policies change as approval policies do: proposed here, signed by others there."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from accounts.models import Team, User
from accounts.policies import require
from audit.record import record
from governance.events import GovernanceEvent
from governance.models import PolicyChange, RetirementPolicy
from governance.models.policy_changes import RETIREMENT
from governance.policies import can_propose_policy
from governance.policy_table import NEEDED
from governance.refusals import Incomplete
from governance.retirement_differences import retirement_differences
from governance.retirement_rules import BadTerms, clean_terms
from governance.services.proofs import digest_of, words
from governance.services.proposals import refuse_second
from ledger import claims
from registry.models import Model, RiskTier

ONLY_RULERS = "Only an administrator or a risk officer proposes a retirement policy."
SCOPES = ("model", "team", "tier")
Place = dict[str, Any]


@transaction.atomic
def propose_retirement(
    *, actor: User, scope: str, place: str, terms: Mapping[str, Any], reason: str
) -> PolicyChange:
    """Propose when versions of a model, of a team's models or of a risk tier are retired.

    Raises:
        Refused: neither administrator nor risk officer.
        Incomplete: a rule or number makes no sense, there is no such place, or nothing differs.
        AlreadyRequested: another change of the same policy waits.
    """
    require(can_propose_policy(actor), ONLY_RULERS)
    said = words("reason", reason)
    where = place_of(actor, scope, place)
    wanted = _cleaned(terms)
    refuse_second(PolicyChange.objects.filter(kind=RETIREMENT, **_filter(where)))
    base = locked_retirement_policy(where)
    loosens = _loosens(base, wanted)
    content: dict[str, Any] = {"kind": RETIREMENT, "scope": scope, "place": place}
    content |= {"terms": wanted}
    content |= {"replaces": base.number if base else None}
    change = PolicyChange.objects.create(
        kind=RETIREMENT,
        **where,
        rounds=[],
        gates=[],
        terms=wanted,
        retirement_base=base,
        loosens=loosens,
        needed=NEEDED[loosens],
        reason=said,
        digest=digest_of(content | {"reason": said}),
        proposed_by=actor,
    )
    facts = {"loosens": loosens, "reason": said, "digest": change.digest}
    record(actor, GovernanceEvent.POLICY_PROPOSED, change, **content, **facts)
    return change


def put_retirement_in_force(change: PolicyChange) -> RetirementPolicy:
    """The signed proposal becomes the policy and is held against every version at once; the
    earlier one stays readable."""
    where = {"model": change.model, "team": change.team, "risk_tier": change.risk_tier}
    old = locked_retirement_policy(where)
    if old is not None:
        RetirementPolicy.objects.filter(pk=old.pk).update(current=False)
    made = RetirementPolicy.objects.create(
        **where, number=old.number + 1 if old else 1, terms=change.terms
    )
    claims.enqueue(kind="governance.retirements", key=f"policy-{made.pk}", subject_id=0)
    return made


def place_of(actor: User, scope: str, place: str) -> Place:
    """What a policy is about, as its fields.

    Raises:
        Incomplete: there is no such place that the actor may see.
    """
    found: Place = {"model": None, "team": None, "risk_tier": ""}
    if scope == "model":
        found["model"] = Model.objects.visible_to(actor).filter(slug=place).first()
    elif scope == "team":
        found["team"] = Team.objects.filter(slug=place).first()
    elif scope == "tier" and place in RiskTier.values:
        found["risk_tier"] = place
    if not any(found.values()):
        raise Incomplete("place", "A model, a team or a risk tier that there is.")
    return found


def locked_retirement_policy(where: Place) -> RetirementPolicy | None:
    rows = RetirementPolicy.objects.select_for_update(no_key=True, of=("self",))
    return rows.filter(**_filter(where), current=True).first()


def _filter(where: Place) -> dict[str, Any]:
    """None is looked for as empty."""
    found = {"risk_tier": where["risk_tier"]}
    for name in ("model", "team"):
        found |= {name: where[name]} if where[name] else {f"{name}__isnull": True}
    return found


def _cleaned(terms: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return clean_terms(terms)
    except BadTerms as error:
        raise Incomplete(error.field, str(error)) from error


def _loosens(base: RetirementPolicy | None, wanted: Mapping[str, Any]) -> bool:
    """Whether it asks less than what is in force; the first policy of a place never does."""
    if base is None:
        return False
    found = retirement_differences(base.terms, wanted)
    if not found:
        raise Incomplete("rules", "Nothing would be different from the policy in force.")
    return any(one.loosens for one in found)

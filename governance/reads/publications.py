"""What was published of a card, and what publishing its newest revision takes."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from accounts.policies import acts
from governance.card_fields import completeness
from governance.models import ApprovalPolicy, CardPublication
from governance.policies import SECOND_LINE, SIGNERS, can_edit_card, hand_in
from governance.publishing import needs_signature
from governance.reads.evidence import current_policy
from registry.models import Version

ONLY_EDITORS = "Developers and validators of the owning team publish the card of a low-risk model."


@dataclass(frozen=True)
class PublicationLine:
    """One act of publishing, as a page and an export tell it."""

    revision: int
    name: str
    role: str
    meaning: str
    reason: str
    method: str
    digest: str
    at: datetime


@dataclass(frozen=True)
class Rule:
    """How the cards of a model are published under its approval policy."""

    signed: bool
    roles: tuple[str, ...]
    policy: ApprovalPolicy | None
    minimum: float

    @property
    def words(self) -> str:
        """Who does it, in a sentence."""
        if not self.signed:
            return ONLY_EDITORS
        named = [role.replace("_", " ") for role in self.roles]
        listed = " or ".join([", ".join(named[:-1]), named[-1]] if len(named) > 1 else named)
        return f"A {listed} of the team who had no hand in the version signs the card."


def publications_of(version_id: int) -> tuple[PublicationLine, ...]:
    """Newest first. One query."""
    rows = CardPublication.objects.filter(card__version=version_id).select_related("revision")
    return tuple(_line(row) for row in rows)


def published_at(version_ids: Collection[int], at: datetime) -> dict[int, dict[str, Any]]:
    """Which revision readers were given at a moment, by version. One query."""
    rows = CardPublication.objects.filter(card__version__in=version_ids, at__lte=at)
    newest = rows.order_by("card_id", "-pk").distinct("card_id")
    return {
        row.card.version_id: {
            "revision": row.revision.number,
            "name": row.printed_name,
            "role": row.role,
            "at": row.at,
        }
        for row in newest.select_related("card", "revision")
    }


def _line(row: CardPublication) -> PublicationLine:
    return PublicationLine(
        revision=row.revision.number,
        name=row.printed_name,
        role=row.role,
        meaning=row.meaning,
        reason=row.reason,
        method=row.method,
        digest=row.digest,
        at=row.at,
    )


def rule_of(version: Version) -> Rule:
    """From the policy of promotions in this risk tier: its signers, and the card that it asks for.

    Where no policy is set, the second line signs.
    """
    tier = version.model.risk_tier
    policy = current_policy("promote", tier)
    quorum = policy.quorum if policy else [role.value for role in SECOND_LINE]
    roles = tuple(role.value for role in SIGNERS if role in quorum)
    minimum = _minimum(policy.gates if policy else [])
    return Rule(needs_signature(tier), roles, policy, minimum)


def _minimum(gates: list[dict[str, Any]]) -> float:
    """The share of required sections below which the policy prevents."""
    asked = (
        float(gate["parameters"].get("minimum", 0))
        for gate in gates
        if gate["gate"] == "card_complete" and gate["mode"] == "prevent"
    )
    return max(asked, default=0.0)


def too_little(rule: Rule, sections: Mapping[str, str]) -> str:
    """What keeps this card from being published; empty if nothing does."""
    written = completeness(sections)
    if written.share >= rule.minimum:
        return ""
    missing = ", ".join(section.title for section in written.missing)
    return (
        f"{written.written} of {written.required} required sections are written; the approval "
        f"policy asks for {rule.minimum:.0%}. Missing: {missing}."
    )


def role_for(actor: Any, version: Version, rule: Rule) -> str:
    """The role in which this person publishes; empty if they hold none that may."""
    if not rule.signed:
        return _editor(actor, version)
    team_id = version.model.team_id
    held = (role for role in SIGNERS if role.value in rule.roles)
    return next((role.value for role in held if acts(actor, role, team_id=team_id)), "")


def _editor(actor: Any, version: Version) -> str:
    if not can_edit_card(actor, version):
        return ""
    held = {role for team, role in actor.held if team in {None, version.model.team_id}}
    return next((role for role in ("developer", "validator") if role in held), "developer")


def blocked(actor: Any, version: Version, rule: Rule) -> str:
    """Why this person does not publish the card; empty if they may."""
    if actor.kind != "person" or not role_for(actor, version, rule):
        return rule.words
    if rule.signed and (hand := hand_in(actor, version)):
        return f"{hand} Somebody else publishes its card."
    return ""

"""Who may change what exists."""

from typing import Any

from accounts.models import UserKind
from accounts.policies import acts, can_administer
from accounts.roles import Role
from registry.states import RISK_ORDER

OWNERS_ONLY = "Only developers and service accounts of the owning team change this."
TEAM_ONLY = "Only people and service accounts who work with the team's models do this."
JUDGES_ONLY = "Only a reviewer or a risk officer of the team has this put back."
KEEPERS_ONLY = "Only administrators and auditors see which layers the sandbox has."
HOLDERS_ONLY = "Only a risk officer of the team places and lifts legal holds."
CHANGES_ONLY = (
    "Stages, roles and archives follow approved change requests. Submit one; when it is approved "
    "Ombud carries it out."
)


def can_register(actor: Any, team_id: int) -> bool:
    """Register models and versions of a team, and declare their schema and reference."""
    return acts(actor, Role.DEVELOPER, Role.SERVICE_ACCOUNT, team_id=team_id)


def can_change_model(actor: Any, team_id: int) -> bool:
    return acts(actor, Role.DEVELOPER, Role.SERVICE_ACCOUNT, Role.RISK_OFFICER, team_id=team_id)


def can_set_tier(actor: Any, team_id: int, *, before: str, after: str) -> bool:
    """The tier decides who must approve, so those who build the model only ever raise it."""
    if RISK_ORDER.index(after) >= RISK_ORDER.index(before):
        return can_change_model(actor, team_id)
    return acts(actor, Role.RISK_OFFICER, team_id=team_id)


def can_verify(actor: Any, team_id: int) -> bool:
    """Have an archive read again: whoever builds, judges or serves the team's models."""
    return acts(
        actor,
        Role.DEVELOPER,
        Role.VALIDATOR,
        Role.REVIEWER,
        Role.RISK_OFFICER,
        Role.SERVICE_ACCOUNT,
        team_id=team_id,
    )


def can_put_back(actor: Any, team_id: int) -> bool:
    """Whoever approves changes decides what becomes of one that nobody approved."""
    person = actor.kind == UserKind.PERSON
    return person and acts(actor, Role.REVIEWER, Role.RISK_OFFICER, team_id=team_id)


def can_carry_out(actor: Any) -> bool:
    """Nobody in person: the machine carries out what was approved."""
    return actor.pk is None


def may_see_hosts(actor: Any) -> bool:
    """What protects this installation, for those who run it and those who audit it."""
    return bool({Role.ADMINISTRATOR, Role.AUDITOR} & set(actor.roles))


def can_hold_back(actor: Any, team_id: int) -> bool:
    """Place and lift legal holds: a person who answers for compliance."""
    return actor.kind == UserKind.PERSON and acts(actor, Role.RISK_OFFICER, team_id=team_id)


def can_end_archive(actor: Any, team_id: int) -> bool:
    """Ask for a purge, or confirm one: a person who answers for compliance."""
    officer = acts(actor, Role.RISK_OFFICER, team_id=team_id)
    return actor.kind == UserKind.PERSON and (officer or can_administer(actor))

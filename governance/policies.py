"""Who may do what: cards, change requests, signatures, clearance."""

from typing import TYPE_CHECKING, Any

from accounts.models import UserKind
from accounts.policies import acts, can_administer, is_auditor
from accounts.roles import Role
from governance.querysets import GRAVE, TEAM
from registry.models import Contribution

if TYPE_CHECKING:
    from governance.models import (
        ChangeRequest,
        Finding,
        GuidelineAnswers,
        GuidelineEdition,
        PolicyChange,
        RequestEntry,
        Waiver,
    )
    from registry.models import Model, Version

SIGNERS = (Role.VALIDATOR, Role.REVIEWER, Role.RISK_OFFICER)
BUILDERS = (Role.DEVELOPER, Role.VALIDATOR)


def can_edit_card(actor: Any, version: "Version") -> bool:
    return acts(actor, *BUILDERS, team_id=version.model.team_id)


def can_submit(actor: Any, model: "Model") -> bool:
    return acts(actor, *BUILDERS, Role.SERVICE_ACCOUNT, team_id=model.team_id)


def can_withdraw(actor: Any, request: "ChangeRequest") -> bool:
    """Who asked takes it back, or a developer of the team who is there when they are not."""
    team_id = request.model.team_id
    return acts(actor, Role.DEVELOPER, team_id=team_id) or (
        actor.pk == request.requested_by_id and can_submit(actor, request.model)
    )


def can_decide_clearance(actor: Any, model: "Model") -> bool:
    """A person who reviews or answers for risk, never a machine."""
    person = actor.kind == UserKind.PERSON
    return person and acts(actor, Role.REVIEWER, Role.RISK_OFFICER, team_id=model.team_id)


def can_propose_policy(actor: Any) -> bool:
    """Who runs the installation, or answers for risk in any team."""
    rules = can_administer(actor) or Role.RISK_OFFICER in actor.roles
    return _person(actor) and not is_auditor(actor) and rules


def policy_roles(actor: Any) -> list[str]:
    """The roles in which the actor signs approval policies: they hold for the organisation."""
    roles = (Role.RISK_OFFICER, Role.ADMINISTRATOR)
    return [role.value for role in roles if _person(actor) and acts(actor, role, team_id=None)]


def can_sign_policy(actor: Any, change: "PolicyChange") -> bool:
    """Never what one proposed oneself."""
    return bool(policy_roles(actor)) and actor.pk != change.proposed_by_id


def can_withdraw_policy(actor: Any, change: "PolicyChange") -> bool:
    own = actor.pk == change.proposed_by_id and can_propose_policy(actor)
    return own or (_person(actor) and can_administer(actor))


def signing_roles(actor: Any, request: "ChangeRequest") -> list[str]:
    """The roles of any round that the actor holds, in the order of a review."""
    if actor.kind != UserKind.PERSON:
        return []
    team_id = request.model.team_id
    asked = (role.value for role in SIGNERS if role in request.quorum)
    return [role for role in asked if acts(actor, role, team_id=team_id)]


def had_a_hand(actor: Any, request: "ChangeRequest") -> str:
    """What keeps the actor from signing although they hold the role; empty if nothing does."""
    if actor.pk == request.requested_by_id:
        return "You asked for this change."
    hand = Contribution.objects.filter(version=request.version_id, person=actor.pk)
    kinds = sorted(contribution.get_kind_display() for contribution in hand)
    return f"You had a hand in this version: you {', '.join(kinds)}." if kinds else ""


def can_sign(actor: Any, request: "ChangeRequest") -> bool:
    """A role of the quorum, and no hand in what is signed (a database trigger says so too)."""
    return bool(signing_roles(actor, request)) and not had_a_hand(actor, request)


def can_comment(actor: Any, request: "ChangeRequest") -> bool:
    """People who work with the team's models; never a machine."""
    return _person(actor) and acts(actor, *TEAM, team_id=request.model.team_id)


def can_answer_changes(actor: Any, request: "ChangeRequest") -> bool:
    return _person(actor) and can_withdraw(actor, request)


def can_settle(actor: Any, request: "ChangeRequest", asked: "RequestEntry") -> bool:
    """Who asked for the change, or another who may sign in the same role (somebody on leave must
    not hold a request for ever)."""
    roles = signing_roles(actor, request) if can_sign(actor, request) else []
    return (actor.pk == asked.person_id and bool(roles)) or asked.role in roles


def can_set_conditions(actor: Any, request: "ChangeRequest") -> bool:
    return can_submit(actor, request.model) or can_sign(actor, request)


SECOND_LINE = (Role.VALIDATOR, Role.REVIEWER, Role.RISK_OFFICER)


def _person(actor: Any) -> bool:
    return bool(actor.kind == UserKind.PERSON)


def can_add_framework(actor: Any, team_id: int) -> bool:
    """Those who judge the team's models bring its own rules."""
    return _person(actor) and acts(actor, Role.VALIDATOR, Role.RISK_OFFICER, team_id=team_id)


def can_set_scope(actor: Any, model: "Model") -> bool:
    """Say where and what for a model is used."""
    roles = (Role.DEVELOPER, Role.VALIDATOR, Role.RISK_OFFICER)
    return acts(actor, *roles, team_id=model.team_id)


def can_attach(actor: Any, model: "Model") -> bool:
    return acts(actor, *TEAM, Role.SERVICE_ACCOUNT, team_id=model.team_id)


def can_assess(actor: Any, model: "Model") -> bool:
    """Whoever judges, not whoever builds; never a machine."""
    return _person(actor) and acts(actor, *SECOND_LINE, team_id=model.team_id)


def can_raise_finding(actor: Any, model: "Model") -> bool:
    return acts(actor, *TEAM, Role.SERVICE_ACCOUNT, team_id=model.team_id)


def can_work_on(actor: Any, finding: "Finding") -> bool:
    return _person(actor) and acts(actor, *TEAM, team_id=finding.model.team_id)


def did_the_work(actor: Any, finding: "Finding") -> bool:
    """Whether the person owns the finding, owned it, or had a hand in mending it."""
    if actor.pk in {finding.owner_id, finding.proposed_by_id}:
        return True
    hands = finding.entries.filter(verb__in=["start", "propose", "own"], person=actor.pk)
    return bool(hands.exists())


def can_close_finding(actor: Any, finding: "Finding") -> bool:
    """Somebody who judges, and had no hand in the mending."""
    judges = _person(actor) and acts(actor, *SECOND_LINE, team_id=finding.model.team_id)
    return judges and not did_the_work(actor, finding)


def can_ask_waiver(actor: Any, model: "Model") -> bool:
    return _person(actor) and acts(actor, *TEAM, team_id=model.team_id)


def can_decide_waiver(actor: Any, waiver: "Waiver") -> bool:
    """Who answers for risk; a reviewer where no grave finding is concerned. Never one's own."""
    grave = waiver.finding is not None and waiver.finding.severity in GRAVE
    roles = (Role.RISK_OFFICER,) if grave else (Role.RISK_OFFICER, Role.REVIEWER)
    own = actor.pk == waiver.asked_by_id or (
        waiver.finding is not None and actor.pk == waiver.finding.owner_id
    )
    return _person(actor) and not own and acts(actor, *roles, team_id=waiver.model.team_id)


def can_withdraw_waiver(actor: Any, waiver: "Waiver") -> bool:
    mine = actor.pk == waiver.asked_by_id and can_ask_waiver(actor, waiver.model)
    return mine or (_person(actor) and acts(actor, Role.RISK_OFFICER, team_id=waiver.model.team_id))


def can_answer_risk(actor: Any, model: "Model") -> bool:
    """The registry refuses developers who would lower the tier."""
    roles = (Role.DEVELOPER, Role.RISK_OFFICER)
    return _person(actor) and acts(actor, *roles, team_id=model.team_id)


def can_attest(actor: Any, model: "Model") -> bool:
    """The model's owner, or who answers for risk."""
    owner = actor.pk == model.owner_id and acts(actor, *TEAM, team_id=model.team_id)
    return _person(actor) and (owner or acts(actor, Role.RISK_OFFICER, team_id=model.team_id))


def can_write_guideline(actor: Any, team_id: int) -> bool:
    """Whoever works with the team's models writes down what it asks itself."""
    return _person(actor) and acts(actor, *TEAM, team_id=team_id)


def can_sign_guideline(actor: Any, edition: "GuidelineEdition", *, ends: bool = False) -> bool:
    """Those who review or answer for risk put it in force or end it; never their own words."""
    roles = (Role.REVIEWER, Role.RISK_OFFICER)
    own = actor.pk == edition.drafted_by_id and not ends
    return _person(actor) and not own and acts(actor, *roles, team_id=edition.guideline.team_id)


def can_answer_guidelines(actor: Any, model: "Model") -> bool:
    return _person(actor) and acts(actor, *BUILDERS, team_id=model.team_id)


def can_sign_answers(actor: Any, answers: "GuidelineAnswers") -> bool:
    """The second line, without a hand in the version or in the answers."""
    version = answers.version
    if not _person(actor) or not acts(actor, *SECOND_LINE, team_id=version.model.team_id):
        return False
    hand = Contribution.objects.filter(version=version, person=actor.pk)
    return actor.pk != answers.drafted_by_id and not hand.exists()


def can_change_purpose(actor: Any, model: "Model") -> bool:
    """Who builds the model or answers for its risk says anew what it is for."""
    roles = (Role.DEVELOPER, Role.RISK_OFFICER)
    return _person(actor) and acts(actor, *roles, team_id=model.team_id)


def can_audit(actor: Any) -> bool:
    """Draw samples and write about them: auditors, who change nothing that they audit."""
    return _person(actor) and is_auditor(actor)

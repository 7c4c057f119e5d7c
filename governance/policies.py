"""Who may do what: cards, change requests, signatures, clearance."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from accounts.models import UserKind
from accounts.policies import acts, can_administer, is_auditor
from accounts.roles import SIGNING_ROLES, Role
from governance.querysets import GRAVE, TEAM
from registry.models import Contribution
from registry.policies import can_end_archive

if TYPE_CHECKING:
    from governance.models import (
        ChangeRequest,
        Finding,
        GuidelineAnswers,
        GuidelineEdition,
        Proposal,
        Recommendation,
        RequestEntry,
        RetirementObjection,
        Waiver,
    )
    from monitoring.models import Erasure
    from registry.models import Model, Version

SIGNERS = SIGNING_ROLES
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


def can_sign_policy(actor: Any, change: "Proposal") -> bool:
    """Never what one proposed oneself."""
    return bool(policy_roles(actor)) and actor.pk != change.proposed_by_id


def can_withdraw_policy(actor: Any, change: "Proposal") -> bool:
    own = actor.pk == change.proposed_by_id and can_propose_policy(actor)
    return own or (_person(actor) and can_administer(actor))


@dataclass(frozen=True)
class Seat:
    """A role in which somebody may sign: their own, or that of who lent it to them."""

    role: str
    giver: int | None = None


def seats(actor: Any, request: "ChangeRequest") -> list[Seat]:
    """Roles of any round in which the actor may sign, in the order of a review; own ones first.

    A role that was lent counts only if its giver could sign here: nobody lends what they lack.
    """
    if actor.kind != UserKind.PERSON or is_auditor(actor):
        return []
    team_id = request.model.team_id
    asked = [role.value for role in SIGNERS if role in request.quorum]
    own = [Seat(role) for role in asked if acts(actor, role, team_id=team_id)]
    lent = [
        Seat(role, giver)
        for role in asked
        for team, held, giver in sorted(actor.lent, key=str)
        if held == role and team in {team_id, None}
    ]
    return own + _without_a_hand(lent, request)


def _without_a_hand(lent: list[Seat], request: "ChangeRequest") -> list[Seat]:
    givers = {seat.giver for seat in lent} - {request.requested_by_id}
    if not givers:
        return []
    hands = Contribution.objects.filter(version=request.version_id, person__in=givers)
    free = givers - set(hands.values_list("person", flat=True))
    return [seat for seat in lent if seat.giver in free]


def signing_roles(actor: Any, request: "ChangeRequest") -> list[str]:
    """The roles of any round that the actor holds or was lent, own ones first."""
    return list(dict.fromkeys(seat.role for seat in seats(actor, request)))


def had_a_hand(actor: Any, request: "ChangeRequest") -> str:
    """What keeps the actor from signing although they hold the role; empty if nothing does."""
    if actor.pk == request.requested_by_id:
        return "You asked for this change."
    return hand_in(actor, request.version)


def hand_in(actor: Any, version: "Version") -> str:
    """What the actor did to a version, in a sentence; empty if nothing."""
    hand = Contribution.objects.filter(version=version, person=actor.pk)
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


def can_try_policy(actor: Any, team_id: int | None) -> bool:
    """On everybody's past whoever sets policies or audits; on a team's, its second line."""
    if can_administer(actor) or can_audit(actor):
        return True
    return team_id is not None and _person(actor) and acts(actor, *SECOND_LINE, team_id=team_id)


def can_see_challenge(actor: Any, team_id: int) -> bool:
    """Figures of a team: whoever challenges in it, and who looks at everything."""
    if can_administer(actor) or can_audit(actor):
        return True
    return _person(actor) and acts(actor, *SECOND_LINE, team_id=team_id)


def can_switch_challenge(actor: Any, team_id: int) -> bool:
    officer = _person(actor) and acts(actor, Role.RISK_OFFICER, team_id=team_id)
    return can_administer(actor) or officer


def can_answer_recommendation(actor: Any, recommendation: "Recommendation") -> bool:
    """Say why it is not followed: people who work with the team's models."""
    return _person(actor) and acts(actor, *TEAM, team_id=recommendation.version.model.team_id)


def can_object(actor: Any, model: "Model") -> bool:
    """Whoever works with the team's models may object to a retirement."""
    return _person(actor) and acts(actor, *TEAM, team_id=model.team_id)


def can_answer_objection(actor: Any, objection: "RetirementObjection") -> bool:
    """Those who review or answer for risk; never who objected."""
    roles = (Role.REVIEWER, Role.RISK_OFFICER)
    team_id = objection.retirement.model.team_id
    return (
        _person(actor) and actor.pk != objection.person_id and acts(actor, *roles, team_id=team_id)
    )


def can_name_replacement(actor: Any, model: "Model") -> bool:
    """Who builds the model, or answers for its risk, says what takes a version's place."""
    return _person(actor) and acts(actor, *BUILDERS, Role.RISK_OFFICER, team_id=model.team_id)


def can_retry_step(actor: Any, model: "Model") -> bool:
    return can_name_replacement(actor, model)


def can_record_life_fact(actor: Any, model: "Model") -> bool:
    """Days on which something ends, and who uses the model."""
    return can_name_replacement(actor, model)


def can_keep_registration(actor: Any, model: "Model") -> bool:
    """The model's owner, or who answers for risk, keeps its entry at the authority."""
    owner = actor.pk == model.owner_id and acts(actor, *TEAM, team_id=model.team_id)
    return _person(actor) and (owner or acts(actor, Role.RISK_OFFICER, team_id=model.team_id))


def can_erase(actor: Any, model: "Model") -> bool:
    """A person who answers for compliance: a risk officer of the team, or an administrator."""
    officer = acts(actor, Role.RISK_OFFICER, team_id=model.team_id)
    return _person(actor) and (officer or can_administer(actor))


def can_check_erasure(actor: Any, erasure: "Erasure") -> bool:
    """Never what one asked for oneself."""
    return actor.pk != erasure.asked_by_id and can_erase(actor, erasure.model)


def may_erase_somewhere(actor: Any) -> bool:
    """Whether the page to ask for an erasure is this person's at all."""
    return _person(actor) and (can_administer(actor) or Role.RISK_OFFICER in actor.roles)


def can_purge(actor: Any, model: "Model") -> bool:
    """Who may ask that an archive ends, or confirm it."""
    return can_end_archive(actor, model.team_id)


def can_set_retention(actor: Any) -> bool:
    """How long archives are kept: a risk officer of the whole organisation, or an administrator."""
    officer = acts(actor, Role.RISK_OFFICER, team_id=None)
    return _person(actor) and (officer or can_administer(actor))

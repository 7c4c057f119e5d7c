"""Who may send data, set up monitors, and own incidents."""

from typing import Any

from accounts.policies import acts, is_auditor
from accounts.roles import Role
from monitoring.models import Incident, Monitor, RetrainingPolicy
from registry.models import Model, RiskTier

CARETAKERS = (Role.DEVELOPER, Role.VALIDATOR, Role.REVIEWER, Role.RISK_OFFICER)


def can_send(actor: Any, model: Model) -> bool:
    """Serving systems send; the team's developers may too, for back-fills."""
    return acts(actor, Role.SERVICE_ACCOUNT, Role.DEVELOPER, team_id=model.team_id)


def can_change_monitors(actor: Any, model: Model) -> bool:
    return acts(actor, Role.DEVELOPER, Role.VALIDATOR, Role.RISK_OFFICER, team_id=model.team_id)


def can_change_monitor(actor: Any, monitor: Monitor) -> bool:
    return can_change_monitors(actor, monitor.model)


def can_try(actor: Any, monitor: Monitor) -> bool:
    """Other settings on stored windows: nothing is changed, so auditors may, too."""
    return is_auditor(actor) or acts(actor, *CARETAKERS, team_id=monitor.model.team_id)


def can_handle(actor: Any, incident: Incident) -> bool:
    """Acknowledge, note and resolve: the people of the team, not its machines."""
    return acts(actor, *CARETAKERS, team_id=incident.model.team_id)


def can_write_retraining(actor: Any, model: Model) -> bool:
    """Policies, data suites, starting and cancelling: the team that owns the model."""
    return acts(actor, Role.DEVELOPER, Role.RISK_OFFICER, team_id=model.team_id)


def can_approve_retraining(actor: Any, model: Model) -> bool:
    """A policy of a model of higher risk: a reviewer, at high risk a risk officer."""
    role = Role.RISK_OFFICER if model.risk_tier == RiskTier.HIGH else Role.REVIEWER
    return acts(actor, role, team_id=model.team_id)


def can_let_retrain(actor: Any, policy: RetrainingPolicy) -> bool:
    """Approve this policy: nobody who wrote it or asked for it."""
    own = actor.pk in {policy.written_by_id, policy.switched_on_by_id}
    return not own and can_approve_retraining(actor, policy.model)


def can_ask_explanation(actor: Any, model: Model) -> bool:
    """Whoever works with the model's answers, its serving system included."""
    return acts(actor, *CARETAKERS, Role.SERVICE_ACCOUNT, team_id=model.team_id)

"""Retraining policies and data suites: written, asked for, approved, switched on and off."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.db.models.functions import Now
from django.utils import timezone

from accounts.models import User
from accounts.policies import require
from audit.record import record
from monitoring import data_checks, retraining_terms
from monitoring.events import MonitoringEvent
from monitoring.models import DataSuite, RetrainingPolicy
from monitoring.policies import can_approve_retraining, can_let_retrain, can_write_retraining
from monitoring.states import PolicyState, move_policy
from registry.models import Model, RiskTier

ONLY_OWNERS = "Developers and risk officers of the model's team write and switch its retraining."
ONLY_APPROVERS = (
    "A reviewer of the team approves it, at high risk a risk officer, and nobody who wrote it or "
    "asked for it."
)
WITHOUT_APPROVAL = frozenset({RiskTier.LOW})


class RetrainingInvalid(ValueError):
    """What was sent or asked does not go together; `field` says which part."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.field = name


@transaction.atomic
def write_policy(
    *, actor: User, model_id: int, terms: Mapping[str, Any], reason: str
) -> RetrainingPolicy:
    """Write the next version of a model's retraining policy; the one that is on stays on.

    Raises:
        Refused: the actor is not of the owning team.
        TermsInvalid, RetrainingInvalid: what makes no sense, in a sentence.
    """
    model = Model.objects.select_for_update(no_key=True).get(pk=model_id)
    require(can_write_retraining(actor, model), ONLY_OWNERS)
    wanted = retraining_terms.parse(terms)
    if wanted.runner != "here" and wanted.runner not in settings.RETRAINING_RUNNERS:
        raise RetrainingInvalid("runner", f"Operators have set up no runner {wanted.runner}.")
    if wanted.kind == "recalibration" and model.task != "binary":
        raise RetrainingInvalid("kind", "Only the chances of two classes are recalibrated.")
    policy = RetrainingPolicy.objects.create(
        model=model,
        number=_next(RetrainingPolicy.objects.filter(model=model)),
        terms=wanted.as_json(),
        digest=wanted.digest,
        reason=_said(reason),
        written_by=actor,
    )
    policy.refresh_from_db()
    facts = {"number": policy.number, "digest": policy.digest, "reason": policy.reason}
    says = retraining_terms.sentence(wanted)
    record(actor, MonitoringEvent.POLICY_WRITTEN, policy, says=says, **facts)
    return policy


@transaction.atomic
def switch_on(*, actor: User, policy_id: int) -> RetrainingPolicy:
    """Let a policy work; at medium and high risk another person has to approve it first.

    Raises:
        Refused: the actor is not of the owning team.
        IllegalRetrainingMove: it is no draft any more.
    """
    policy = _locked(policy_id)
    require(can_write_retraining(actor, policy.model), ONLY_OWNERS)
    alone = policy.model.risk_tier in WITHOUT_APPROVAL
    policy.state = move_policy(policy.state, "switch_on" if alone else "ask")
    policy.switched_on_by = actor
    if alone:
        _put_on(policy)
    policy.save(update_fields=["state", "switched_on_by", "on_since"])
    event = MonitoringEvent.POLICY_SWITCHED_ON if alone else MonitoringEvent.POLICY_ASKED
    record(actor, event, policy, number=policy.number, digest=policy.digest)
    return policy


@transaction.atomic
def approve_policy(*, actor: User, policy_id: int, reason: str, method: str) -> RetrainingPolicy:
    """Let a policy work that was asked for; nobody approves their own.

    `method` is how the person proved who they are, to governance, which asks for it.

    Raises:
        Refused: the actor may not approve it, or had a hand in it.
    """
    policy = _locked(policy_id)
    require(can_let_retrain(actor, policy), ONLY_APPROVERS)
    policy.state = move_policy(policy.state, "approve")
    policy.approved_by = actor
    _put_on(policy)
    policy.save(update_fields=["state", "approved_by", "on_since"])
    facts = {"number": policy.number, "digest": policy.digest, "method": method}
    record(actor, MonitoringEvent.POLICY_APPROVED, policy, **facts, reason=_said(reason))
    return policy


@transaction.atomic
def switch_off(*, actor: User, policy_id: int, reason: str) -> RetrainingPolicy:
    """End a policy; retrainings that it started go on.

    Raises:
        Refused: the actor is neither of the owning team nor an approver.
    """
    policy = _locked(policy_id)
    may = can_write_retraining(actor, policy.model) or can_approve_retraining(actor, policy.model)
    require(may, ONLY_OWNERS)
    policy.state = move_policy(policy.state, "switch_off")
    policy.save(update_fields=["state"])
    RetrainingPolicy.objects.filter(pk=policy.pk).update(off_since=Now())
    event = MonitoringEvent.POLICY_SWITCHED_OFF
    record(actor, event, policy, number=policy.number, reason=_said(reason))
    return policy


@transaction.atomic
def write_suite(*, actor: User, model_id: int, checks: Mapping[str, Any], reason: str) -> DataSuite:
    """Write the next version of a model's data suite; the newest is the one that is asked.

    Raises:
        Refused: the actor is not of the owning team.
        ChecksInvalid: what makes no sense, in a sentence.
    """
    model = Model.objects.select_for_update(no_key=True).get(pk=model_id)
    require(can_write_retraining(actor, model), ONLY_OWNERS)
    wanted = data_checks.parse(checks)
    suite = DataSuite.objects.create(
        model=model,
        number=_next(DataSuite.objects.filter(model=model)),
        checks=wanted,
        digest=data_checks.digest_of(wanted),
        reason=_said(reason),
        written_by=actor,
    )
    suite.refresh_from_db()
    facts = {"number": suite.number, "digest": suite.digest, "reason": suite.reason}
    record(actor, MonitoringEvent.SUITE_WRITTEN, suite, columns=len(wanted["columns"]), **facts)
    return suite


def _locked(policy_id: int) -> RetrainingPolicy:
    model_id = RetrainingPolicy.objects.values_list("model_id", flat=True).get(pk=policy_id)
    model = Model.objects.select_for_update(no_key=True).get(pk=model_id)
    policy = RetrainingPolicy.objects.select_for_update(no_key=True).get(pk=policy_id)
    policy.model = model
    return policy


def _put_on(policy: RetrainingPolicy) -> None:
    """The policy that was on ends as the new one begins."""
    policy.on_since = timezone.now()
    there = RetrainingPolicy.objects.filter(model=policy.model, state=PolicyState.ON)
    there.update(state=PolicyState.OFF, off_since=Now())


def _next(found: Any) -> int:
    return int(found.aggregate(last=Max("number"))["last"] or 0) + 1


def _said(reason: str) -> str:
    if not reason.strip():
        raise RetrainingInvalid("reason", "Say why.")
    return reason.strip()[:500]

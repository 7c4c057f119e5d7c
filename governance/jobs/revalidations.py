"""Approvals given anew: opened when the purpose changed or by cadence, overdue, settled.

What settles one is looked for, not told: a newer approval under today's purpose, a version that
serves no longer, a purpose that is again what it was. So any step may be repeated without harm.
"""

from datetime import date, timedelta

from django.db import transaction
from django.db.models.functions import Now

from audit.record import SYSTEM, Actor, record
from governance.events import GovernanceEvent
from governance.jobs.clearance import grant, in_force, suspend
from governance.jobs.findings import Found, raise_finding
from governance.jobs.locks import lock_models
from governance.jobs.status import rebuild_status
from governance.models import (
    ChangeRequest,
    Clearance,
    Condition,
    FindingKind,
    PurposeChange,
    Revalidation,
    RevalidationCause,
)
from governance.purposes import purpose_of
from governance.reads.revalidations import approved_digest, last_approval
from governance.risk_table import lapses, questionnaire, revalidation_due
from governance.states import ClearanceState
from registry.models import Deployment, Model, Version

MAY_SERVE = (ClearanceState.CLEARED, ClearanceState.CONDITIONAL)


def open_for_purpose(*, actor: Actor, model: Model, change: PurposeChange, today: date) -> int:
    """One for every version that serves under an approval for another purpose; how many."""
    now, opened = purpose_of(model)["digest"], 0
    due = today + timedelta(days=questionnaire().reapproval_days[model.risk_tier])
    for deployment in _serving(model.pk):
        approval = last_approval(deployment.version_id, deployment.environment)
        if approval is None or approved_digest(approval, model) == now:
            continue
        cause = RevalidationCause.PURPOSE
        opened += _open(actor, deployment, model, cause, due, change)
    return opened


def open_by_cadence(*, today: date) -> int:
    """Open what falls due within the questionnaire's days; returns how many were opened."""
    serving = Deployment.objects.filter(ended_at__isnull=True).values("model")
    models = Model.objects.filter(pk__in=serving).order_by("pk")
    return sum(_open_model(pk, today) for pk in models.values_list("pk", flat=True))


@transaction.atomic
def _open_model(model_id: int, today: date) -> int:
    lock_models([model_id])
    model = Model.objects.select_related("team", "owner").get(pk=model_id)
    early, opened = timedelta(days=questionnaire().open_days_before), 0
    for deployment in _serving(model_id):
        approval = last_approval(deployment.version_id, deployment.environment)
        if approval is None or approval.decided_at is None:
            continue
        due = revalidation_due(approval.decided_at.date(), model.risk_tier)
        if today >= due - early:
            cause = RevalidationCause.CADENCE
            opened += _open(SYSTEM, deployment, model, cause, due, None)
    if opened:
        rebuild_status(model_ids=[model_id])
    return opened


def find_overdue(*, today: date) -> int:
    """What was not approved anew in time: a finding, and by tier the clearance ends; how many."""
    waiting = Revalidation.objects.waiting().order_by()
    for model_id in waiting.values_list("model", flat=True).distinct():
        _settle_model(model_id)
    late = Revalidation.objects.waiting().filter(due_on__lt=today)
    rows = late.filter(suspended__isnull=True).order_by("pk")
    return sum(_overdue(pk, model) for pk, model in rows.values_list("pk", "model"))


@transaction.atomic
def _settle_model(model_id: int) -> None:
    lock_models([model_id])
    if settle(actor=SYSTEM, model_id=model_id):
        rebuild_status(model_ids=[model_id])


@transaction.atomic
def _overdue(row_id: int, model_id: int) -> int:
    lock_models([model_id])
    row = Revalidation.objects.select_related("model__team", "model__owner", "version__model").get(
        pk=row_id
    )
    if row.settled_at is not None or row.suspended_id is not None:
        return 0
    first = row.overdue_at is None
    clearance = _lapse(row) if lapses(row.tier) else None
    if first:
        Revalidation.objects.filter(pk=row.pk).update(overdue_at=Now())
        _raise(row)
        record(
            SYSTEM,
            GovernanceEvent.REVALIDATION_OVERDUE,
            row,
            due=str(row.due_on),
            suspended=clearance is not None,
        )
    rebuild_status(model_ids=[model_id])
    return int(first)


def _lapse(row: Revalidation) -> Clearance | None:
    """End the clearance where the version may serve; what is suspended already stays so."""
    found = in_force(row.version).filter(environment=row.environment, state__in=MAY_SERVE).first()
    if found is None:
        return None
    day = f"{row.due_on.day} {row.due_on:%b %Y}"
    clearance = suspend(
        actor=SYSTEM,
        version=row.version,
        environment=row.environment,
        reasons=[f"Its approval lapsed: it was not given anew by {day} ({_why(row)})."],
    )
    Revalidation.objects.filter(pk=row.pk).update(suspended=clearance)
    return clearance


def _raise(row: Revalidation) -> None:
    found = Found(
        kind=FindingKind.EXCEPTION,
        severity=row.tier,
        title=f"Version {row.version.number} was not approved anew in {row.environment}",
        text=f"It was due on {row.due_on}, because {_why(row)}. Ask to revalidate the version.",
        key=f"revalidation-{row.pk}",
    )
    raise_finding(actor=SYSTEM, model=row.model, found=found, version=row.version)


def _why(row: Revalidation) -> str:
    if row.cause == RevalidationCause.PURPOSE:
        return "the purpose changed after it was approved"
    return f"the {row.tier} risk tier asks for it"


@transaction.atomic
def settle(*, actor: Actor, model_id: int) -> int:
    """Close what is not owed any more; returns how many. The model is locked by the caller."""
    rows = list(Revalidation.objects.waiting().filter(model=model_id).select_related("model__team"))
    return sum(_settle(actor, row) for row in rows)


def _settle(actor: Actor, row: Revalidation) -> int:
    approval = last_approval(row.version_id, row.environment)
    serving = Deployment.objects.filter(
        version=row.version_id, environment=row.environment, ended_at__isnull=True
    )
    outcome, by = "", None
    if not serving.exists():
        outcome = "The version serves there no longer."
    elif approval is not None and _is_current(approval, row.model):
        if approval.decided_at and approval.decided_at > row.opened_at:
            outcome, by = f"Approved anew by CR-{approval.pk}.", approval
        elif row.cause == RevalidationCause.PURPOSE:
            outcome = "The purpose is again what was approved."
    if not outcome:
        return 0
    Revalidation.objects.filter(pk=row.pk).update(settled_at=Now(), settled_by=by, outcome=outcome)
    record(
        actor,
        GovernanceEvent.REVALIDATION_SETTLED,
        row,
        outcome=outcome,
        request=by.pk if by else None,
    )
    return 1


def _is_current(approval: ChangeRequest, model: Model) -> bool:
    today: str = purpose_of(model)["digest"]
    return approved_digest(approval, model) == today


@transaction.atomic
def clear_anew(
    *, actor: Actor, version: Version, environment: str, reasons: list[str], conditions: bool
) -> Clearance | None:
    """Clear a version whose approval had lapsed, or that has or had conditions.

    What was suspended for another reason stays so, and what is cleared as before stays as it is.
    """
    row = in_force(version).filter(environment=environment).first()
    if row is None or not (_lapsed(row) or (conditions and row.state in MAY_SERVE)):
        return None
    return grant(actor=actor, version=version, environment=environment, reasons=reasons)


def _lapsed(row: Clearance) -> bool:
    """Whether its approval, or a condition of it, ended by itself."""
    approvals = Revalidation.objects.filter(suspended=row)
    return approvals.exists() or Condition.objects.filter(suspended=row).exists()


def _serving(model_id: int) -> list[Deployment]:
    rows = Deployment.objects.filter(model=model_id, ended_at__isnull=True)
    return list(rows.select_related("version").order_by("pk"))


def _open(
    actor: Actor,
    deployment: Deployment,
    model: Model,
    cause: str,
    due: date,
    change: PurposeChange | None,
) -> int:
    there = Revalidation.objects.waiting().filter(
        version=deployment.version_id, environment=deployment.environment, cause=cause
    )
    if there.exists():
        return 0
    row = Revalidation.objects.create(
        model=model,
        version=deployment.version,
        environment=deployment.environment,
        cause=cause,
        change=change,
        tier=model.risk_tier,
        due_on=due,
    )
    record(
        actor,
        GovernanceEvent.REVALIDATION_OPENED,
        row,
        version=deployment.version.number,
        environment=deployment.environment,
        cause=str(cause),
        due=str(due),
        tier=str(model.risk_tier),
    )
    return 1

"""What the rules find for models, prepared as rows; assessments whose evidence fell away lapse."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from audit.record import SYSTEM, record
from governance.control_rules import (
    MET,
    PARTLY,
    Evidence,
    RuleResult,
    Scope,
    ask,
    concerns,
    propose,
)
from governance.events import GovernanceEvent
from governance.jobs.locks import lock_models
from governance.models import Assessment, Control, ControlStatus
from governance.reads.control_facts import evidence_of, scopes_of
from ledger import claims
from registry.models import Model

KIND = "governance.controls"
AT_ONCE = 1000


def evaluate_model(claim: claims.Claim) -> None:
    """Ask every rule for one model anew; a job."""
    with transaction.atomic():
        lock_models([claim.subject_id])
        claims.finish(claim=claim)
        rebuild_controls(model_ids=[claim.subject_id])


def enqueue_evaluation(model_ids: Iterable[int]) -> None:
    for model_id in model_ids:
        claims.again(kind=KIND, key=f"model-{model_id}", subject_id=model_id)


@transaction.atomic
def rebuild_controls(*, model_ids: Collection[int]) -> int:
    """Prepare the control rows of these models anew; returns how many rows there are.

    A fixed number of queries for any number of models; derived rows need no audit event, an
    assessment that lapses has one.
    """
    lock_models(sorted(model_ids))
    models = list(Model.objects.filter(pk__in=model_ids).order_by("pk"))
    controls = list(current_controls())
    evidence, scopes = evidence_of(models), scopes_of(models)
    rows = [
        row
        for model in models
        for row in _rows(model, controls, scopes[model.pk], evidence[model.pk])
    ]
    _replace(models, rows)
    _lapse(models, evidence)
    return len(rows)


def current_controls() -> Any:
    """Controls of current editions, those of every team."""
    found = Control.objects.filter(edition__current=True)
    return found.select_related("edition__framework").order_by("edition", "position")


def over(control: Control, day: date) -> bool:
    """Whether the control or its edition has ceased to be valid."""
    ends = [control.valid_to, control.edition.valid_to]
    return any(end is not None and end <= day for end in ends)


def concerned(model: Model, control: Control) -> bool:
    """Whether the control is asked of the model today. One query."""
    ours = control.edition.framework.team_id in {None, model.team_id}
    scope = scopes_of([model])[model.pk]
    today = timezone.now().date()
    return ours and not over(control, today) and concerns(control.applies, scope)


def answers_of(control: Control, evidence: Evidence) -> list[dict[str, Any]]:
    """Each rule of the control with what it finds."""
    slug, name = control.edition.framework.slug, control.identifier
    return [{"rule": rule, **_ask(rule, evidence, slug, name)} for rule in control.rules]


def _ask(rule: Mapping[str, Any], evidence: Evidence, slug: str, name: str) -> dict[str, Any]:
    return ask(rule, evidence, slug, name).as_dict()


def _rows(
    model: Model, controls: Sequence[Control], scope: Scope, evidence: Evidence
) -> Iterable[ControlStatus]:
    today = evidence.now.date()
    for control in controls:
        ours = control.edition.framework.team_id in {None, model.team_id}
        if not ours or over(control, today) or not concerns(control.applies, scope):
            continue
        answers = answers_of(control, evidence)
        yield ControlStatus(
            model=model,
            control=control,
            results=answers,
            proposal=propose([_result(one) for one in answers]),
            evaluated_at=evidence.now,
        )


def _result(answer: Mapping[str, Any]) -> RuleResult:
    return RuleResult(answer["kind"], passed=answer["passed"], message=answer["message"])


def _replace(models: Sequence[Model], rows: Sequence[ControlStatus]) -> None:
    kept = {(row.model_id, row.control_id) for row in rows}
    there = ControlStatus.objects.filter(model__in=models).values_list("pk", "model", "control")
    gone = [pk for pk, model, control in there if (model, control) not in kept]
    ControlStatus.objects.filter(pk__in=gone).delete()
    ControlStatus.objects.bulk_create(
        rows,
        batch_size=AT_ONCE,
        update_conflicts=True,
        unique_fields=["model", "control"],
        update_fields=["results", "proposal", "evaluated_at"],
    )


def _lapse(models: Sequence[Model], evidence: Mapping[int, Evidence]) -> None:
    rows = Assessment.objects.filter(model__in=models, current=True, lapsed_at__isnull=True)
    for row in rows.select_related("framework", "model").order_by("pk"):
        reason = _why_lapsed(row, evidence[row.model_id])
        if reason:
            Assessment.objects.filter(pk=row.pk).update(lapsed_at=Now(), lapse_reason=reason[:400])
            record(SYSTEM, GovernanceEvent.ASSESSMENT_LAPSED, row, reason=reason)


def _why_lapsed(row: Assessment, evidence: Evidence) -> str:
    """Why the assessment does not hold any more, in a sentence; empty if it does."""
    today = timezone.now().date()
    if row.expires_on is not None and row.expires_on <= today:
        return f"It expired on {row.expires_on}."
    if row.result not in {MET, PARTLY}:
        return ""
    slug, name = row.framework.slug, row.identifier
    held = [one["rule"] for one in row.evidence.get("rules", []) if one["passed"]]
    now = [ask(rule, evidence, slug, name) for rule in held]
    lost = [one.message for one in now if not one.passed]
    return f"Its evidence fell away: {' '.join(lost)}" if lost else ""

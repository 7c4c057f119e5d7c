"""Risk: the questionnaire decides the tier and is signed; attestations are signed when due."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.policies import require
from accounts.proofs import Proof
from audit.record import record
from governance.events import GovernanceEvent
from governance.jobs.controls import rebuild_controls
from governance.jobs.locks import lock_models
from governance.jobs.status import rebuild_status
from governance.models import Attestation, AttestationResult, RiskAssessment
from governance.policies import can_answer_risk, can_attest
from governance.refusals import BadFields, Incomplete, NoSuchStep
from governance.risk_table import BadAnswers, Scored, questionnaire, score
from governance.services.proofs import digest_of, prove, words
from registry.models import Model
from registry.policies import can_set_tier
from registry.services.models import set_tier

ONLY_TEAM = "Only developers and risk officers of the team answer the risk questionnaire."
ONLY_RISK = "Only the team's risk officer lowers a risk tier: it decides who must approve."
ONLY_OWNER = "The model's owner, or a risk officer of the team, attests."
MEANING = "I answered these questions truly and stand by the tier that follows"


def sign_risk(
    *, actor: User, model_id: int, answers: Mapping[str, Any], reason: str, password: str | Proof
) -> RiskAssessment:
    """Answer the questionnaire, sign it, and set the tier that follows from it.

    Raises:
        BadFields: a question without an answer.
        Refused: not of the team, or a developer whose answers would lower the tier.
        WrongPassword, TooManyAttempts: the person did not prove who they are.
    """
    try:
        scored = score(answers)
    except BadAnswers as error:
        raise BadFields(error.errors) from error
    said = words("reason", reason)
    model = Model.objects.select_related("team").get(pk=model_id)
    _require(actor, model, scored.tier)
    method = prove(actor=actor, subject=model, password=password)
    return _sign(
        actor=actor,
        model_id=model_id,
        answers=dict(answers),
        scored=scored,
        reason=said,
        method=method,
    )


@transaction.atomic
def _sign(
    *,
    actor: User,
    model_id: int,
    answers: dict[str, Any],
    scored: Scored,
    reason: str,
    method: str,
) -> RiskAssessment:
    lock_models([model_id])
    model = Model.objects.select_related("team").get(pk=model_id)
    _require(actor, model, scored.tier)
    number, before = questionnaire().number, model.risk_tier
    content = {
        "model": model.slug,
        "questionnaire": number,
        "answers": answers,
        "tier": scored.tier,
        "reasons": list(scored.reasons),
        "reason": reason,
    }
    row = RiskAssessment.objects.create(
        model=model,
        questionnaire=number,
        answers=answers,
        points=scored.points,
        tier=scored.tier,
        tier_before=before,
        reasons=list(scored.reasons),
        person=actor,
        printed_name=actor.name,
        meaning=MEANING,
        reason=reason,
        signed_digest=digest_of(content),
        method=method,
    )
    row.refresh_from_db(fields=["signed_at"])
    if before != scored.tier:
        set_tier(actor=actor, model_id=model_id, tier=scored.tier)
    rebuild_controls(model_ids=[model_id])
    rebuild_status(model_ids=[model_id])
    _record(actor, row)
    return row


def _record(actor: User, row: RiskAssessment) -> None:
    record(
        actor,
        GovernanceEvent.RISK_SIGNED,
        row,
        answers=row.answers,
        points=row.points,
        tier=row.tier,
        reasons=row.reasons,
        reason=row.reason,
        digest=row.signed_digest,
        method=row.method,
    )
    if row.tier != row.tier_before:
        record(
            actor,
            GovernanceEvent.TIER_SET,
            row.model,
            before=str(row.tier_before),
            after=row.tier,
            reasons=row.reasons,
            questionnaire=row.pk,
        )


def _require(actor: User, model: Model, tier: str) -> None:
    require(can_answer_risk(actor, model), ONLY_TEAM)
    lowers = not can_set_tier(actor, model.team_id, before=model.risk_tier, after=tier)
    require(not lowers, ONLY_RISK)


def attest(
    *, actor: User, attestation_id: int, result: str, statement: str, password: str | Proof
) -> Attestation:
    """Sign an attestation that is open: fit, fit under conditions, or not fit.

    Raises:
        Refused: neither the model's owner nor a risk officer.
        NoSuchStep: it is signed already.
        WrongPassword, TooManyAttempts: the person did not prove who they are.
    """
    if result not in AttestationResult.values:
        raise Incomplete("result", f"One of {', '.join(AttestationResult.values)}.")
    said = words("statement", statement)
    row = Attestation.objects.select_related("model__team").get(pk=attestation_id)
    require(can_attest(actor, row.model), ONLY_OWNER)
    method = prove(actor=actor, subject=row, password=password)
    return _attest(
        actor=actor, attestation_id=attestation_id, result=result, statement=said, method=method
    )


@transaction.atomic
def _attest(
    *, actor: User, attestation_id: int, result: str, statement: str, method: str
) -> Attestation:
    model_id = Attestation.objects.values_list("model_id", flat=True).get(pk=attestation_id)
    lock_models([model_id])
    row = Attestation.objects.select_related("model__team").get(pk=attestation_id)
    require(can_attest(actor, row.model), ONLY_OWNER)
    if row.signed_at is not None:
        raise NoSuchStep(f"{row.printed_name} signed it already.")
    content = {
        "model": row.model.slug,
        "tier": row.model.risk_tier,
        "purpose": row.model.purpose,
        "due": str(row.due_on),
        "result": result,
        "statement": statement,
    }
    row.result, row.statement, row.person, row.printed_name = result, statement, actor, actor.name
    row.method, row.signed_digest, row.signed_at = method, digest_of(content), timezone.now()
    row.save()
    rebuild_controls(model_ids=[model_id])
    record(
        actor,
        GovernanceEvent.ATTESTATION_SIGNED,
        row,
        result=result,
        statement=statement,
        due=str(row.due_on),
        digest=row.signed_digest,
        method=method,
    )
    return row

"""The evidence of a change: gathered for the gates, frozen into the request, compared later."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Count, Q

from audit.chain import plain, sha256_of
from governance.card_fields import completeness
from governance.conditions import Terms
from governance.gates import Facts, GateFinding, evaluate
from governance.models import ApprovalPolicy, CardRevision, ChangeRequest, Finding
from governance.purposes import changed_parts, purpose_of
from governance.reads.card_facts import latest_revision
from governance.reads.conditions import in_words
from governance.reads.considered import considered_by_people
from governance.reads.guidelines import Asked, asked_of, frozen_of, stamp_of
from governance.reads.numbers import numbers_of
from governance.states import BESIDE_CHAMPION, RequestKind
from monitoring.models import Incident, Monitor, Severity
from monitoring.reads.retrainings import evidence_of
from monitoring.states import IncidentState
from registry.models import Archive, Deployment, Reference, Schema, Version
from registry.states import DeploymentRole


@dataclass(frozen=True)
class Change:
    """What is asked for."""

    kind: str
    environment: str
    role: str
    traffic_share: Decimal
    reason: str
    conditions: tuple[Terms, ...] = ()
    retirement: dict[str, Any] | None = None


@dataclass(frozen=True)
class Evidence:
    """What was found, ready to be stored: canonical content and its digest."""

    content: dict[str, Any]
    digest: str
    findings: tuple[GateFinding, ...]

    @property
    def failing(self) -> list[dict[str, Any]]:
        return [finding.as_evidence() for finding in self.findings if finding.prevents]


def current_policy(kind: str, risk_tier: str) -> ApprovalPolicy | None:
    return ApprovalPolicy.objects.filter(kind=kind, risk_tier=risk_tier, current=True).first()


def gather(version: Version, change: Change, policy: ApprovalPolicy) -> Evidence:
    """Everything a decision rests on, in a fixed number of queries."""
    card = latest_revision(version.pk)
    champion = champion_of(version.model_id, change.environment)
    asked = asked_of(version, change.kind)
    facts = _facts(version, change, card, champion, asked)
    findings = tuple(evaluate(policy.gates, facts))
    content = plain(
        {
            "change": _change(version, change),
            "model": purpose_of(version.model),
            "artifact": {"digest": version.artifact_digest, "files": len(facts.files)},
            "card": {"revision": card and card.number, "digest": card and card.digest},
            **_data_digests(version),
            "guidelines": frozen_of(asked),
            "policy": _policy(policy),
            "gates": [finding.as_evidence() for finding in findings],
            "measurements": [number.as_evidence() for number in facts.numbers],
            "champion": _champion(champion, facts),
            # Named only where a retirement policy asks: other evidence stays as it was.
            **({"retirement": change.retirement} if change.retirement else {}),
            **_retrained(version),
        }
    )
    return Evidence(content, sha256_of(content), findings)


def _retrained(version: Version) -> dict[str, Any]:
    """What the retraining that made it found; nothing where people made it."""
    found = evidence_of(version)
    return {"retraining": found} if found else {}


def champion_of(model_id: int, environment: str) -> Version | None:
    serving = Deployment.objects.filter(
        model=model_id,
        environment=environment,
        role=DeploymentRole.CHAMPION,
        ended_at__isnull=True,
    ).select_related("version__model")
    found = serving.first()
    return found.version if found else None


def _facts(
    version: Version,
    change: Change,
    card: CardRevision | None,
    champion: Version | None,
    asked: tuple[Asked, ...],
) -> Facts:
    written = completeness(card.sections if card else {})
    numbers = numbers_of({version.pk} | ({champion.pk} if champion else set()))
    archive = Archive.objects.filter(version=version).defer("documents").first()
    schema = Schema.objects.filter(version=version).first()
    periods = list(version.deployments.values_list("environment", "role", "ended_at"))
    return Facts(
        kind=change.kind,
        environment=change.environment,
        role=change.role,
        task=version.model.task,
        version=version.number,
        stage=version.stage,
        artifact_digest=version.artifact_digest,
        files=tuple(version.files.values_list("path", flat=True)),
        schema_fields=len(schema.fields) if schema else 0,
        reference_rows=_reference_rows(version),
        card_share=written.share,
        card_missing=tuple(section.title for section in written.missing),
        monitors=_monitors(version.model_id),
        incidents=_critical(version, change),
        numbers=numbers[version.pk],
        champion=champion.number if champion else None,
        champion_numbers=numbers[champion.pk] if champion else (),
        findings=_findings(version),
        guidelines=tuple((one.title, one.state, one.words) for one in asked),
        serves_as=tuple((where, role) for where, role, ended in periods if ended is None),
        was_champion=(change.environment, DeploymentRole.CHAMPION.value)
        in {(where, role) for where, role, _ in periods},
        pickled=tuple(version.lineage.get("pickled") or ()),
        archive=archive.state if archive else "",
        archive_verified=bool(archive and archive.verified_at),
        conditions=tuple(one.metric for one in change.conditions if one.metric),
        has_groups=any(field["role"] == "group" for field in (schema.fields if schema else ())),
    )


def _reference_rows(version: Version) -> int:
    usable = Reference.objects.filter(version=version, freeze_error="")
    return usable.values_list("rows", flat=True).first() or 0


def _monitors(model_id: int) -> dict[str, int]:
    enabled = Monitor.objects.filter(model=model_id, enabled=True).order_by()
    return dict(enabled.values_list("kind").annotate(monitors=Count("pk")))


def _critical(version: Version, change: Change) -> tuple[str, ...]:
    """Those that nobody resolved; a version may come back with what it was let serve on with."""
    found = Incident.objects.filter(version=version, severity=Severity.CRITICAL)
    if change.kind == RequestKind.ROLL_BACK:
        decided = considered_by_people([version.pk])
        found = found.exclude(pk__in=decided[version.pk, change.environment])
    unresolved = found.exclude(state=IncidentState.RESOLVED).order_by("pk")
    return tuple(unresolved.values_list("title", flat=True))


def _findings(version: Version) -> tuple[tuple[str, str], ...]:
    """Findings of the version, or of the whole model, that nobody closed and no waiver covers."""
    rows = Finding.objects.filter(model=version.model_id).unclosed().unwaived()
    ours = rows.filter(Q(version=version) | Q(version__isnull=True)).order_by("pk")
    return tuple((row.severity, str(row)) for row in ours)


def _change(version: Version, change: Change) -> dict[str, Any]:
    return {
        "kind": change.kind,
        "model": version.model.slug,
        "risk_tier": version.model.risk_tier,
        "version": version.number,
        "environment": change.environment,
        "role": change.role,
        "traffic_share": Decimal(change.traffic_share).quantize(Decimal("0.0001")),
        "reason": change.reason,
        **_conditions(change),
    }


def _conditions(change: Change) -> dict[str, Any]:
    """Named only where there are any: evidence that was frozen without the word stays the same."""
    said = in_words(change.conditions)
    listed = [
        {"text": text, "terms": one.as_json()}
        for one, text in zip(change.conditions, said, strict=True)
    ]
    return {"conditions": listed} if listed else {}


def _data_digests(version: Version) -> dict[str, Any]:
    schema = Schema.objects.filter(version=version).values_list("digest", flat=True).first()
    reference = Reference.objects.filter(version=version).values_list("digest", flat=True).first()
    return {"schema": {"digest": schema}, "reference": {"digest": reference}}


def _policy(policy: ApprovalPolicy) -> dict[str, Any]:
    return {
        "id": policy.pk,
        "number": policy.number,
        "rounds": policy.rounds,
        "gates": policy.gates,
    }


def _champion(champion: Version | None, facts: Facts) -> dict[str, Any] | None:
    if champion is None:
        return None
    return {
        "version": champion.number,
        "artifact_digest": champion.artifact_digest,
        "measurements": [number.as_evidence() for number in facts.champion_numbers],
    }


def what_changed(request: ChangeRequest) -> list[str]:
    """What is not as it was when the evidence was frozen, in sentences; empty if all is the same.

    Exactly these changes make earlier signatures stale: the artifact, the card, the schema, the
    reference, the approval policy, for changes judged beside it the champion, what the model is
    for, and the ethical guidelines with what was signed for them. The last two are not compared
    for requests that were submitted before they were frozen.
    """
    frozen, version = request.evidence, request.version
    card = latest_revision(version.pk)
    now = _data_digests(version)
    changes = [
        (frozen["artifact"]["digest"] != version.artifact_digest, "The artifact changed"),
        (frozen["card"]["digest"] != (card and card.digest), _card_sentence(frozen, card)),
        (frozen["schema"] != now["schema"], "The schema changed"),
        (frozen["reference"] != now["reference"], "The reference changed"),
        (_other_policy(request), "The approval policy changed"),
        (_other_champion(request), "Another version became champion"),
        *((True, sentence) for sentence in _other_purpose(request)),
        (_other_guidelines(request), "The ethical guidelines or their signed answers changed"),
    ]
    return [
        f"{sentence} after the request was submitted." for changed, sentence in changes if changed
    ]


def _card_sentence(frozen: dict[str, Any], card: CardRevision | None) -> str:
    before, now = frozen["card"]["revision"], card.number if card else 0
    return f"The card changed from revision {before} to {now}"


def _other_policy(request: ChangeRequest) -> bool:
    policy = current_policy(request.kind, request.model.risk_tier)
    return policy is None or policy.pk != request.policy_id


def _other_champion(request: ChangeRequest) -> bool:
    if request.kind not in BESIDE_CHAMPION:
        return False
    frozen = request.evidence["champion"] or {}
    champion = champion_of(request.model_id, request.environment)
    before: int | None = frozen.get("version")
    return before != (champion.number if champion else None)


def _other_purpose(request: ChangeRequest) -> list[str]:
    frozen = request.evidence.get("model")
    return changed_parts(frozen, purpose_of(request.model)) if frozen else []


def _other_guidelines(request: ChangeRequest) -> bool:
    frozen = request.evidence.get("guidelines")
    if frozen is None:
        return False
    before: str = frozen["stamp"]
    return before != stamp_of(asked_of(request.version, request.kind))

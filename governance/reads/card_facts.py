"""What a card holds without anybody writing it: facts of the registry, numbers of monitors."""

from dataclasses import dataclass
from typing import Any

from audit.chain import plain, sha256_of
from governance.models import CardRevision, Registration, RiskAssessment, SignOff
from governance.numbers import Number
from governance.reads.guidelines import card_guidelines
from governance.reads.imported_numbers import imported_numbers
from governance.reads.numbers import numbers_of
from governance.reads.written_numbers import written_numbers
from registry.models import Reference, Schema, Version

OUTPUTS = frozenset({"prediction", "score"})
INPUTS = frozenset({"feature", "group", "segment"})
GROUPS = frozenset({"group", "segment"})


@dataclass(frozen=True)
class CardContent:
    """A card's whole content as a revision holds it."""

    sections: dict[str, str]
    facts: dict[str, Any]
    numbers: tuple[Number, ...]

    @property
    def digest(self) -> str:
        claims = [number.as_evidence() for number in self.numbers]
        return sha256_of({"sections": self.sections, "facts": self.facts, "claims": claims})


def content_of(version: Version, sections: dict[str, str]) -> CardContent:
    """The content a revision of this version's card would have now."""
    facts = plain(facts_of(version))
    numbers = numbers_of([version.pk])[version.pk]
    stated = imported_numbers(version.pk, numbers)
    written = written_numbers(sections, numbers)
    return CardContent(sections, facts, (*numbers, *stated, *written))


def facts_of(version: Version) -> dict[str, Any]:
    """The facts of a version, in the groups a card shows them in."""
    model = version.model
    files = list(version.files.values_list("path", "size"))
    return {
        "model": {
            "name": model.name,
            "slug": model.slug,
            "purpose": model.purpose,
            "task": model.get_task_display(),
            "risk_tier": model.risk_tier,
            "owner": model.owner.name,
            "team": model.team.name,
            "kpis": model.kpis,
            "requirements": model.requirements,
        },
        "version": {
            "number": version.number,
            "summary": version.summary,
            "registered_by": version.registered_by.name if version.registered_by else "MLflow",
            "registered_at": version.created_at,
            "parent": version.parent.number if version.parent else None,
        },
        "artifact": {
            "digest": version.artifact_digest,
            "uri": version.artifact_uri,
            "files": len(files),
            "size": sum(size for _, size in files),
            "formats": sorted({path.rsplit(".", 1)[-1] for path, _ in files if "." in path}),
        },
        "mlflow": {
            "model": model.mlflow_name,
            "version": version.mlflow_version,
            "run": version.mlflow_run_id,
        },
        "risk": _risk(version),
        "lineage": _lineage(version.lineage),
        "schema": _schema(version),
        "reference": _reference(version),
        "deployments": _deployments(version),
        "approvals": _approvals(version),
        "guidelines": card_guidelines(version),
        **_registration(version),
    }


def _risk(version: Version) -> dict[str, Any] | None:
    """How the tier follows from the questionnaire that was signed last, if one was."""
    row = RiskAssessment.objects.filter(model=version.model_id).first()
    if row is None:
        return None
    return {
        "tier": row.tier,
        "reasons": row.reasons,
        "signed_by": row.printed_name,
        "at": row.signed_at,
        "digest": row.signed_digest,
    }


def _registration(version: Version) -> dict[str, Any]:
    """Where it is registered with an authority; named only where somebody said so."""
    row = Registration.objects.filter(model=version.model_id).first()
    if row is None:
        return {}
    said = {"state": row.state, "register": row.register, "number": row.number}
    return {"registration": {**said, "registered_on": row.registered_on}}


def _lineage(lineage: dict[str, Any]) -> dict[str, Any]:
    """How it was made, without the run's metrics: these are claims."""
    run = lineage.get("run") or {}
    kept = {name: part for name, part in run.items() if name != "metrics"}
    return {**lineage, "run": kept} if run else dict(lineage)


def _schema(version: Version) -> dict[str, Any] | None:
    found = Schema.objects.filter(version=version).first()
    if found is None:
        return None
    return {
        "digest": found.digest,
        "inputs": _fields(found.fields, INPUTS),
        "outputs": _fields(found.fields, OUTPUTS),
        "outcomes": _fields(found.fields, frozenset({"outcome"})),
        "groups": _fields(found.fields, GROUPS),
    }


def _fields(fields: list[dict[str, Any]], roles: frozenset[str]) -> list[dict[str, Any]]:
    return [
        {"name": field.get("name"), "dtype": field.get("dtype")}
        for field in fields
        if field.get("role") in roles
    ]


def _reference(version: Version) -> dict[str, Any] | None:
    row = Reference.objects.filter(version=version).only("kind", "rows", "digest").first()
    if row is None:
        return None
    return {"kind": row.get_kind_display(), "rows": row.rows, "digest": row.digest}


def _deployments(version: Version) -> list[dict[str, Any]]:
    return [
        {
            "environment": deployment.environment,
            "role": deployment.role,
            "traffic_share": deployment.traffic_share,
            "from": deployment.started_at,
            "to": deployment.ended_at,
        }
        for deployment in version.deployments.order_by("started_at", "pk")
    ]


def _approvals(version: Version) -> list[dict[str, Any]]:
    signed = SignOff.objects.filter(request__version=version).select_related("request")
    return [
        {
            "request": signoff.request_id,
            "kind": signoff.request.kind,
            "name": signoff.signed_as,
            "role": signoff.role,
            "decision": signoff.decision,
            "meaning": signoff.meaning,
            "at": signoff.signed_at,
            "digest": signoff.signed_digest,
            "method": signoff.method,
        }
        for signoff in signed.order_by("signed_at", "pk")
    ]


def latest_revision(version_id: int) -> CardRevision | None:
    return CardRevision.objects.filter(card__version=version_id).order_by("-number").first()

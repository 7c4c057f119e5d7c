"""What an archive says in words: the version, its people, its periods of serving, its schema."""

import json
from typing import Any

from registry.models import Schema, Version
from registry.reads.versions import detail_of

SCHEMA_FILE = "metadata/schema.json"
REFERENCE_FILE = "reference/reference.parquet"


def metadata(version: Version) -> dict[str, Any]:
    """Everything the registry knows of a version that is not in its files."""
    detail = detail_of(version)
    model = version.model
    return {
        "model": {
            "slug": model.slug,
            "name": model.name,
            "purpose": model.purpose,
            "team": model.team.name,
            "owner": model.owner.name,
            "task": model.task,
            "risk_tier": model.risk_tier,
            "kpis": model.kpis,
            "requirements": model.requirements,
            "components": model.components,
            "mlflow_name": model.mlflow_name,
        },
        "version": {
            "number": version.number,
            "summary": version.summary,
            "created_at": version.created_at,
            "registered_by": detail.registered_by,
            "parent": detail.parent,
            "mlflow_version": version.mlflow_version,
            "mlflow_run_id": version.mlflow_run_id,
            "artifact_uri": version.artifact_uri,
            "artifact_digest": version.artifact_digest,
            "lineage": version.lineage,
        },
        "people": [{"name": one.name, "kind": one.kind, "at": one.at} for one in detail.hands],
        "served": [
            {
                "environment": one.environment,
                "role": one.role,
                "traffic_share": one.traffic_share,
                "started_at": one.started_at,
                "ended_at": one.ended_at,
            }
            for one in detail.periods
        ],
    }


def schema_of(version: Version) -> bytes | None:
    """The schema as JSON that `PredictionSchema.from_json` reads again, numbers as numbers."""
    found = Schema.objects.filter(version=version).first()
    if found is None:
        return None
    said = {"digest": found.digest, "fields": found.fields}
    return json.dumps(said, sort_keys=True, ensure_ascii=False).encode()

"""Register: the new version in MLflow and here, with its parent, its data and its code.

An interrupted attempt is taken up: what it made in MLflow carries the retraining's number.
"""

from pathlib import Path
from typing import Any

from django.db import transaction

from accounts.policies import Refused
from audit.record import SYSTEM, record
from monitoring.events import MonitoringEvent
from monitoring.gateways.parquet import written
from monitoring.gateways.retraining_files import SNAPSHOT
from monitoring.gateways.snapshots import HOLD_OUT
from monitoring.jobs.retraining.answered import answered_part
from monitoring.jobs.retraining.models_kept import MODEL, bring_model
from monitoring.jobs.retraining.work import (
    Done,
    Result,
    StepFailed,
    Waits,
    actor_of,
    desk,
    earlier,
    terms_of,
)
from monitoring.models import Retraining, RetrainingStep
from monitoring.reads.baselines import schema_of
from monitoring.states import StepName
from registry.gateways.mlflow_answers import MlflowVersion
from registry.gateways.mlflow_http import MlflowRefused
from registry.gateways.mlflow_training import TrainedModel, log_model, version_with
from registry.models import Version
from registry.refusals import AlreadyThere, ReferenceInvalid, VersionInvalid
from registry.schemas import PredictionSchema
from registry.services.references import set_reference
from registry.services.schemas import set_schema
from registry.services.versions import register_version

TAG = "ombud.retraining"


def register(step: RetrainingStep) -> Result:
    """Log it, register it, and wait until its bytes were read back and are the same."""
    retraining = step.retraining
    if not retraining.model.mlflow_name:
        raise StepFailed("The model has no name in MLflow, so there is nowhere to register it.")
    try:
        version = retraining.version or _made(step)
    except (MlflowRefused, AlreadyThere, VersionInvalid, ReferenceInvalid, Refused) as error:
        raise StepFailed(str(error)) from error
    version.refresh_from_db()
    if version.inspect_error:
        raise StepFailed(version.inspect_error)
    if not version.artifact_digest:
        return Waits("Its bytes are being read back from MLflow.")
    _same_bytes(step, version)
    return Done(_numbers(step, version), message=f"Registered as version {version.number}.")


def _numbers(step: RetrainingStep, version: Version) -> dict[str, Any]:
    collected, trained = earlier(step, StepName.COLLECT), earlier(step, StepName.TRAIN)
    return {
        "version": version.number,
        "digest": version.artifact_digest,
        "parent": step.retraining.parent.number,
        "snapshot": collected.files[SNAPSHOT],
        "code": trained.numbers.get("code_digest", ""),
    }


def _same_bytes(step: RetrainingStep, version: Version) -> None:
    trained = earlier(step, StepName.TRAIN).files
    there = {f"{MODEL}/{file.path}": file.sha256 for file in version.files.all()}
    if there != {name: digest for name, digest in trained.items() if name.startswith(f"{MODEL}/")}:
        raise StepFailed("MLflow does not give back the bytes that were trained.")


def _made(step: RetrainingStep) -> Version:
    with desk() as folder:
        logged = _logged(step, folder)
        version = _registered(step.retraining, logged)
        actor = actor_of(step.retraining)
        schema = schema_of(step.retraining.parent)
        if schema is None:
            raise StepFailed("The champion has no schema any more.")
        set_schema(actor=actor, version_id=version.pk, fields=schema.as_json())
        reference = _reference(step, schema, folder)
        set_reference(actor=actor, version_id=version.pk, source=reference)
    _note(step.retraining, version)
    return version


def _logged(step: RetrainingStep, folder: Path) -> MlflowVersion:
    name, key = step.retraining.model.mlflow_name or "", str(step.retraining_id)
    there = version_with(name, TAG, key)
    if there is not None:
        return there
    trained = earlier(step, StepName.TRAIN)
    root = bring_model(trained, folder)
    files = {path.relative_to(root).as_posix(): path for path in root.rglob("*") if path.is_file()}
    return log_model(_about(step, name, files))


def _about(step: RetrainingStep, name: str, files: dict[str, Path]) -> TrainedModel:
    retraining, facts = step.retraining, _lineage(step)
    parameters = earlier(step, StepName.TRAIN).numbers.get("parameters", {})
    parent = retraining.parent.number
    return TrainedModel(
        name=name,
        run_name=f"{retraining.model.slug} retrained from version {parent}",
        files=files,
        description=f"Retrained from version {parent}. {' '.join(retraining.reasons)}"[:2000],
        params={str(key): str(value) for key, value in parameters.items()},
        metrics=_metrics(step),
        tags={TAG: str(retraining.pk), **facts},
    )


def _lineage(step: RetrainingStep) -> dict[str, str]:
    collected, trained = earlier(step, StepName.COLLECT), earlier(step, StepName.TRAIN)
    retraining = step.retraining
    return {
        "ombud.parent": str(retraining.parent.number),
        "ombud.data_snapshot": collected.files[SNAPSHOT],
        "ombud.data_rows": str(sum(collected.numbers["rows"].values())),
        "ombud.data_up_to": retraining.up_to.isoformat(),
        "ombud.code": str(trained.numbers.get("code_digest", "")),
        "ombud.retraining_policy": str(retraining.policy.number),
        "ombud.kind": terms_of(retraining).kind,
    }


def _metrics(step: RetrainingStep) -> dict[str, float]:
    found = {}
    numbers = earlier(step, StepName.EVALUATE).numbers
    for part in ("hold_out", "latest"):
        for name, one in numbers.get(part, {}).get("challenger", {}).items():
            if one["value"] is not None:
                found[f"{part}.{name}"] = float(one["value"])
    return found


def _registered(retraining: Retraining, logged: MlflowVersion) -> Version:
    summary = f"Retrained from version {retraining.parent.number}: {retraining.reasons[0]}"
    known = Version.objects.filter(model=retraining.model, mlflow_version=logged.version).first()
    if known is not None:
        return known
    return register_version(
        actor=actor_of(retraining),
        model_id=retraining.model_id,
        mlflow_version=logged.version,
        summary=summary,
    )


@transaction.atomic
def _note(retraining: Retraining, version: Version) -> None:
    """Whose child it is, and what made it: together with the trail's line."""
    Version.objects.filter(pk=version.pk).update(parent=retraining.parent)
    changed = Retraining.objects.filter(pk=retraining.pk, version__isnull=True)
    if changed.update(version=version):
        retraining.version = version
        event = MonitoringEvent.RETRAINING_REGISTERED
        record(SYSTEM, event, retraining, version=version.number, parent=retraining.parent.number)


def _reference(step: RetrainingStep, schema: PredictionSchema, folder: Path) -> Path:
    """What was held out, as the new version answers it: what is normal for it."""
    table = answered_part(step, schema, folder, HOLD_OUT)
    path = folder / "reference.parquet"
    path.write_bytes(written(table))
    return path

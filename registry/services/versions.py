"""Versions: registered from a version of the model in MLflow, or from the run that made them."""

import re

from django.conf import settings
from django.db import IntegrityError, transaction

from accounts.models import User
from accounts.policies import require
from audit.record import record
from ledger import claims
from registry.events import RegistryEvent
from registry.models import Contribution, ContributionKind, Model, Version
from registry.policies import OWNERS_ONLY, can_register
from registry.refusals import AlreadyThere, VersionInvalid

RUN_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
MAX_NUMBER = 2**31 - 1


@transaction.atomic
def register_version(
    *,
    actor: User,
    model_id: int,
    mlflow_version: int | None = None,
    run_id: str = "",
    artifact_path: str = "",
    number: int | None = None,
    summary: str = "",
) -> Version:
    """Register a build: a model version of MLflow (its number is kept), or a run's artifacts.

    MLflow is not asked here: a job reads and hashes the bytes afterwards, and says so in
    `artifact_digest` or `inspect_error`.

    Raises:
        Refused: the actor is no developer or service account of the team.
        VersionInvalid, AlreadyThere: what is wrong, in a sentence.
    """
    model = Model.objects.select_for_update(no_key=True).get(pk=model_id)
    require(can_register(actor, model.team_id), OWNERS_ONLY)
    _check_source(model, mlflow_version, run_id, artifact_path)
    version = Version(
        model=model,
        number=_number(mlflow_version, number),
        mlflow_version=mlflow_version,
        mlflow_run_id=run_id,
        artifact_uri=f"runs:/{run_id}/{artifact_path}" if run_id else "",
        summary=summary.strip()[:300],
        registered_by=actor,
    )
    _save(version)
    Contribution.objects.create(version=version, person=actor, kind=ContributionKind.REGISTERED)
    claims.enqueue(kind="registry.inspect", key=str(version.pk), subject_id=version.pk)
    version.refresh_from_db()
    source = {"mlflow_version": mlflow_version, "run_id": run_id, "artifact_path": artifact_path}
    record(actor, RegistryEvent.VERSION_REGISTERED, version, number=version.number, **source)
    return version


def _check_source(
    model: Model, mlflow_version: int | None, run_id: str, artifact_path: str
) -> None:
    if not settings.MLFLOW_TRACKING_URI:
        raise VersionInvalid("No MLflow server is configured: set MLFLOW_TRACKING_URI.")
    if (mlflow_version is None) == (not run_id):
        raise VersionInvalid("Name either mlflow_version, or run_id with artifact_path and number.")
    if mlflow_version is not None and not model.mlflow_name:
        raise VersionInvalid("The model has no mlflow_name; give it one first.")
    if run_id and not RUN_ID.fullmatch(run_id):
        raise VersionInvalid("run_id: letters, digits, '-' and '_' only.")
    if bool(run_id) != bool(artifact_path) or not _is_plain(artifact_path):
        raise VersionInvalid(
            "artifact_path: where the run keeps the model, a plain path such as 'model'."
        )


def _is_plain(path: str) -> bool:
    """Not a way out of the run's artifacts; the gateway checks what MLflow answers again."""
    if not path:
        return True
    printable = path.isprintable() and not any(sign in path for sign in "\\:%")
    return printable and len(path) <= 300 and not {"", ".", ".."} & set(path.split("/"))


def _number(mlflow_version: int | None, number: int | None) -> int:
    if mlflow_version is not None and number not in {None, mlflow_version}:
        raise VersionInvalid("number: a version of MLflow keeps MLflow's number; leave it out.")
    chosen = mlflow_version if mlflow_version is not None else number
    if chosen is None:
        raise VersionInvalid("number: say which number a version from a run gets.")
    if not (1 if mlflow_version is not None else 0) <= chosen <= MAX_NUMBER:
        raise VersionInvalid("number: a whole number from 0, and from 1 in MLflow.")
    return chosen


def _save(version: Version) -> None:
    try:
        with transaction.atomic():
            version.save()
    except IntegrityError as error:
        raise AlreadyThere(
            f"{version.model.slug} has a version {version.number} already; its bytes are fixed. "
            "Register another number."
        ) from error

"""What governance has decided about a version's life, carried out inside its transaction.

Nobody calls these in person: the actor is the machine, and `because` names the change request. The
locks are always taken in the same order: the model, then its versions.
"""

from datetime import datetime
from decimal import Decimal

from django.db import connection, transaction
from django.db.models.functions import Now

from accounts.policies import require
from audit.record import Actor, record
from ledger import claims
from registry.events import RegistryEvent
from registry.models import Deployment, Model, Version
from registry.policies import CHANGES_ONLY, can_carry_out
from registry.querysets import DeploymentQuerySet
from registry.refusals import VersionInvalid
from registry.states import DeploymentRole, Stage, move

WHOLE = Decimal(1)


@transaction.atomic
def approve_version(*, actor: Actor, version_id: int, because: str) -> Version:
    """A candidate becomes approved: it may be deployed, it does not serve yet."""
    version = _locked(version_id)
    require(can_carry_out(actor), CHANGES_ONLY)
    _step(version, "approve")
    _push(version.model)
    record(actor, RegistryEvent.VERSION_APPROVED, version, because=because)
    return version


@transaction.atomic
def deploy(
    *,
    actor: Actor,
    version_id: int,
    environment: str,
    role: str,
    traffic_share: Decimal = WHOLE,
    because: str,
) -> Deployment:
    """An approved or serving version takes a role in an environment, from now on.

    A new champion ends the old one's deployment at the same instant, so that at any time there is
    at most one; whoever loses its last deployment goes back to approved.

    Raises:
        IllegalMove: the version is neither approved nor serving.
        VersionInvalid: the role, the share or the environment makes no sense.
    """
    version = _locked(version_id)
    require(can_carry_out(actor), CHANGES_ONLY)
    _check(environment, role, traffic_share)
    _step(version, "deploy")
    moment = _moment(version.model)
    ended = _end(_in_the_way(version, environment, role), moment)
    deployment = Deployment.objects.create(
        version=version,
        model=version.model,
        environment=environment,
        role=role,
        traffic_share=traffic_share,
        started_at=moment,
    )
    _rest([old for old in ended if old.version_id != version.pk])
    _push(version.model)
    _record_ended(actor, ended, because)
    _record_started(actor, deployment, because)
    return deployment


@transaction.atomic
def undeploy(*, actor: Actor, version_id: int, environment: str, because: str) -> Version:
    """A version stops serving in an environment.

    Raises:
        IllegalMove: it serves nowhere.
        VersionInvalid: it serves, but not in this environment.
    """
    version = _locked(version_id)
    require(can_carry_out(actor), CHANGES_ONLY)
    move(version.stage, "undeploy")
    running = list(_running(version).filter(environment=environment))
    if not running:
        raise VersionInvalid(f"{version} does not serve in {environment}.")
    ended = _end(running, _moment(version.model))
    _rest(ended)
    _push(version.model)
    _record_ended(actor, ended, because)
    version.refresh_from_db()
    return version


@transaction.atomic
def retire_version(*, actor: Actor, version_id: int, because: str) -> Version:
    """A version's life ends: it stops serving everywhere and is never deployed again."""
    version = _locked(version_id)
    require(can_carry_out(actor), CHANGES_ONLY)
    _step(version, "retire")
    ended = _end(list(_running(version)), _moment(version.model))
    _push(version.model)
    _record_ended(actor, ended, because)
    record(actor, RegistryEvent.VERSION_RETIRED, version, because=because)
    return version


def _locked(version_id: int) -> Version:
    """The version with its model, both locked; the model first, as everywhere."""
    model_id = Version.objects.values_list("model_id", flat=True).get(pk=version_id)
    model = Model.objects.select_for_update(no_key=True).get(pk=model_id)
    version = Version.objects.select_for_update(no_key=True).get(pk=version_id)
    version.model = model
    return version


def _step(version: Version, verb: str) -> None:
    after = move(version.stage, verb)
    if after == version.stage:
        return
    Version.objects.filter(pk=version.pk).update(stage=after, stage_since=Now())
    version.refresh_from_db(fields=["stage", "stage_since"])


def _check(environment: str, role: str, traffic_share: Decimal) -> None:
    if role not in list(DeploymentRole):
        raise VersionInvalid(f"role: one of {', '.join(DeploymentRole)}.")
    if not environment or len(environment) > 40 or not environment.replace("-", "").isalnum():
        raise VersionInvalid("environment: up to 40 letters, digits and hyphens.")
    if not 0 <= traffic_share <= 1:
        raise VersionInvalid("traffic_share: from 0 to 1.")


def _running(version: Version) -> DeploymentQuerySet:
    return Deployment.objects.select_for_update(no_key=True).filter(
        version=version, ended_at__isnull=True
    )


def _in_the_way(version: Version, environment: str, role: str) -> list[Deployment]:
    """What ends when the version takes the role: its own role there, and another champion."""
    there = (
        Deployment.objects.select_for_update(no_key=True, of=("self",))
        .select_related("version")
        .filter(model=version.model, environment=environment, ended_at__isnull=True)
    )
    return [
        old
        for old in there
        if old.version_id == version.pk
        or (role == DeploymentRole.CHAMPION and old.role == DeploymentRole.CHAMPION)
    ]


def _moment(model: Model) -> datetime:
    """Now by the database's clock, and never before something that is to end had started."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT greatest(clock_timestamp(), max(started_at)) FROM registry_deployment"
            " WHERE model_id = %s AND ended_at IS NULL",
            [model.pk],
        )
        moment: datetime = cursor.fetchone()[0]
    return moment


def _end(running: list[Deployment], moment: datetime) -> list[Deployment]:
    for deployment in running:
        deployment.ended_at = moment
        deployment.save(update_fields=["ended_at"])
    return running


def _rest(ended: list[Deployment]) -> None:
    """Versions that serve nowhere any more are approved, and no more than that."""
    for version_id in {deployment.version_id for deployment in ended}:
        version = Version.objects.select_for_update(no_key=True).get(pk=version_id)
        if version.stage == Stage.SERVING and not _running(version).exists():
            _step(version, "undeploy")


def _push(model: Model) -> None:
    if model.mlflow_name:
        claims.again(kind="registry.push", key=str(model.pk), subject_id=model.pk)


def _record_started(actor: Actor, deployment: Deployment, because: str) -> None:
    record(
        actor,
        RegistryEvent.DEPLOYMENT_STARTED,
        deployment,
        version=deployment.version.number,
        environment=deployment.environment,
        role=deployment.role,
        traffic_share=deployment.traffic_share,
        at=deployment.started_at,
        because=because,
    )


def _record_ended(actor: Actor, ended: list[Deployment], because: str) -> None:
    for deployment in ended:
        record(
            actor,
            RegistryEvent.DEPLOYMENT_ENDED,
            deployment,
            version=deployment.version.number,
            environment=deployment.environment,
            role=deployment.role,
            at=deployment.ended_at,
            because=because,
        )

"""The watch after a deployment: opened with it, looked at every few seconds, ended or broken.

Looking may be repeated and done by many at once; what follows a broken guard-rail is one job of the
ledger, so it is done once.
"""

from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from audit.record import SYSTEM, record
from governance.events import GovernanceEvent
from governance.jobs.locks import lock_models
from governance.models import ApprovalPolicy, RollBack, Watch
from governance.reads.watches import Breach, broken, is_over, looked_at
from governance.watch_rules import WatchState, terms_in
from ledger import claims
from registry.models import Deployment, Version

KIND = "governance.roll_back"


def open_watch(
    *, deployment: Deployment, former: Version | None, policy: ApprovalPolicy
) -> Watch | None:
    """In the transaction of the deployment; None where the policy asks for no watch."""
    terms = terms_in(policy.gates)
    if terms is None:
        return None
    watch = Watch.objects.create(
        deployment=deployment,
        model=deployment.model,
        version=deployment.version,
        former=former if former is not None and former.pk != deployment.version_id else None,
        environment=deployment.environment,
        policy=policy,
        hours=terms.hours,
        rows=terms.rows,
        kinds=list(terms.kinds),
        margin=terms.margin,
        automatic=terms.automatic,
        suspends=terms.suspends,
        started_at=deployment.started_at,
        until=deployment.started_at + terms.period,
    )
    record(
        SYSTEM,
        GovernanceEvent.WATCH_OPENED,
        watch,
        version=watch.version.number,
        former=watch.former.number if watch.former else None,
        policy=str(policy),
        until=watch.until,
        automatic=watch.automatic,
    )
    return watch


def follow_watches() -> int:
    """Judge every watch that is on, and confirm roll-backs in MLflow; returns how many ended."""
    rows = Watch.objects.filter(state=WatchState.WATCHING)
    ended = sum(_follow(row) for row in rows.select_related("model", "deployment").order_by("pk"))
    for pk in list(_moved().values_list("pk", flat=True)):
        _confirm(pk)
    return ended


def _follow(watch: Watch) -> int:
    if watch.deployment.ended_at is not None:
        return _end(watch, WatchState.CUT_SHORT)
    breach = broken(watch)
    if breach is not None:
        return _break(watch, breach)
    return _end(watch, WatchState.QUIET) if is_over(watch, timezone.now()) else 0


@transaction.atomic
def _break(found: Watch, breach: Breach) -> int:
    watch = _locked(found)
    if watch.state != WatchState.WATCHING:
        return 0
    Watch.objects.filter(pk=watch.pk).update(
        state=WatchState.BROKEN,
        breach={**breach.as_json(), "incident": breach.incident_id},
        broke_at=Now(),
        ended_at=Now(),
        looked=looked_at(watch),
    )
    claims.enqueue(kind=KIND, key=f"watch-{watch.pk}", subject_id=watch.pk)
    record(
        SYSTEM,
        GovernanceEvent.WATCH_BROKEN,
        watch,
        version=watch.version.number,
        environment=watch.environment,
        policy=str(watch.policy),
        automatic=watch.automatic,
        measurement=breach.as_json(),
    )
    return 1


@transaction.atomic
def _end(found: Watch, state: WatchState) -> int:
    watch = _locked(found)
    if watch.state != WatchState.WATCHING:
        return 0
    looked = looked_at(watch)
    Watch.objects.filter(pk=watch.pk).update(state=state, ended_at=Now(), looked=looked)
    record(
        SYSTEM,
        GovernanceEvent.WATCH_ENDED,
        watch,
        version=watch.version.number,
        environment=watch.environment,
        state=str(state),
        looked=looked,
    )
    return 1


def _locked(found: Watch) -> Watch:
    lock_models([found.model_id])
    rows = Watch.objects.select_for_update(no_key=True, of=("self",))
    return rows.select_related("model__team", "version", "former", "policy").get(pk=found.pk)


def _moved() -> QuerySet[RollBack]:
    """Roll-backs whose alias MLflow has confirmed since, and nobody has noted it yet."""
    return RollBack.objects.filter(
        alias_moved_at__isnull=True, model__mlflow_pushed_at__gte=F("executed_at")
    )


@transaction.atomic
def _confirm(pk: int) -> None:
    row = RollBack.objects.select_related("model", "to").get(pk=pk)
    lock_models([row.model_id])
    moved = row.model.mlflow_pushed_at
    if not RollBack.objects.filter(pk=pk, alias_moved_at__isnull=True).update(alias_moved_at=moved):
        return
    row.refresh_from_db(fields=["alias_moved_at"])
    record(
        SYSTEM,
        GovernanceEvent.ALIAS_MOVED,
        row,
        version=row.to.number,
        environment=row.environment,
        at=moved,
    )

"""Makes MLflow say what was approved, and keeps what MLflow says so that no page has to ask.

Pushing is reading, comparing, setting what differs and reading back: it may run twice, late or
after a failure. What somebody else moved in the meantime is kept as drift before it is put right.
"""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import transaction

from audit.record import SYSTEM, record
from ledger import claims
from ledger.models import Job, JobState
from registry.events import RegistryEvent
from registry.gateways import mlflow
from registry.gateways.mlflow import MlflowRefused, MlflowUnavailable, MlflowVersion
from registry.jobs import deviations
from registry.jobs.looking import Doubtful, Seen, look
from registry.mlflow_sync import (
    KEPT_REPAIRS,
    Difference,
    Intended,
    Observed,
    Origin,
    Serving,
    Wanted,
    alias_moves,
    alias_of,
    changed_tags,
    drift,
    made_anew,
    observed,
    tag_moves,
    wanted_aliases,
    wanted_tags,
)
from registry.models import Deployment, Model, Version
from registry.states import DeviationKind

KEPT_VERSIONS = 500
LOOKS = 3


def push_model(claim: claims.Claim) -> None:
    """Set aliases and `ombud.*` tags of one model, and store what MLflow says afterwards.

    Raises:
        MlflowUnavailable: the ledger tries again.
    """
    model = Model.objects.get(pk=claim.subject_id)
    if not settings.MLFLOW_TRACKING_URI or not model.mlflow_name:
        with transaction.atomic():
            claims.finish(claim=claim)
        return
    try:
        before, _ = look_and_note(model_id=model.pk, name=model.mlflow_name)
        wanted = wanted_of(model)
        _intend(claim, before, wanted)
        changed = _push(claim, model.mlflow_name, before, wanted)
        after = look(model_id=model.pk, name=model.mlflow_name) if changed else before
    except (MlflowUnavailable, MlflowRefused) as error:
        note_failure(model_ids=[model.pk], reason=str(error))
        if isinstance(error, MlflowUnavailable):
            raise
        with transaction.atomic():
            claims.finish(claim=claim)
        return
    _keep(claim, after, wanted, changed)


def look_and_note(*, model_id: int, name: str) -> tuple[Seen, bool]:
    """What MLflow says, stored; and whether it is not what was approved.

    Raises:
        Doubtful: others stored what they saw, again and again, while we looked.
    """
    for _ in range(LOOKS):
        seen = look(model_id=model_id, name=name)
        differs = note(model_id=model_id, seen=seen)
        if differs is not None:
            return seen, differs
    raise Doubtful(f"{name} was looked at by others {LOOKS} times at once.")


def wanted_of(model: Model) -> Wanted:
    """What follows from the stages and deployments in force."""
    ever = Deployment.objects.filter(model=model).select_related("version")
    roles = [
        Serving(one.version.mlflow_version, one.environment, one.role)
        for one in ever.filter(ended_at__isnull=True).order_by("started_at", "pk")
        if one.version.mlflow_version is not None
    ]
    governed = {alias_of(*pair) for pair in ever.order_by().values_list("role", "environment")}
    tags = {
        version.mlflow_version: wanted_tags(
            version.stage,
            f"{settings.PUBLIC_URL}/models/{model.slug}/{version.number}",
            [one for one in roles if one.mlflow_version == version.mlflow_version],
        )
        for version in Version.objects.filter(
            model=model, mlflow_version__isnull=False, source_removed_at__isnull=True
        ).defer("lineage")
        if version.mlflow_version is not None
    }
    return Wanted(wanted_aliases(roles), frozenset(governed), tags)


@transaction.atomic
def _intend(claim: claims.Claim, seen: Seen, wanted: Wanted) -> None:
    """Keep what is about to be set: if we are killed or overtaken, it is known to be ours."""
    to_set, gone = alias_moves(wanted, found=seen.aliases, versions=seen.versions)
    tags = [
        (f"version {number} {key}", value)
        for number, wanted_here in wanted.tags.items()
        if number in seen.versions
        for key, value in _tag_values(seen.versions[number], wanted_here)
    ]
    if not (to_set or gone or tags):
        return
    model = Model.objects.select_for_update(no_key=True).get(pk=claim.subject_id)
    intended = Intended.of(model.mlflow_seen.get("intended", {}))
    model.mlflow_seen["intended"] = intended.and_also(to_set | dict.fromkeys(gone, 0), tags)
    model.save(update_fields=["mlflow_seen"])


def _tag_values(seen: MlflowVersion, wanted: Mapping[str, str]) -> list[tuple[str, str]]:
    to_set, gone = tag_moves(found=seen.tags, wanted=wanted)
    return [*to_set.items(), *((key, "") for key in gone)]


def _hold(claim: claims.Claim) -> None:
    """Before every word to MLflow: who was overtaken must not undo what came after."""
    if not claims.keep(claim=claim):
        raise claims.Fenced(f"job {claim.job_id} was taken over")


def _push(claim: claims.Claim, name: str, seen: Seen, wanted: Wanted) -> dict[str, Any]:
    """Set what differs; returns what was set or taken away."""
    changed: dict[str, Any] = {}
    # An alias cannot point to a version that MLflow has lost; the loss is noted as drift.
    to_set, gone = alias_moves(wanted, found=seen.aliases, versions=seen.versions)
    for alias, version in sorted(to_set.items()):
        _hold(claim)
        mlflow.set_alias(name, alias, version)
        changed[alias] = version
    for alias in gone:
        _hold(claim)
        mlflow.delete_alias(name, alias)
        changed[alias] = None
    for version, tags in sorted(wanted.tags.items()):
        if version in seen.versions:
            changed |= _push_tags(claim, name, seen.versions[version], tags)
    return changed


def _push_tags(
    claim: claims.Claim, name: str, seen: MlflowVersion, tags: Mapping[str, str]
) -> dict[str, Any]:
    to_set, gone = tag_moves(found=seen.tags, wanted=tags)
    for key, value in sorted(to_set.items()):
        _hold(claim)
        mlflow.set_version_tag(name, seen.version, key, value)
    for key in gone:
        _hold(claim)
        mlflow.delete_version_tag(name, seen.version, key)
    moved: dict[str, str | None] = {**to_set, **dict.fromkeys(gone)}
    return {f"version {seen.version} {key}": value for key, value in moved.items()}


@transaction.atomic
def _keep(claim: claims.Claim, seen: Seen, wanted: Wanted, changed: dict[str, Any]) -> None:
    # The model before its job, as the services that enqueue the job do: no deadlock.
    model = Model.objects.select_for_update(no_key=True).get(pk=claim.subject_id)
    claims.finish(claim=claim)
    pushed = {alias: to for alias, to in wanted.aliases.items() if to in seen.versions}
    left = _with_times(model, drift(pushed=pushed, found=seen.aliases, wanted=wanted.aliases), seen)
    repaired = _repaired(model, left, seen)
    tags = {str(number): dict(tags) for number, tags in wanted.tags.items()}
    deviations.keep(model, _deviations(model, seen, wanted, pushed, tags))
    model.mlflow_seen.pop("intended", None)
    _store(model, seen, pushed=pushed, tags=tags, drift=left, repaired=repaired)
    if changed:
        Model.objects.filter(pk=model.pk).update(mlflow_pushed_at=seen.at)
        record(SYSTEM, RegistryEvent.MLFLOW_PUSHED, model, changed=changed)


def _repaired(model: Model, left: list[dict[str, Any]], seen: Seen) -> list[dict[str, Any]]:
    """Differences that this push has put right, the newest first."""
    still = {_key(item) for item in left}
    mended = [
        {**item, "repaired_at": seen.at.isoformat()}
        for item in model.mlflow_seen.get("drift", [])
        if _key(item) not in still
    ]
    earlier = model.mlflow_seen.get("repaired", [])
    return [*mended, *earlier][:KEPT_REPAIRS]


@transaction.atomic
def note(*, model_id: int, seen: Seen) -> bool | None:
    """Store what MLflow says; True if it does not say what was approved.

    None, and nothing stored, if another look was kept since this one began: a push may have moved
    in between what this one saw.

    What is new is recorded once: an alias moved by somebody else, a version deleted, a version
    that is in MLflow and not here.
    """
    model = Model.objects.select_for_update(no_key=True).get(pk=model_id)
    if model.mlflow_seen_at != seen.after:
        return None
    wanted = wanted_of(model)
    pushed = model.mlflow_seen.get("pushed", {})
    tags = model.mlflow_seen.get("pushed_tags", {})
    found = _drift(model, seen, wanted, pushed)
    newcomers = _newcomers(model, seen, wanted)
    deviations.keep(model, _deviations(model, seen, wanted, pushed, tags))
    left = _with_times(model, found, seen)
    _store(model, seen, pushed=pushed, tags=tags, drift=left, repaired=None)
    if newcomers:
        record(SYSTEM, RegistryEvent.MLFLOW_SEEN, model, versions=newcomers)
    return _differs(seen, wanted)


def _deviations(
    model: Model,
    seen: Seen,
    wanted: Wanted,
    pushed: Mapping[str, int],
    tags: Mapping[str, Mapping[str, str]],
) -> list[Observed]:
    """Everything that one look can tell; a model that MLflow never had is no deviation."""
    if seen.model is None:
        return [_model_gone(model)] if model.mlflow_seen.get("versions") else []
    found = _drift(model, seen, wanted, pushed)
    lost = [Difference("version", number, 0) for number in _lost(wanted, seen)]
    tagged = {number: version.tags for number, version in seen.versions.items()}
    return [
        *observed([*found, *lost], wanted.governed),
        *changed_tags(pushed=tags, found=tagged, wanted=wanted.tags, intended=_intended(model)),
        *made_anew(registered=_registered(model), found=_origins(seen)),
    ]


def _intended(model: Model) -> Intended:
    return Intended.of(model.mlflow_seen.get("intended", {}))


def _drift(model: Model, seen: Seen, wanted: Wanted, pushed: Mapping[str, int]) -> list[Difference]:
    return drift(
        pushed=pushed, found=seen.aliases, wanted=wanted.aliases, intended=_intended(model)
    )


def _registered(model: Model) -> dict[int, Origin]:
    """Where the versions came from when their bytes were hashed."""
    hashed = Version.objects.filter(
        model=model,
        lineage__mlflow__created_ms__isnull=False,
        source_removed_at__isnull=True,
    )
    facts = ("mlflow_version", "lineage__mlflow__source", "lineage__mlflow__created_ms")
    return {
        number: Origin(str(source), int(created_ms))
        for number, source, created_ms in hashed.values_list(*facts)
    }


def _origins(seen: Seen) -> dict[int, Origin]:
    return {number: Origin(one.source, one.created_ms) for number, one in seen.versions.items()}


def _model_gone(model: Model) -> Observed:
    name = model.mlflow_name or ""
    message = f"The model {name} was deleted or renamed in MLflow."
    return Observed(DeviationKind.MODEL_GONE, name, name, "", message)


def _key(item: Mapping[str, Any]) -> tuple[str, int, int]:
    return item["what"], item["expected"], item["found"]


def _lost(wanted: Wanted, seen: Seen) -> list[int]:
    return sorted(set(wanted.tags) - set(seen.versions))


def _newcomers(model: Model, seen: Seen, wanted: Wanted) -> list[int]:
    """Versions in MLflow that nobody has registered here, and that were not there before."""
    known = set(wanted.tags) | _ours(model)
    return sorted(set(seen.versions) - known - set(model.mlflow_seen.get("unregistered", [])))


def _with_times(model: Model, found: list[Difference], seen: Seen) -> list[dict[str, Any]]:
    """Differences as they are kept, with the moment each was first noticed and a sentence."""
    before = {_key(item): item["noticed_at"] for item in model.mlflow_seen.get("drift", [])}
    return [
        {
            **one.as_json(),
            "message": str(one),
            "noticed_at": before.get(_key(one.as_json()), seen.at.isoformat()),
        }
        for one in found
    ]


def _differs(seen: Seen, wanted: Wanted) -> bool:
    if any(alias_moves(wanted, found=seen.aliases, versions=seen.versions)):
        return True
    return any(
        any(tag_moves(found=seen.versions[version].tags, wanted=tags))
        for version, tags in wanted.tags.items()
        if version in seen.versions
    )


def _store(
    model: Model,
    seen: Seen,
    *,
    pushed: dict[str, int],
    tags: Mapping[str, Mapping[str, str]],
    drift: list[dict[str, Any]],
    repaired: list[dict[str, Any]] | None,
) -> None:
    ours, expected = _ours(model), _ours(model, source_removed_at__isnull=True)
    newest = sorted(seen.versions, reverse=True)[:KEPT_VERSIONS]
    if seen.model is None and model.mlflow_seen.get("versions"):
        # What was there is kept, so that the loss is still a loss at the next look.
        error = f"MLflow has no model {model.mlflow_name}."[:300]
        Model.objects.filter(pk=model.pk).update(mlflow_seen_at=seen.at, mlflow_error=error)
        return
    model.mlflow_seen = {
        "versions": [_version_facts(seen.versions[number], number in ours) for number in newest],
        "aliases": seen.aliases,
        "unregistered": sorted(set(seen.versions) - ours),
        "missing": sorted(expected - set(seen.versions)),
        "pushed": pushed,
        "pushed_tags": tags,
        "intended": model.mlflow_seen.get("intended", {}),
        "drift": drift,
        "repaired": model.mlflow_seen.get("repaired", []) if repaired is None else repaired,
    }
    model.mlflow_seen_at = seen.at
    model.mlflow_error = "" if seen.model else f"MLflow has no model {model.mlflow_name}."[:300]
    model.save(update_fields=["mlflow_seen", "mlflow_seen_at", "mlflow_error"])


def _ours(model: Model, **more: Any) -> set[int]:
    """Numbers in MLflow of versions that are registered here."""
    rows = Version.objects.filter(model=model, mlflow_version__isnull=False, **more)
    return {number for number in rows.values_list("mlflow_version", flat=True) if number}


def _version_facts(seen: MlflowVersion, registered: bool) -> dict[str, Any]:  # noqa: FBT001 - a fact
    return {
        "version": seen.version,
        "status": seen.status,
        "run_id": seen.run_id,
        "created_ms": seen.created_ms,
        "aliases": sorted(seen.aliases),
        "registered": registered,
    }


def note_failure(*, model_ids: list[int], reason: str) -> None:
    """Pages show since when MLflow has not answered; what it said last stays."""
    Model.objects.filter(pk__in=model_ids).update(mlflow_error=reason[:300])


def push_soon(*, model_id: int) -> None:
    """Have one model compared and pushed, unless a push waits or runs already.

    A running push is not fenced for this: its own changes come back to us as webhooks. What it
    misses the next poll finds.
    """
    key = str(model_id)
    pending = Job.objects.filter(
        kind="registry.push", key=key, state__in=[JobState.DUE, JobState.RUNNING]
    )
    if not pending.exists():
        claims.again(kind="registry.push", key=key, subject_id=model_id)

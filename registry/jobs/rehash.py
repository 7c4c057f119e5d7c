"""Are the bytes under a version still those that were approved? They are read again, in turn.

Serving versions at every poll where they are small, every quarter of an hour where they are not;
others once a week; as few as have come due.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from audit.record import SYSTEM, record
from ledger import claims
from ledger.models import Job, JobState
from registry.events import RegistryEvent
from registry.gateways.mlflow import MlflowRefused, MlflowUnavailable, UnsafeArtifactPath
from registry.jobs.deviations import keep
from registry.jobs.inspection import hash_files
from registry.manifests import HashedFile, digest_of
from registry.mlflow_sync import Observed
from registry.models import Model, Version
from registry.states import DeviationKind, Stage

KIND = "registry.rehash"
OTHERS = timedelta(days=7)
# What is read within a second is read as often as MLflow is asked for its aliases.
POLL = timedelta(seconds=30)
SMALL = 32_000_000
AT_ONCE = 20
NAMED = 3
NOT_READ_BY_US = frozenset({"ARTIFACTS_NOT_PROXIED", "ARTIFACTS_ELSEWHERE"})
# Of these the bytes are in an archive of ours, which is verified by itself.
KEPT_ELSEWHERE = (Stage.ARCHIVED, Stage.PURGED)


def rehash_due() -> int:
    """Have the versions read again that have waited longest; returns how many."""
    if not settings.MLFLOW_TRACKING_URI:
        return 0
    waiting = _due()[:AT_ONCE]
    return sum(_enqueue(pk) for pk in waiting.values_list("pk", flat=True))


def _due() -> QuerySet[Version]:
    now = timezone.now()
    serving = Q(stage=Stage.SERVING) & _not_since(
        now - timedelta(minutes=settings.BYTES_EVERY_MINUTES)
    )
    serving |= Q(stage=Stage.SERVING, size__lte=SMALL) & _not_since(now - POLL)
    hashed = Version.objects.annotate(size=Coalesce(Sum("files__size"), 0))
    hashed = hashed.exclude(artifact_digest="").exclude(artifact_uri="")
    return (
        hashed.exclude(stage__in=KEPT_ELSEWHERE)
        .filter(source_removed_at__isnull=True)
        .filter(serving | _not_since(now - OTHERS))
        .order_by("checked_at", "pk")
    )


def _not_since(moment: datetime) -> Q:
    """Neither hashed nor read again since then."""
    return Q(checked_at__lt=moment) | Q(checked_at__isnull=True, inspected_at__lt=moment)


@transaction.atomic
def _enqueue(version_id: int) -> int:
    key = str(version_id)
    pending = Job.objects.filter(kind=KIND, key=key, state__in=[JobState.DUE, JobState.RUNNING])
    if pending.exists():
        return 0
    claims.again(kind=KIND, key=key, subject_id=version_id)
    return 1


def rehash_version(claim: claims.Claim) -> None:
    """Read every byte of one version and hold it against what was hashed at registration.

    Raises:
        MlflowUnavailable: nothing can be said; the ledger tries again.
    """
    version = Version.objects.select_related("model").get(pk=claim.subject_id)
    try:
        files, _ = hash_files(version.artifact_uri)
    except MlflowRefused as refusal:
        if not _tells_of_bytes(refusal):
            raise MlflowUnavailable(str(refusal)) from refusal
        _keep(claim, version, (), str(refusal))
    except UnsafeArtifactPath as strange:
        # Nothing of this kind was there when it was hashed.
        _keep(claim, version, (), str(strange))
        return
    _keep(claim, version, files, "")


def _tells_of_bytes(refusal: MlflowRefused) -> bool:
    """Whether files are gone, too many or too large; not that we may not read them."""
    return refusal.status in {404, 413, 422} and refusal.code not in NOT_READ_BY_US


@transaction.atomic
def _keep(claim: claims.Claim, version: Version, files: Sequence[HashedFile], refusal: str) -> None:
    # The model before its job, as whoever pushes it: no deadlock.
    model = Model.objects.select_for_update(no_key=True).get(pk=version.model_id)
    claims.finish(claim=claim)
    digest = digest_of(tuple(files)) if files else ""
    changed = digest != version.artifact_digest
    found = [_changed(version, files, digest, refusal)] if changed else []
    fresh = keep(model, found, kinds=[DeviationKind.BYTES], what=_what(version))
    Version.objects.filter(pk=version.pk).update(checked_at=Now())
    for one in fresh:
        record(
            SYSTEM,
            RegistryEvent.BYTES_CHANGED,
            version,
            expected=version.artifact_digest,
            found=digest,
            message=one.message,
        )


def _what(version: Version) -> str:
    return f"files of version {version.number}"


def _changed(version: Version, files: Sequence[HashedFile], digest: str, refusal: str) -> Observed:
    said = refusal or _differences(version, files)
    return Observed(
        DeviationKind.BYTES,
        _what(version),
        version.artifact_digest,
        digest,
        f"The bytes of version {version.number} are not those that were hashed: {said}",
        version.mlflow_version or 0,
    )


def _differences(version: Version, files: Sequence[HashedFile]) -> str:
    """Which files were changed, added or taken away; three of each are named."""
    then = dict(version.files.values_list("path", "sha256"))
    now = {file.path: file.sha256 for file in files}
    parts = (
        ("changed", [path for path in then if path in now and now[path] != then[path]]),
        ("added", [path for path in now if path not in then]),
        ("missing", [path for path in then if path not in now]),
    )
    return "; ".join(f"{word} {_named(paths)}" for word, paths in parts if paths) + "."


def _named(paths: Sequence[str]) -> str:
    shown = ", ".join(sorted(paths)[:NAMED])
    more = len(paths) - NAMED
    return f"{shown} and {more} more" if more > 0 else shown

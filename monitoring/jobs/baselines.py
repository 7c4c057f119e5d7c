"""Counts references that were set, so that windows can be compared with them."""

import logging

from django.db import transaction
from django.db.models.functions import Now

from ledger import claims
from monitoring.jobs import shelves
from monitoring.jobs.studying import Studied, studied
from monitoring.models import Batch, BatchKind, Profile, ReferencePart, ReferenceStudy
from monitoring.stats import storage
from registry.models import Reference

log = logging.getLogger(__name__)


def count_new_references() -> int:
    """Count every reference that has not been counted, once the schema is there too."""
    waiting = Reference.objects.filter(
        frozen_at__isnull=True, freeze_error="", version__schema__isnull=False
    )
    return sum(
        count_reference(version_id=version_id)
        for version_id in list(waiting.values_list("version_id", flat=True))
    )


def count_reference(*, version_id: int) -> bool:
    """Freeze the bins of a version's reference, count it, and fold the log over these bins.

    Twice is once: the bins follow from the file and the schema alone. A file that cannot be counted
    says why in `freeze_error`. Returns whether it was counted.
    """
    found = Reference.objects.select_related("version__model", "version__schema").get(
        version_id=version_id
    )
    if found.frozen_at is not None:
        return False
    try:
        study = studied(found.version, found)
    except Exception as error:  # the file is somebody's: whatever it does, others go on
        log.exception("The reference of %s cannot be counted", found.version)
        same = Reference.objects.filter(pk=found.pk, digest=found.digest)
        same.update(freeze_error=f"It cannot be counted: {error}"[:300])
        return False
    return _keep(found, study)


@transaction.atomic
def _keep(found: Reference, study: Studied) -> bool:
    # The model before its batches and their jobs, as fold takes them: no deadlock.
    shelves.locked_model(found.version.model_id)
    same = Reference.objects.filter(pk=found.pk, digest=found.digest, frozen_at__isnull=True)
    edges, profile = study.bins.as_json(), storage.to_bytes(study.profile)
    if not same.update(edges=edges, profile=profile, frozen_at=Now(), freeze_error=""):
        return False
    _keep_parts(found, study)
    # Counts over earlier bins cannot be added to counts over these: the log is folded anew.
    Profile.objects.filter(version_id=found.version_id).delete()
    batches = Batch.objects.filter(version_id=found.version_id, kind=BatchKind.PREDICTIONS)
    batches.update(folded_at=None, duplicates=0)
    for batch_id in batches.values_list("pk", flat=True):
        claims.again(kind="monitoring.fold", key=str(batch_id), subject_id=batch_id)
    return True


def _keep_parts(found: Reference, study: Studied) -> None:
    """What was learnt from an earlier reference goes: it is counted over other bins."""
    ReferencePart.objects.filter(version_id=found.version_id).delete()
    ReferencePart.objects.bulk_create(
        ReferencePart(
            version_id=found.version_id,
            reference_digest=found.digest,
            part=part,
            rows=profile.rows,
            counts=storage.to_bytes(profile),
        )
        for part, profile in study.parts.items()
    )
    ReferenceStudy.objects.update_or_create(
        version_id=found.version_id,
        defaults={
            "reference_digest": found.digest,
            "season": study.season,
            "loss": study.loss,
            "made_at": Now(),
        },
    )

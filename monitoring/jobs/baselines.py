"""Counts references that were set, so that windows can be compared with them."""

from django.db import transaction

from ledger import claims
from monitoring.models import Batch, BatchKind
from monitoring.reads.baselines import measure
from monitoring.stats import storage
from registry.models import Reference


@transaction.atomic
def count_reference(*, version_id: int) -> bool:
    """Freeze the bins of a version's reference and count it; then fold what waited for it.

    Twice is once: the bins follow from the file and the schema alone. Returns whether it did.
    """
    found = (
        Reference.objects.select_for_update(of=("self",), no_key=True)
        .select_related("version__model", "version__schema")
        .get(version_id=version_id)
    )
    if "format" in found.edges:
        return False
    bins, profile = measure(found.version, found)
    found.edges, found.profile = bins.as_json(), storage.to_bytes(profile)
    found.save(update_fields=["edges", "profile"])
    waiting = Batch.objects.filter(
        version_id=version_id, kind=BatchKind.PREDICTIONS, folded_at__isnull=True
    )
    for batch_id in waiting.values_list("pk", flat=True):
        claims.again(kind="monitoring.fold", key=str(batch_id), subject_id=batch_id)
    return True


def count_new_references() -> int:
    """Count every reference that has none yet, once the schema is there too."""
    waiting = Reference.objects.filter(edges={}, version__schema__isnull=False)
    return sum(
        count_reference(version_id=version_id)
        for version_id in waiting.values_list("version_id", flat=True)
    )

"""Erasures as pages and the API show them, and the certificate for the data subject."""

from typing import Any

from django.template.loader import render_to_string

from monitoring.models import Erasure
from monitoring.querysets import ErasureQuerySet
from registry.reads.archives import holds_on


def visible(user: Any) -> ErasureQuerySet:
    rows = Erasure.objects.visible_to(user).select_related("model__team")
    return rows.defer("selection", "found").order_by("-pk")


def certificate(row: Erasure) -> dict[str, Any]:
    """What was done, for the data subject: counts, digests, times; no id and no name of theirs."""
    return {
        "certificate": f"E-{row.pk}",
        "model": row.model.name,
        "reference": row.reference,
        "basis": row.basis,
        "received_on": row.received_on,
        "due_on": row.due_on,
        "asked_by": row.printed_name,
        "checked_by": row.checked_name,
        "checked_at": row.checked_at,
        "erased_at": row.finished_at,
        "proof": row.proof,
        "files": [
            {
                "kind": str(one.batch.kind),
                "rows_before": one.rows_before,
                "removed": one.removed,
                "digest_before": one.digest_before,
                "digest_after": one.digest_after,
                "at": one.at,
            }
            for one in row.files.select_related("batch")
        ],
        "kept": list(KEPT),
    }


KEPT = (
    "Hourly counts of all predictions: they hold no row and no id.",
    "Salted hashes of the erased ids, so that the same rows are not taken in again.",
    "Backups made before the erasure, until their own retention ends.",
    "The training data of the model, which is not Ombud's prediction log.",
)


def holds_of(row: Erasure) -> tuple[str, ...]:
    """Legal holds that speak against it now."""
    return holds_on(row.model) if row.state in {"asked", "checked", "waiting"} else ()


def certificate_html(row: Erasure) -> str:
    context = {"certificate": certificate(row), "row": row}
    return render_to_string("governance/print/erasure.html", context)

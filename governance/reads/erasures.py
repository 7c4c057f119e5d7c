"""Erasures as pages and the API show them, and the certificate for the data subject."""

from typing import Any

from django.db.models import QuerySet
from django.template.loader import render_to_string

from monitoring.models import ErasedFile, Erasure, ErasureState
from monitoring.querysets import ErasureQuerySet
from monitoring.states import StepName
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
                "kind": kind_of(one),
                "rows_before": one.rows_before,
                "removed": one.removed,
                "digest_before": one.digest_before,
                "digest_after": one.digest_after,
                "at": one.at,
            }
            for one in files_of(row)
        ],
        "kept": what_stays(row),
    }


def files_of(row: Erasure) -> QuerySet[ErasedFile]:
    return row.files.select_related("batch", "step")


def kind_of(one: ErasedFile) -> str:
    """What a file that was written anew holds, in words."""
    if one.batch is not None:
        return str(one.batch.kind)
    if one.step is None:
        return ""
    return f"{OF_STEPS[StepName(one.step.name)]} of retraining {one.step.retraining_id}"


# What the steps of a retraining keep of the log.
OF_STEPS = {
    StepName.COLLECT: "collected rows",
    StepName.FEATURES: "features",
    StepName.EVALUATE: "answers",
}


def what_stays(row: Erasure) -> list[str]:
    """What an erasure leaves, and by name the references that have such rows."""
    references = [
        f"{one['rows']:,} of the rows in the reference of version {one['version']}: monitors are"
        " judged by it, and it goes when the version's archive is purged."
        for one in row.proof.get("references", [])
    ]
    return [*KEPT, *references]


KEPT = (
    "Hourly counts of all predictions: they hold no row and no id.",
    "Salted hashes of the erased ids, so that the same rows are not taken in again.",
    "Backups made before the erasure, until their own retention ends.",
    "What versions learnt, and training data outside Ombud.",
    "Sealed archives, until they are purged.",
)


def holds_of(row: Erasure) -> tuple[str, ...]:
    """Legal holds that speak against it now."""
    return holds_on(row.model) if row.state in {"asked", "checked", "waiting"} else ()


def waits_for(row: Erasure) -> tuple[str, ...]:
    """What else it waits for: a retraining that is at work with rows of the log."""
    if row.state != ErasureState.WAITING:
        return ()
    legal = holds_of(row)
    return tuple(one for one in row.holds if one not in legal)


def certificate_html(row: Erasure) -> str:
    context = {"certificate": certificate(row), "row": row}
    return render_to_string("governance/print/erasure.html", context)

"""Global importance: of every version whose bytes are hashed and whose reference is counted."""

from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Now

from audit.record import SYSTEM, record
from ledger import claims
from monitoring.events import MonitoringEvent
from monitoring.jobs.explaining import errands
from monitoring.jobs.explaining.errands import NotExplained
from monitoring.jobs.retraining.sources import may_unpickle
from monitoring.models import ExplanationState, Importance
from registry.models import Version
from registry.states import Stage

KIND = "monitoring.importance"
AT_ONCE = 20
ENDED = (Stage.ARCHIVED, Stage.PURGED, Stage.RETIRED)


def begin_new() -> int:
    """Make importance due where it is not there: new versions, and other references."""
    return sum(_begin(version) for version in _without()) + _once_more()


def _without() -> list[Version]:
    same = Importance.objects.filter(
        version=OuterRef("pk"),
        artifact_digest=OuterRef("artifact_digest"),
        reference_digest=OuterRef("reference__digest"),
    )
    rows = Version.objects.filter(reference__frozen_at__isnull=False, schema__isnull=False)
    found = rows.exclude(artifact_digest="").exclude(stage__in=ENDED)
    return list(found.filter(~Exists(same)).select_related("reference")[:AT_ONCE])


@transaction.atomic
def _begin(version: Version) -> int:
    row, made = Importance.objects.get_or_create(
        version=version,
        artifact_digest=version.artifact_digest,
        reference_digest=version.reference.digest,
    )
    if made:
        claims.enqueue(kind=KIND, key=str(row.pk), subject_id=row.pk)
    return int(made)


def _once_more() -> int:
    """What was refused before approval, because a pickle stays closed, is tried after it."""
    closed = Importance.objects.filter(
        state=ExplanationState.REFUSED,
        numbers__allow_pickle=False,
        version__stage__in=[Stage.APPROVED, Stage.SERVING],
        artifact_digest=F("version__artifact_digest"),
    )
    return sum(restart(importance_id=pk) for pk in closed.values_list("pk", flat=True)[:AT_ONCE])


@transaction.atomic
def restart(*, importance_id: int) -> int:
    """Have one computed anew; 0 where it is under way."""
    ended = ~Q(state=ExplanationState.DUE)
    again = Importance.objects.filter(ended, pk=importance_id)
    if not again.update(state=ExplanationState.DUE, reason="", digest="", done_at=None):
        return 0
    claims.again(kind=KIND, key=str(importance_id), subject_id=importance_id)
    return 1


def compute_importance(claim: claims.Claim) -> None:
    """Compute one in the sandbox, check that it adds up, and store it."""
    row = Importance.objects.select_related("version__model", "version__schema").get(
        pk=claim.subject_id
    )
    if row.state != ExplanationState.DUE:
        with transaction.atomic():
            claims.finish(claim=claim)
        return
    seed, allowed = 0, may_unpickle(row.version)
    try:
        seed = errands.seed_of(row.version)
        answer = computed(row, seed)
    except NotExplained as refusal:
        _refuse(claim, row, str(refusal), allowed=allowed)
        return
    _keep(claim, row, answer, seed)


def computed(row: Importance, seed: int) -> dict[str, Any]:
    """What the sandbox answers for this row's bytes and reference.

    Raises:
        NotExplained: among others, that the reference has been replaced since.
    """
    version = row.version
    same = (version.artifact_digest, errands.reference_of(version).digest)
    if same != (row.artifact_digest, row.reference_digest):
        raise NotExplained("The version's reference has been replaced since.")
    with errands.desk(version) as folder:
        return errands.importance(version, folder, seed)


@transaction.atomic
def _refuse(claim: claims.Claim, row: Importance, reason: str, *, allowed: bool) -> None:
    claims.finish(claim=claim)
    Importance.objects.filter(pk=row.pk).update(
        state=ExplanationState.REFUSED,
        reason=reason[:500],
        numbers={"allow_pickle": allowed},
        done_at=Now(),
    )
    record(SYSTEM, MonitoringEvent.IMPORTANCE_FAILED, row, reason=reason[:500])


@transaction.atomic
def _keep(claim: claims.Claim, row: Importance, answer: dict[str, Any], seed: int) -> None:
    claims.finish(claim=claim)
    gaps = [one["gap"] for one in answer["rows"]]
    holds = all(gap is not None and gap <= answer["tolerance"] for gap in gaps)
    state = ExplanationState.DONE if holds else ExplanationState.FAILED
    digest = errands.digest_of(answer)
    Importance.objects.filter(pk=row.pk).update(
        state=state,
        method=answer["method"],
        unit=answer["unit"],
        seed=seed,
        background_digest=answer["background"],
        numbers=_numbers(answer, gaps) if holds else {"allow_pickle": True},
        contributions=_matrix(answer) if holds else None,
        digest=digest,
        reason="" if holds else _missed(gaps, answer["tolerance"]),
        seconds=answer["seconds"],
        done_at=Now(),
    )
    event = MonitoringEvent.IMPORTANCE_COMPUTED if holds else MonitoringEvent.IMPORTANCE_FAILED
    record(SYSTEM, event, row, digest=digest, method=answer["method"], seed=seed)


def _missed(gaps: list[float | None], tolerance: float) -> str:
    worst = max((gap for gap in gaps if gap is not None), default=None)
    by = "no number at all" if worst is None else f"{worst:.3g}"
    return f"The contributions do not add up to the answers: off by {by}, allowed {tolerance:.3g}."


def _numbers(answer: dict[str, Any], gaps: list[float]) -> dict[str, Any]:
    each = zip(answer["features"], answer["sizes"], answer["shuffled"], strict=True)
    return {
        "features": [
            {"feature": name, "size": size, "shuffled": shuffled} for name, size, shuffled in each
        ],
        "loss": answer["loss"],
        "usual_loss": answer["usual_loss"],
        "rows": answer["looked_at"],
        "explained_rows": len(answer["rows"]),
        "background_rows": answer["background_rows"],
        "repeats": errands.REPEATS,
        "largest_gap": max(gaps),
        "tolerance": answer["tolerance"],
        "flavour": answer["flavour"],
        "note": answer["note"],
    }


def _matrix(answer: dict[str, Any]) -> bytes:
    rows = [one["contributions"] for one in answer["rows"]]
    return np.array(rows, "<f8").tobytes()

"""Explanations of single answers: those that are due for a version, some hundred at a time."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from django.db import transaction
from django.db.models import Max, Min
from django.db.models.functions import Now

from audit.chain import sha256_of
from audit.record import SYSTEM, record
from ledger import claims
from monitoring.events import MonitoringEvent
from monitoring.gateways import duckdb
from monitoring.jobs.explaining import errands
from monitoring.jobs.explaining.errands import NotExplained
from monitoring.models import Batch, BatchKind, Explanation, ExplanationState
from monitoring.reads.baselines import schema_of
from registry.models import Version
from registry.schemas import PredictionSchema

KIND = "monitoring.explain"
AT_ONCE = 200
NOT_LOGGED = "Its row is not in the log any more."


def enqueue(version_id: int) -> None:
    """Have the due explanations of a version computed; inside the transaction that makes them."""
    claims.again(kind=KIND, key=str(version_id), subject_id=version_id)


def explain_due(claim: claims.Claim) -> None:
    """Compute what is due for one version; more than some hundred make the job due again."""
    version = Version.objects.select_related("model", "schema").get(pk=claim.subject_id)
    due = Explanation.objects.filter(version=version, state=ExplanationState.DUE)
    rows = list(due.order_by("pk")[:AT_ONCE])
    if not rows:
        with transaction.atomic():
            claims.finish(claim=claim)
        return
    try:
        found = computed(version, rows)
    except NotExplained as refusal:
        found = [Told(row, None, {}, str(refusal)) for row in rows]
    _store(claim, version, found)


class Told:
    """What is known of one explanation: the sandbox's answer, or why there is none."""

    def __init__(
        self, row: Explanation, answer: dict[str, Any] | None, values: dict[str, Any], reason: str
    ) -> None:
        self.row, self.answer, self.values, self.reason = row, answer, values, reason

    @property
    def adds_up(self) -> bool:
        if self.answer is None:
            return False
        gap = self.answer["gap"]
        return gap is not None and gap <= self.answer["tolerance"]

    @property
    def state(self) -> ExplanationState:
        if self.answer is None:
            return ExplanationState.REFUSED
        return ExplanationState.DONE if self.adds_up else ExplanationState.FAILED


def computed(version: Version, rows: Sequence[Explanation]) -> list[Told]:
    """Every row with its contributions, or with why it has none.

    Raises:
        NotExplained: none of them can be explained.
    """
    schema = schema_of(version)
    if schema is None:
        raise NotExplained("The version has no schema that would name its features.")
    places, table = _logged(version, schema, rows)
    told = [Told(row, None, {}, NOT_LOGGED) for row in rows]
    if not places:
        return told
    seed = errands.seed_of(version)
    with errands.desk(version) as folder:
        pq.write_table(table, Path(folder) / "asked.parquet")
        answer = errands.explanations(version, folder, seed)
    shared = {name: answer[name] for name in ("method", "unit", "background", "tolerance")}
    values = table.to_pylist()
    for place, one, row in zip(places, answer["rows"], values, strict=True):
        mine = {**one, **shared, "features": answer["features"], "seed": seed}
        told[place] = Told(rows[place], mine, row, "")
    return told


def _logged(
    version: Version, schema: PredictionSchema, rows: Sequence[Explanation]
) -> tuple[list[int], pa.Table]:
    """Which of the rows are in the log, and their features as they were logged."""
    first, last = min(row.at for row in rows), max(row.at for row in rows)
    batches = Batch.objects.filter(
        version=version, kind=BatchKind.PREDICTIONS, first_at__lte=last, last_at__gte=first
    )
    names = list(batches.order_by("pk").values_list("path", flat=True))
    wanted = pa.table(
        {
            "place": pa.array(range(len(rows)), pa.int64()),
            "id": pa.array([row.prediction_id for row in rows], pa.string()),
        }
    )
    columns = [field.name for field in schema.features]
    places, found = duckdb.joined(wanted, names, schema.id.name, columns)
    order = sorted(range(len(places)), key=places.__getitem__)
    return sorted(places), found.take(pa.array(order, pa.int64()))


@transaction.atomic
def _store(claim: claims.Claim, version: Version, told: Sequence[Told]) -> None:
    claims.finish(claim=claim)
    for one in told:
        # An explanation whose prediction was erased meanwhile is not there to be written.
        due = Explanation.objects.filter(pk=one.row.pk, state=ExplanationState.DUE)
        due.update(**_fields(version, one), done_at=Now())
    states = [str(one.state) for one in told]
    span = Explanation.objects.filter(pk__in=[one.row.pk for one in told]).aggregate(
        first=Min("at"), last=Max("at")
    )
    counted = {name: states.count(name) for name in sorted(set(states))}
    digest = sha256_of({"digests": [digest_of(one) for one in told]})
    record(
        SYSTEM, MonitoringEvent.EXPLANATION_ENDED, version, states=counted, digest=digest, **span
    )
    left = Explanation.objects.filter(version=version, state=ExplanationState.DUE)
    if left.exists():
        enqueue(version.pk)


def _fields(version: Version, one: Told) -> dict[str, Any]:
    answer = one.answer
    if answer is None:
        return {"state": one.state, "reason": one.reason[:500]}
    holds = one.adds_up
    found = {
        "state": one.state,
        "artifact_digest": version.artifact_digest,
        "inputs_digest": sha256_of(one.values),
        "background_digest": answer["background"],
        "seed": answer["seed"],
        "method": answer["method"],
        "unit": answer["unit"],
        "answer": answer["answer"],
        "base": answer["base"],
        "gap": answer["gap"],
        "tolerance": answer["tolerance"],
        "digest": digest_of(one),
        "reason": "" if holds else _missed(answer),
    }
    return found | {"contributions": _parts(one) if holds else []}


def _missed(answer: dict[str, Any]) -> str:
    by = "no number at all" if answer["gap"] is None else f"{answer['gap']:.3g}"
    allowed = f"{answer['tolerance']:.3g}"
    return f"The contributions do not add up to the answer: off by {by}, allowed {allowed}."


def _parts(one: Told) -> list[dict[str, Any]]:
    answer = one.answer or {}
    each = zip(answer["features"], answer["contributions"], answer["errors"], strict=True)
    return [
        {"feature": name, "value": one.values.get(name), "contribution": part, "error": error}
        for name, part, error in each
    ]


def digest_of(one: Told) -> str:
    """SHA-256 of what was computed, from which values and what background, with which seed."""
    if one.answer is None:
        return ""
    return sha256_of({"values": one.values, "answer": one.answer})

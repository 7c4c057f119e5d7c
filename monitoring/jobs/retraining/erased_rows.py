"""A data subject's rows go from what retrainings have kept of the log.

The snapshot names the ids. Features have one row for each of its rows and answers tell its place,
so the three are written anew together; what the checks quoted goes too. Nobody reads them then: a
retraining that is at work with its rows is waited for.
"""

import hashlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from django.db import transaction

from ledger import claims
from ledger.models import Job, JobState
from monitoring.gateways.erasing import positions
from monitoring.gateways.parquet import written
from monitoring.gateways.retraining_files import SNAPSHOT
from monitoring.jobs.retraining.evaluating import ANSWERS
from monitoring.jobs.retraining.features import TABLE
from monitoring.jobs.retraining.pipeline import locked
from monitoring.jobs.retraining.replaying import KIND as REPLAY
from monitoring.jobs.retraining.work import place
from monitoring.models import ErasedFile, Erasure, Retraining, RetrainingStep
from monitoring.reads.baselines import schema_of
from monitoring.states import RetrainingState, StepName, StepState
from registry.gateways import store

# Until it has registered its version, the next step may read the rows at any moment.
READERS = (
    StepName.COLLECT,
    StepName.VALIDATE,
    StepName.FEATURES,
    StepName.TRAIN,
    StepName.EVALUATE,
    StepName.REGISTER,
)
ENDED = (StepState.DONE, StepState.SKIPPED)
KEPT = {StepName.COLLECT: SNAPSHOT, StepName.FEATURES: TABLE, StepName.EVALUATE: ANSWERS}
Numbers = np.ndarray[Any, np.dtype[np.int64]]


class AtWork(Exception):
    """A retraining works with these rows now; the message names it."""


@dataclass(frozen=True)
class _File:
    """One kept file, and what it is to be instead; `left` is rows by part."""

    step: RetrainingStep
    name: str
    rows: int
    left: dict[str, int]
    digest: str

    @property
    def removed(self) -> int:
        return self.rows - sum(self.left.values())

    @property
    def old_path(self) -> str:
        return place(self.step, self.name, self.step.files[self.name])


def at_work(model_id: int) -> str:
    """Which retraining of the model works with rows of the log now, in words; "" if none does."""
    running = Retraining.objects.filter(model=model_id, state=RetrainingState.RUNNING)
    busy = next((one for one in running.order_by("pk") if _reads(one)), None)
    if busy is None:
        return ""
    return f"Retraining {busy.pk} is at work with rows of the log; it goes on when that has ended."


def _reads(retraining: Retraining) -> bool:
    if retraining.state != RetrainingState.RUNNING:
        return False
    steps = list(retraining.steps.all())
    if any(one.name in READERS and one.state not in ENDED for one in steps):
        return True
    replays = Job.objects.filter(kind=REPLAY, subject_id__in=[one.pk for one in steps])
    return (
        any(one.state == StepState.RUNNING for one in steps)
        or replays.filter(state__in=[JobState.DUE, JobState.RUNNING]).exists()
    )


def take_out(erasure: Erasure, ids: Collection[str], hold: Callable[[], None]) -> int:
    """Take the rows of these ids out of every retraining of the model; how many were looked at.

    `hold` is called in each transaction that changes something, and raises where nothing may.

    Raises:
        AtWork: a retraining is to be waited for; what was done stays done.
    """
    looked = 0
    collected = RetrainingStep.objects.filter(
        retraining__model=erasure.model_id, name=StepName.COLLECT, files__has_key=SNAPSHOT
    )
    for step in collected.select_related("retraining__parent__model").order_by("pk"):
        looked += 1
        gone = _gone(step, ids)
        if len(gone):
            _swap(erasure, step.retraining_id, list(_anew(step.retraining, gone)), gone, hold)
    return looked


def _gone(collected: RetrainingStep, ids: Collection[str]) -> Numbers:
    """The places of the subject's rows in the snapshot."""
    schema = schema_of(collected.retraining.parent)
    path = place(collected, SNAPSHOT, collected.files[SNAPSHOT])
    if schema is None or not store.exists(path):
        return np.array([], dtype=np.int64)
    return positions(path, column=schema.id.name, values=ids)


def _anew(retraining: Retraining, gone: Numbers) -> Iterator[_File]:
    """Each kept file without those rows, in the store under its new digest."""
    for step in retraining.steps.filter(name__in=KEPT):
        name = KEPT[StepName(step.name)]
        if name in step.files:
            table = pq.read_table(pa.BufferReader(store.read(place(step, name, step.files[name]))))
            less = _answers(table, gone) if name == ANSWERS else _rows(table, gone)
            content = written(less)
            digest = hashlib.sha256(content).hexdigest()
            store.put_bytes(place(step, name, digest), content)
            yield _File(step, name, table.num_rows, _by_part(less), digest)


def _by_part(table: pa.Table) -> dict[str, int]:
    if "part" not in table.column_names:
        return {"": table.num_rows}
    counted = table.column("part").value_counts().to_pylist()
    return {str(one["values"]): int(one["counts"]) for one in counted}


def _rows(table: pa.Table, gone: Numbers) -> pa.Table:
    stays = np.ones(table.num_rows, dtype=bool)
    stays[gone] = False
    return table.filter(pa.array(stays))


def _answers(table: pa.Table, gone: Numbers) -> pa.Table:
    """Without the answers to those rows; the others tell the new places of theirs."""
    places = table.column("place").to_numpy()
    left = table.filter(pc.invert(pc.is_in(table.column("place"), pa.array(gone, pa.int64()))))
    moved = places[~np.isin(places, gone)]
    moved = moved - np.searchsorted(gone, moved)
    at = table.column_names.index("place")
    return left.set_column(at, "place", pa.array(moved, table.schema.field("place").type))


@transaction.atomic
def _swap(
    erasure: Erasure,
    retraining_id: int,
    files: list[_File],
    gone: Numbers,
    hold: Callable[[], None],
) -> None:
    hold()
    if _reads(locked(retraining_id)):
        raise AtWork(at_work(erasure.model_id))
    for file in files:
        now = RetrainingStep.objects.select_for_update(no_key=True).get(pk=file.step.pk)
        if now.files != file.step.files:
            raise claims.Fenced(f"files of retraining {retraining_id} were written anew by another")
        now.files = {**now.files, file.name: file.digest}
        now.numbers = _counted_anew(now.numbers, file)
        now.save(update_fields=["files", "numbers"])
        ErasedFile.objects.create(
            erasure=erasure,
            step=now,
            rows_before=file.rows,
            removed=file.removed,
            digest_before=file.step.files[file.name],
            digest_after=file.digest,
            old_path=file.old_path,
        )
    _forget_quotes(retraining_id, gone)


def _counted_anew(numbers: dict[str, Any], file: _File) -> dict[str, Any]:
    """A retraining that is tried again holds its files against these; `erased` says what went."""
    if file.name == ANSWERS:
        return numbers
    rows = file.left if file.name == SNAPSHOT else sum(file.left.values())
    return {**numbers, "rows": rows, "erased": numbers.get("erased", 0) + file.removed}


def _forget_quotes(retraining_id: int, gone: Numbers) -> None:
    """Rows that failed a check are shown on the page."""
    step = RetrainingStep.objects.get(retraining=retraining_id, name=StepName.VALIDATE)
    quoted = step.numbers.get("shown", [])
    places = [int(row["place"]) for row in quoted]
    left = [
        {**row, "place": str(at - int(np.searchsorted(gone, at)))}
        for row, at in zip(quoted, places, strict=True)
        if at not in gone
    ]
    if left != quoted:
        step.numbers = {**step.numbers, "shown": left}
        step.save(update_fields=["numbers"])

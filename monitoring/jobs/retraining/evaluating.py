"""Evaluate: the new version against the champion, on held-out rows and on the latest ones."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from monitoring.gateways.parquet import read_parquet
from monitoring.gateways.refusals import UploadRefused
from monitoring.gateways.retraining_files import SNAPSHOT
from monitoring.gateways.snapshots import HOLD_OUT, LATEST
from monitoring.jobs.retraining.errands import sent
from monitoring.jobs.retraining.features import TABLE
from monitoring.jobs.retraining.models_kept import bring_model
from monitoring.jobs.retraining.sources import bring, may_unpickle
from monitoring.jobs.retraining.work import (
    Done,
    StepFailed,
    desk,
    earlier,
    fetch,
    keep,
    tell,
    terms_of,
)
from monitoring.models import RetrainingStep
from monitoring.reads.baselines import schema_of
from monitoring.retraining_terms import RetrainingKind
from monitoring.states import StepName
from monitoring.stats import columns
from monitoring.stats.comparison import DIFFERENCE, Answered, by_part, side_by_side
from monitoring.stats.findings import Finding
from registry.models import TaskType
from registry.schemas import FieldRole, PredictionSchema

ANSWERS = "answers.parquet"
MICROSECONDS = 24 * 3600 * 1_000_000
USUAL = 0.5
ALMOST_ALL = 0.99


def evaluate(step: RetrainingStep) -> Done:
    """Both versions answer in the sandbox; what their answers say is computed here."""
    schema = _schema(step)
    with desk() as folder:
        inside, made = folder / "in", folder / "out"
        made.mkdir()
        inputs = _inputs(step, schema, inside)
        found = sent(step, "evaluate", inputs, readable=(inside,), writable=made)
        answers = _answers(made / ANSWERS)
        rows = pq.read_table(inside / SNAPSHOT)
        task, threshold = step.retraining.model.task, inputs["threshold"]
        numbers = compared(rows, answers, schema, task, threshold)
        if terms_of(step.retraining).kind == RetrainingKind.RECALIBRATION:
            _same_decisions(numbers)
        files = keep(step, ANSWERS, made / ANSWERS)
    said = _verdict(numbers)
    tell(step, said)
    if numbers[LATEST]["verdict"] == "worse":
        raise StepFailed(said, numbers)
    return Done(numbers, files, found.seconds, said)


def _same_decisions(numbers: dict[str, Any]) -> None:
    """A recalibration changes chances; who is told yes stays as it is, and so do the errors."""
    for part in (HOLD_OUT, LATEST):
        numbers[part]["challenger"]["error_rate"] = numbers[part]["champion"]["error_rate"]


def _schema(step: RetrainingStep) -> PredictionSchema:
    schema = schema_of(step.retraining.parent)
    if schema is None or schema.outcome is None:
        raise StepFailed("The champion's schema names no outcome any more.")
    return schema


def _inputs(step: RetrainingStep, schema: PredictionSchema, inside: Path) -> dict[str, Any]:
    parent = step.retraining.parent
    table = fetch(earlier(step, StepName.COLLECT), SNAPSHOT, inside / SNAPSHOT)
    return {
        "table": str(table),
        "features": str(fetch(earlier(step, StepName.FEATURES), TABLE, inside / TABLE)),
        "columns": [field.name for field in schema.features],
        "champion": str(bring(parent, inside / "champion")),
        "challenger": str(bring_model(earlier(step, StepName.TRAIN), inside)),
        "allow_pickle": may_unpickle(parent),
        "task": step.retraining.model.task,
        "threshold": threshold_of(table, schema),
    }


def threshold_of(table: Path, schema: PredictionSchema) -> float:
    """From which score on the champion's log says yes; a half where the log does not tell."""
    if schema.score is None:
        return USUAL
    names = [schema.prediction.name, schema.score.name]
    rows = pq.read_table(table, columns=names).drop_null()
    said = pc.equal(columns.labels(rows, names[0]), positive_of(schema))
    scores = pc.cast(rows.column(names[1]), pa.float64())
    yes, no = scores.filter(said), scores.filter(pc.invert(said))
    if not len(yes) or not len(no):
        return USUAL
    lowest = float(pc.min(yes).as_py())
    kept = pc.mean(pc.cast(pc.less(no, lowest), pa.float64())).as_py()
    return lowest if kept >= ALMOST_ALL else USUAL


def positive_of(schema: PredictionSchema) -> str:
    outcome = schema.outcome
    if outcome is None:
        return "1"
    return outcome.positive_label or (outcome.categories[-1] if outcome.categories else "1")


def _answers(path: Path) -> pa.Table:
    """What model code wrote, read by the confined process."""
    try:
        return read_parquet(path.read_bytes())
    except (UploadRefused, OSError) as error:
        raise StepFailed(f"The answers cannot be read: {error}") from error


def compared(
    rows: pa.Table, answers: pa.Table, schema: PredictionSchema, task: str, threshold: float
) -> dict[str, Any]:
    """Both parts side by side, as plain values."""
    places = answers.column("place").to_numpy()
    if not len(places) or places.min() < 0 or places.max() >= rows.num_rows:
        raise StepFailed("The answers do not belong to the rows that were asked.")
    asked = rows.take(pa.array(places))
    found: dict[str, Any] = {"threshold": threshold}
    for part in (HOLD_OUT, LATEST):
        chosen = pc.equal(asked.column("part"), part)
        mine = _answered(asked.filter(chosen), answers.filter(chosen), schema, task)
        found[part] = _told(replace(mine, threshold=threshold), task)
    return found


def _answered(rows: pa.Table, answers: pa.Table, schema: PredictionSchema, task: str) -> Answered:
    name = schema.outcome.name if schema.outcome else ""
    champion, challenger = (
        _numbers(answers, rows, name, who, task) for who in ("champion", "challenger")
    )
    if task == TaskType.BINARY:
        truth = _floats(pc.equal(columns.labels(rows, name), positive_of(schema)))
    elif task == TaskType.REGRESSION:
        truth = _floats(rows.column(name))
    else:
        truth = np.zeros(rows.num_rows)
    parts = {
        field.name: columns.labels(rows, field.name).to_pylist()
        for field in schema.having(FieldRole.SEGMENT, FieldRole.GROUP)
        if field.name in rows.column_names
    }
    named = {name: [value or "" for value in values] for name, values in parts.items()}
    return Answered(champion, challenger, truth, days_of(rows, schema.timestamp.name), named)


def _numbers(answers: pa.Table, rows: pa.Table, outcome: str, who: str, task: str) -> Any:
    """Scores, numbers, or for classes 1 where the answer is wrong."""
    if task == TaskType.MULTICLASS:
        said = columns.labels(answers, f"{who}_answer")
        return _floats(pc.not_equal(said, columns.labels(rows, outcome)))
    scored = f"{who}_score"
    name = scored if scored in answers.column_names else f"{who}_answer"
    return _floats(answers.column(name))


def _floats(values: Any) -> Any:
    as_numbers = pc.cast(
        pc.cast(values, pa.int8()) if values.type == pa.bool_() else values, pa.float64()
    )
    return np.asarray(as_numbers.to_numpy(zero_copy_only=False), np.float64)


def days_of(rows: pa.Table, at: str) -> Any:
    """The day of each row, counted from 1970; rows of one day are a cluster."""
    moments = columns.column(rows, at).cast(pa.timestamp("us", "UTC"))
    counted = moments.cast(pa.int64()).to_numpy(zero_copy_only=False)
    return np.asarray(counted // MICROSECONDS, np.int64)


def _told(rows: Answered, task: str) -> dict[str, Any]:
    sides = side_by_side(rows, task)
    gap = sides["difference"][DIFFERENCE[task]]
    return {
        "rows": len(rows.outcome),
        "champion": {name: _plain(one) for name, one in sides["champion"].items()},
        "challenger": {name: _plain(one) for name, one in sides["challenger"].items()},
        "difference": {"measure": DIFFERENCE[task], **_plain(gap)},
        "verdict": _answer(gap),
        "parts": [
            {"field": name, "level": level, **_plain(one), "verdict": _answer(one)}
            for name, level, one in by_part(rows, task)
        ],
    }


def _plain(found: Finding) -> dict[str, Any]:
    return {
        "value": found.value,
        "low": found.low,
        "high": found.high,
        "n": found.n,
        "reason": found.reason,
    }


def _answer(gap: Finding) -> str:
    """Below zero the new version is better; an interval over zero decides nothing."""
    if gap.value is None or gap.low is None or gap.high is None:
        return "undecided"
    return "better" if gap.high < 0 else "worse" if gap.low > 0 else "undecided"


WORDS = {
    "better": "The new version is better than the champion",
    "worse": "The new version is worse than the champion",
    "undecided": "Neither is clearly better than the other",
}


def _verdict(numbers: dict[str, Any]) -> str:
    latest, old = numbers[LATEST], numbers[HOLD_OUT]
    said = f"{WORDS[latest['verdict']]} on the {latest['rows']:,} latest rows"
    return f"{said}; on the {old['rows']:,} held-out rows: {old['verdict']}."

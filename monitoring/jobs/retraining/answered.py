"""The logged rows of one part of the snapshot as the new version answers them, for its own log."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from monitoring.gateways.parquet import read_parquet
from monitoring.gateways.retraining_files import SNAPSHOT
from monitoring.jobs.retraining.evaluating import ANSWERS, positive_of
from monitoring.jobs.retraining.work import earlier, fetch, terms_of
from monitoring.models import RetrainingStep
from monitoring.retraining_terms import RetrainingKind
from monitoring.states import StepName
from monitoring.stats import columns
from registry.models import TaskType
from registry.schemas import Dtype, Field, PredictionSchema


def answered_part(
    step: RetrainingStep, schema: PredictionSchema, folder: Path, part: str
) -> pa.Table:
    """Rows of `part` in order of time, with what the new version said of them when it was evaluated
    in place of the champion's words; columns of the schema only."""
    table = fetch(earlier(step, StepName.COLLECT), SNAPSHOT, folder / SNAPSHOT)
    evaluated = earlier(step, StepName.EVALUATE)
    answers = read_parquet(fetch(evaluated, ANSWERS, folder / ANSWERS).read_bytes())
    rows = pq.read_table(table).take(pa.array(answers.column("place").to_numpy()))
    chosen = pc.equal(rows.column("part"), part)
    rows, answers = rows.filter(chosen), answers.filter(chosen)
    if terms_of(step.retraining).kind == RetrainingKind.RECALIBRATION:
        found = _scored(rows, answers, schema)
    else:
        threshold = float(evaluated.numbers.get("threshold", 0.5))
        found = _answered(rows, answers, schema, step.retraining.model.task, threshold)
    return found.select([name for name in found.column_names if name in schema.by_name])


def _answered(
    rows: pa.Table, answers: pa.Table, schema: PredictionSchema, task: str, threshold: float
) -> pa.Table:
    """The logged rows with prediction and score replaced by the new version's own."""
    scored = "challenger_score" in answers.column_names
    rows = _scored(rows, answers, schema)
    if task == TaskType.BINARY and scored:
        yes = pc.greater_equal(answers.column("challenger_score"), threshold)
        said = _spelled(yes, rows, schema)
    else:
        said = _as(answers.column("challenger_answer"), schema.prediction)
    return _replaced(rows, schema.prediction.name, said)


def _scored(rows: pa.Table, answers: pa.Table, schema: PredictionSchema) -> pa.Table:
    """The logged rows with the new version's scores; a recalibration changes nothing else."""
    if schema.score is None or "challenger_score" not in answers.column_names:
        return rows
    return _replaced(rows, schema.score.name, answers.column("challenger_score"))


def _spelled(yes: Any, rows: pa.Table, schema: PredictionSchema) -> Any:
    """Yes and no as the champion's log spells them."""
    field = schema.prediction
    if field.dtype == Dtype.BOOLEAN:
        return yes
    positive = field.positive_label or positive_of(schema)
    known = columns.labels(rows, field.name).unique().to_pylist()
    others = [one for one in (*field.categories, *known) if one and one != positive]
    return _as(pc.if_else(yes, positive, others[0] if others else "0"), field)


def _as(values: Any, field: Field) -> Any:
    kinds = {
        Dtype.INTEGER: pa.int64(),
        Dtype.NUMBER: pa.float64(),
        Dtype.STRING: pa.string(),
        Dtype.BOOLEAN: pa.bool_(),
    }
    return pc.cast(values, kinds.get(field.dtype, pa.string()))


def _replaced(rows: pa.Table, name: str, values: Any) -> pa.Table:
    if name not in rows.column_names:
        return rows.append_column(name, values)
    return rows.set_column(rows.column_names.index(name), name, values)

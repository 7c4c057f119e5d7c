"""Recalibrate: a map from the champion's scores to chances, chosen and judged by rule.

The champion's files stay as they are; the new version is these files and a map of numbers. The map
is learnt from the rows to train on and judged on the latest ones, which no fit has seen.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import yaml

from monitoring.gateways.retraining_files import SNAPSHOT
from monitoring.gateways.snapshots import LATEST, TRAIN
from monitoring.jobs.retraining.errands import sent
from monitoring.jobs.retraining.evaluating import days_of, positive_of
from monitoring.jobs.retraining.models_kept import MODEL, keep_model
from monitoring.jobs.retraining.sources import (
    CALIBRATED,
    MAP,
    PARENT,
    bring,
    code_digest,
    may_unpickle,
)
from monitoring.jobs.retraining.work import Done, StepFailed, desk, earlier, fetch, tell
from monitoring.models import Retraining, RetrainingStep
from monitoring.reads.baselines import schema_of
from monitoring.states import StepName
from monitoring.stats import calibration_maps, columns, recalibrating
from monitoring.stats.recalibrating import Rows
from registry.models import TaskType
from registry.schemas import Field, PredictionSchema

MLMODEL = "MLmodel"
MOST_ROWS = 2_000
SAME_SCORE, SAME_CHANCE = 1e-4, 1e-9
LARGEST_DESCRIPTION = 1_000_000
PINNED = ("requirements.txt", "python_env.yaml", "conda.yaml")


def calibrate(step: RetrainingStep) -> Done:
    """Choose a map, put it beside the champion's files, and see in the sandbox that it fits them.

    Raises:
        StepFailed: too few outcomes, calibration is not the trouble, nothing is gained, or the
            logged scores are not what the champion's files answer.
    """
    schema = _schema(step.retraining)
    with desk() as folder:
        table = fetch(earlier(step, StepName.COLLECT), SNAPSHOT, folder / SNAPSHOT)
        found, numbers = _learnt(table, schema)
        made = _build(step.retraining, found, folder / MODEL)
        rows = folder / "rows.parquet"
        pq.write_table(_some(table, _score(schema).name), rows)
        checked = _checked(step, made, rows, _score(schema).name)
        files = keep_model(step, made)
    said = f"Chosen: {found['method']}. {checked['rows']:,} answers are those of the map."
    tell(step, said)
    numbers |= {
        "rows": numbers["learnt_from"],
        "parameters": {"method": found["method"]},
        "map": found,
        "checked": {key: checked[key] for key in ("rows", "from_log", "from_map")},
        "code_digest": code_digest(step.retraining.parent),
    }
    return Done(numbers, files, checked["seconds"], said)


def _schema(retraining: Retraining) -> PredictionSchema:
    schema = schema_of(retraining.parent)
    if retraining.model.task != TaskType.BINARY:
        raise StepFailed("Only the chances of two classes are recalibrated.")
    if schema is None or schema.score is None or schema.outcome is None:
        raise StepFailed("The champion's schema names no score or no outcome.")
    return schema


def _score(schema: PredictionSchema) -> Field:
    if schema.score is None:
        raise StepFailed("The champion's schema names no score.")
    return schema.score


def _learnt(path: Path, schema: PredictionSchema) -> tuple[dict[str, Any], dict[str, Any]]:
    """The map, and what was found on the way to it.

    Raises:
        StepFailed: by the rules of `stats.recalibrating`, with the numbers.
    """
    table = pq.read_table(path)
    table = table.filter(pc.is_valid(table.column(_score(schema).name)))
    early, later = (_rows(table, part, schema) for part in (TRAIN, LATEST))
    numbers: dict[str, Any] = {
        "learnt_from": int(early.outcomes.size),
        "judged_by": int(later.outcomes.size),
    }
    if because := recalibrating.refusal(early, later):
        raise StepFailed(because, numbers)
    method, losses = recalibrating.chosen(early)
    found = calibration_maps.fitted(method, early.scores, early.outcomes)
    compared = recalibrating.compared(later, calibration_maps.applied(found, later.scores))
    numbers |= {"losses": losses, "compared": compared}
    if compared["refusal"]:
        raise StepFailed(compared["refusal"], numbers)
    return found, numbers


def _rows(whole: pa.Table, part: str, schema: PredictionSchema) -> Rows:
    """One part in order of time: the choice among the maps is judged by its later rows."""
    table = whole.filter(pc.equal(whole.column("part"), part))
    table = table.sort_by([(schema.timestamp.name, "ascending"), (schema.id.name, "ascending")])
    name = schema.outcome.name if schema.outcome else ""
    truth = pc.equal(columns.labels(table, name), positive_of(schema))
    parts = {
        field.name: [one or "" for one in columns.labels(table, field.name).to_pylist()]
        for field in schema.groups
        if field.name in table.column_names
    }
    return Rows(
        _floats(table.column(_score(schema).name)),
        _floats(truth),
        days_of(table, schema.timestamp.name),
        parts,
    )


def _floats(values: Any) -> Any:
    as_numbers = pc.cast(values, pa.float64()).to_numpy(zero_copy_only=False)
    return np.asarray(as_numbers, np.float64)


def _build(retraining: Retraining, found: dict[str, Any], made: Path) -> Path:
    """The new model's folder: the same bytes whenever it is built."""
    bring(retraining.parent, made / PARENT)
    (made / MAP).write_text(json.dumps(found, sort_keys=True))
    (made / MLMODEL).write_text(_description(retraining, found["method"], made / PARENT / MLMODEL))
    for name in PINNED:
        if (made / PARENT / name).is_file():
            shutil.copyfile(made / PARENT / name, made / name)
    return made


def _description(retraining: Retraining, method: str, parent: Path) -> str:
    """What MLflow keeps of it: the champion's signature, and where map and champion lie."""
    told: Any = {}
    if parent.is_file() and parent.stat().st_size <= LARGEST_DESCRIPTION:
        told = yaml.safe_load(parent.read_bytes())
    signature = told.get("signature") if isinstance(told, dict) else None
    said: dict[str, Any] = {
        "flavors": {CALIBRATED: {"map": MAP, "parent": PARENT, "method": method}},
        "model_uuid": f"{retraining.pk:08x}{retraining.parent.artifact_digest}"[:32],
        "utc_time_created": f"{retraining.up_to:%Y-%m-%d %H:%M:%S.%f}",
    }
    if signature:
        said["signature"] = signature
    return yaml.safe_dump(said, sort_keys=True)


def _some(path: Path, score: str) -> pa.Table:
    table = pq.read_table(path)
    kept = pc.and_(pc.equal(table.column("part"), LATEST), pc.is_valid(table.column(score)))
    return table.filter(kept).slice(0, MOST_ROWS)


def _checked(step: RetrainingStep, made: Path, rows: Path, score: str) -> dict[str, Any]:
    """Champion and new model opened in the sandbox, and compared with log and map."""
    inputs = {
        "model": str(made),
        "parent": str(made / PARENT),
        "map": str(made / MAP),
        "rows": str(rows),
        "score": score,
        "allow_pickle": may_unpickle(step.retraining.parent),
    }
    found = sent(step, "calibrate", inputs, readable=(made.parent,))
    _agree(found.answer)
    return {**found.answer, "seconds": found.seconds}


def _agree(answer: dict[str, Any]) -> None:
    if not answer["from_log"] <= SAME_SCORE:
        raise StepFailed(
            "The logged scores are not what the champion's files answer (off by up to "
            f"{answer['from_log']:.3g}), so a map learnt from them would not fit the files."
        )
    if not answer["from_map"] <= SAME_CHANCE or not answer["same_decisions"]:
        raise StepFailed("The calibrated model does not answer what its map says.")

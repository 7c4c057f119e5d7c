"""Golden inputs and outputs: what a version answers to known rows, kept to be compared years later.

Taken when an archive is written, from the version's own reference and its own files, in the
sandbox. What cannot be taken is said in their place, so that nobody later takes silence for a pass.
"""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from registry.gateways import folders
from registry.models import Deployment, Reference, Schema, Version
from sandbox.errand import Errand
from sandbox.run import run

MOST_ROWS = 100
INPUTS, OUTPUTS, NONE = "golden/inputs.parquet", "golden/outputs.json", "golden/none.json"


def may_unpickle(version: Version) -> bool:
    """A pickle is opened, in the sandbox, of versions that were once approved to serve."""
    return Deployment.objects.filter(version=version).exists()


def golden_files(version: Version, model: Path, work: Path) -> Iterator[tuple[str, bytes]]:
    """Path in the archive and bytes: inputs and outputs, or why there are none.

    Args:
        model: the version's files, as they are archived.
        work: an empty folder to work in.
    """
    reference = Reference.objects.filter(version=version).first()
    if reference is None:
        yield NONE, _none("The version has no reference to take rows from.")
        return
    source = work / "reference"
    folders.write(source, folders.pieces(reference.path))
    told = {
        "model": str(model),
        "rows": str(source),
        "take": MOST_ROWS,
        "columns": _features(version),
        "allow_pickle": may_unpickle(version),
    }
    # Rows are taken in there too: a Parquet file that somebody sent is decoded in no worker.
    outcome = run(Errand("replay", told, readable=(model, source), writable=work))
    if not outcome.done or outcome.answer is None:
        yield NONE, _none(outcome.detail)
        return
    yield INPUTS, (work / "inputs.parquet").read_bytes()
    yield OUTPUTS, json.dumps(outcome.answer["outputs"]).encode()


@dataclass(frozen=True)
class Compared:
    """How many rows were compared, how many differ, the first that does, the largest difference."""

    rows: int
    different: int
    first: int | None
    largest: float


def compared(now: Mapping[str, Any], kept: Mapping[str, Any], tolerance: float) -> Compared:
    """Two sets of answers, column by column; told by who asked, not by the model.

    Args:
        now, kept: column -> one value for each row, numbers or text.
        tolerance: the largest difference of two numbers that counts as none.
    """
    rows = max((len(values) for values in kept.values()), default=0)
    if set(now) != set(kept) or any(len(now[name]) != rows for name in kept):
        return Compared(rows, rows, None, math.inf)
    apart = [max(_apart(now[name][row], kept[name][row]) for name in kept) for row in range(rows)]
    differing = [row for row, by in enumerate(apart) if by > tolerance]
    first = differing[0] if differing else None
    return Compared(rows, len(differing), first, max(apart, default=0.0))


def _apart(now: Any, kept: Any) -> float:
    """By how much two answers differ; what is no number differs by infinity or not at all."""
    if now == kept:
        return 0.0
    if isinstance(now, int | float) and isinstance(kept, int | float):
        return abs(now - kept)
    return math.inf


def _features(version: Version) -> list[str]:
    """The fields that the model is given; all columns where no schema says which."""
    schema = Schema.objects.filter(version=version).first()
    fields: list[dict[str, Any]] = schema.fields if schema else []
    return [str(field["name"]) for field in fields if field["role"] == "feature"]


def _none(reason: str) -> bytes:
    return json.dumps({"reason": reason}).encode()

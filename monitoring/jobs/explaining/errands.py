"""A version's files, its reference and the rows to explain on a desk, and the errand over them."""

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from audit.chain import sha256_of
from monitoring.jobs.retraining.sources import bring, may_unpickle
from monitoring.jobs.retraining.work import StepFailed
from monitoring.reads.baselines import schema_of
from registry.gateways import folders, store
from registry.models import Reference, Version
from sandbox.errand import GIB, Ending, Errand, Limits
from sandbox.run import run

LIMITS = Limits(address_space=3 * GIB, cpu_seconds=400, wall_seconds=600)
BACKGROUND = 50
SHOWN, MOST, REPEATS = 200, 2_000, 5
MODEL = "model"


class NotExplained(Exception):
    """It cannot be explained; the message says why, and what would help where something would."""


class TryAgain(Exception):
    """Nothing is wrong with the model: the machine has no sandbox, or the store was away."""


@contextmanager
def desk(version: Version) -> Iterator[Path]:
    """A folder with the version's verified files and its reference.

    Raises:
        NotExplained: its bytes were not hashed, differ, or it has no reference.
    """
    with tempfile.TemporaryDirectory(prefix="ombud-explain-") as made:
        folder = Path(made)
        try:
            bring(version, folder / MODEL)
            folders.write(folder / "rows.parquet", folders.pieces(reference_of(version).path))
        except (StepFailed, store.StoreError) as error:
            raise NotExplained(str(error)) from error
        yield folder


def reference_of(version: Version) -> Reference:
    found = Reference.objects.filter(version=version).first()
    if found is None:
        raise NotExplained("The version has no reference, so there is nothing usual to start from.")
    return found


def seed_of(version: Version) -> int:
    """The seed of everything that is drawn for these bytes and this reference."""
    both = f"{version.artifact_digest}:{reference_of(version).digest}"
    return int(hashlib.sha256(both.encode()).hexdigest()[:8], 16) >> 1


def importance(version: Version, folder: Path, seed: int) -> dict[str, Any]:
    """Permutation importance and the size of contributions over the reference."""
    schema = schema_of(version)
    if schema is None:
        raise NotExplained("The version has no schema that would name its features.")
    outcome = schema.outcome
    labels = [field.positive_label for field in (outcome, schema.prediction) if field is not None]
    more = {
        "outcome": outcome.name if outcome else None,
        "positive": next((one for one in labels if one), "1"),
        "repeats": REPEATS,
        "most": MOST,
        "shown": SHOWN,
    }
    return _sent("importance", version, folder, seed, more)


def explanations(version: Version, folder: Path, seed: int) -> dict[str, Any]:
    """Contributions to the answers for the rows of `asked.parquet` in the folder."""
    return _sent("explain", version, folder, seed, {"asked": str(folder / "asked.parquet")})


def _sent(
    task: str, version: Version, folder: Path, seed: int, more: dict[str, Any]
) -> dict[str, Any]:
    schema = schema_of(version)
    if schema is None:
        raise NotExplained("The version has no schema that would name its features.")
    inputs = {
        "model": str(folder / MODEL),
        "rows": str(folder / "rows.parquet"),
        "features": [field.name for field in schema.features],
        "task": version.model.task,
        "seed": seed,
        "background": BACKGROUND,
        "allow_pickle": may_unpickle(version),
    }
    outcome = run(Errand(task, inputs | more, readable=(folder,), limits=LIMITS))
    if outcome.ending is Ending.UNAVAILABLE:
        raise TryAgain(outcome.detail)
    if not outcome.done or outcome.answer is None:
        raise NotExplained(outcome.detail[:500])
    return outcome.answer | {"seconds": outcome.seconds}


def digest_of(answer: dict[str, Any]) -> str:
    """SHA-256 of what was computed, without how long it took."""
    return sha256_of({key: value for key, value in answer.items() if key != "seconds"})

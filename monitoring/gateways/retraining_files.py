"""Where the store has what the steps of a retraining made, and the collected data in pieces."""

from collections.abc import Iterator

from monitoring.models import Retraining
from monitoring.states import StepName, StepState
from registry.gateways import store

FOLDER = "retrainings"
SNAPSHOT = "snapshot.parquet"
PIECE = 1024 * 1024


def place_of(retraining_id: int, step: str, name: str, digest: str) -> str:
    """Where a step's file of this digest is: the same bytes twice are one file."""
    return f"{FOLDER}/{retraining_id}/{step}/{digest}/{name}"


def snapshot_pieces(retraining: Retraining) -> Iterator[bytes] | None:
    """The collected rows' bytes; None while they were not collected."""
    step = retraining.steps.filter(name=StepName.COLLECT, state=StepState.DONE).first()
    if step is None:
        return None
    name = place_of(retraining.pk, StepName.COLLECT, SNAPSHOT, step.files[SNAPSHOT])
    return _pieces(name) if store.exists(name) else None


def _pieces(name: str) -> Iterator[bytes]:
    with store.opened(name) as source:
        while piece := source.read(PIECE):
            yield piece

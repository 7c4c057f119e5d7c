"""The collected data of a retraining, read out of the store in pieces."""

from collections.abc import Iterator

from monitoring.models import Retraining
from monitoring.states import StepName, StepState
from registry.gateways import store

NAME = "snapshot.parquet"
PIECE = 1024 * 1024


def snapshot_pieces(retraining: Retraining) -> Iterator[bytes] | None:
    """The file's bytes; None while it was not collected."""
    step = retraining.steps.filter(name=StepName.COLLECT, state=StepState.DONE).first()
    name = f"retrainings/{retraining.pk}/{StepName.COLLECT}/{NAME}"
    if step is None or not store.exists(name):
        return None
    return _pieces(name)


def _pieces(name: str) -> Iterator[bytes]:
    with store.opened(name) as source:
        while piece := source.read(PIECE):
            yield piece

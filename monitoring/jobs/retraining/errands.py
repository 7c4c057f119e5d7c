"""Model code in the sandbox: an errand, its log on the step, and what its end means for it."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monitoring.jobs.retraining.work import StepFailed, tell
from monitoring.models import RetrainingStep
from monitoring.states import RetrainingState
from sandbox.errand import Ending, Errand, Limits
from sandbox.run import run

GIB = 1024**3
MIB = 1024**2
# Fitting takes longer than answering; the worker's own limit is fifteen minutes.
LIMITS = Limits(
    address_space=4 * GIB,
    cpu_seconds=600,
    wall_seconds=720,
    file_bytes=1 * GIB,
    folder_bytes=2 * GIB,
    processes=64,
    answer_bytes=4 * MIB,
)
TELL_EVERY = 1.0
ENDINGS = {
    Ending.OUT_OF_MEMORY: "It needed more memory than the sandbox gives.",
    Ending.OUT_OF_TIME: "It took longer than the sandbox waits.",
    Ending.OUT_OF_CPU: "It used more processor time than the sandbox gives.",
    Ending.FORBIDDEN_CALL: "It tried something that the sandbox forbids.",
    Ending.TOO_MUCH_OUTPUT: "It wrote more than the sandbox takes.",
    Ending.FOLDER_FULL: "It put more into its folder than the sandbox takes.",
    Ending.UNAVAILABLE: "The sandbox cannot be used on this machine.",
}


@dataclass(frozen=True)
class Answered:
    """What an errand answered, and how long it took."""

    answer: dict[str, Any]
    seconds: float


def sent(
    step: RetrainingStep,
    task: str,
    inputs: Mapping[str, Any],
    *,
    readable: tuple[Path, ...],
    writable: Path | None = None,
    python: Path | None = None,
) -> Answered:
    """Do an errand, its log line by line on the step's page.

    Raises:
        StepFailed: it ended in another way than with an answer.
    """
    journal = _Journal(step)
    errand = Errand(task, dict(inputs), readable, writable, python, LIMITS)
    outcome = run(errand, on_log=journal.take)
    journal.empty()
    if outcome.ending != Ending.DONE or outcome.answer is None:
        said = ENDINGS.get(outcome.ending, "Its code ended with an error.")
        numbers = {"ending": str(outcome.ending), "layers": dict(outcome.layers)}
        raise StepFailed(f"{said} {outcome.detail}".strip()[:500], numbers)
    return Answered(outcome.answer, outcome.seconds)


class _Journal:
    """Lines on their way to the database, a second's worth at once."""

    def __init__(self, step: RetrainingStep) -> None:
        self._step = step
        self._kept: list[str] = []
        self._last = time.monotonic()

    def take(self, text: str) -> None:
        self._kept.append(text.rstrip("\n"))
        if time.monotonic() - self._last >= TELL_EVERY:
            self.empty()

    def empty(self) -> None:
        if self._kept:
            tell(self._step, "\n".join(self._kept))
        self._kept, self._last = [], time.monotonic()
        self._stop_if_cancelled()

    def _stop_if_cancelled(self) -> None:
        """What nobody wants any more need not run to its end."""
        self._step.retraining.refresh_from_db(fields=["state"])
        if self._step.retraining.state == RetrainingState.CANCELLED:
            raise StepFailed("It was cancelled.")

"""What a step gets and gives: the shapes that all steps share."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from accounts.models import User
from monitoring.gateways.retraining_files import place_of
from monitoring.models import Retraining, RetrainingLine, RetrainingStep
from monitoring.retraining_terms import Terms, stored
from monitoring.states import StepName, StepState
from registry.gateways import store
from sandbox.folders import own

MOST_LINES = 2_000
LONGEST_LINE = 1_000
PIECE = 1024 * 1024


class StepFailed(Exception):
    """Trying again by itself would not help; the message says why, `numbers` what was found."""

    def __init__(self, message: str, numbers: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.numbers = dict(numbers or {})


@dataclass(frozen=True)
class Done:
    """A step came to its end."""

    numbers: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    message: str = ""
    skipped: bool = False


@dataclass(frozen=True)
class Waits:
    """A step waits for something outside, and is looked at again."""

    message: str
    external_id: str = ""


@dataclass(frozen=True)
class Ends:
    """The whole retraining ends here, by a verb of its life cycle."""

    verb: str
    message: str


Result = Done | Waits | Ends


def actor_of(retraining: Retraining) -> User:
    """Whoever switched the policy on answers for what it makes, and does not approve it."""
    person = retraining.asked_by or retraining.policy.switched_on_by
    if person is None:
        raise StepFailed("Nobody answers for this retraining.")
    return person


def terms_of(retraining: Retraining) -> Terms:
    return stored(retraining.terms)


def earlier(step: RetrainingStep, name: StepName) -> RetrainingStep:
    """An earlier step of the same retraining, which is done.

    Raises:
        StepFailed: it is not.
    """
    found = RetrainingStep.objects.get(retraining=step.retraining_id, name=name)
    if found.state not in (StepState.DONE, StepState.SKIPPED):
        raise StepFailed(f"The step “{name}” is not done.")
    return found


def place(step: RetrainingStep, name: str, digest: str) -> str:
    """Where a step keeps a file in the store."""
    return place_of(step.retraining_id, step.name, name, digest)


def keep(step: RetrainingStep, name: str, source: Path) -> dict[str, str]:
    """Put a file of the step into the store; its name and SHA-256."""
    with source.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    store.put_file(place(step, name, digest), source)
    return {name: digest}


def fetch(step: RetrainingStep, name: str, target: Path) -> Path:
    """A file that a step has kept, verified against its digest.

    Raises:
        StepFailed: it is not there, or not what was kept.
    """
    wanted = step.files.get(name, "")
    found = hashlib.sha256()
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with store.opened(place(step, name, wanted)) as source, target.open("wb") as sink:
            while piece := source.read(PIECE):
                found.update(piece)
                sink.write(piece)
    except store.StoreError as error:
        raise StepFailed(f"{name} of the step “{step.name}” is not in the store.") from error
    if found.hexdigest() != wanted:
        raise StepFailed(f"{name} of the step “{step.name}” is not what was kept there.")
    return target


def tell(step: RetrainingStep, text: str) -> None:
    """Add lines to the step's log, at most 2,000 of them."""
    there = RetrainingLine.objects.filter(step=step).count()
    lines = [line for line in text.replace("\x00", "").splitlines() if line.strip()]
    room = max(0, MOST_LINES - there)
    RetrainingLine.objects.bulk_create(
        RetrainingLine(step=step, text=line[:LONGEST_LINE]) for line in lines[:room]
    )


@contextmanager
def desk() -> Iterator[Path]:
    """A folder for as long as a step works."""
    with own() as folder:
        yield folder

"""What is asked of the sandbox, within which limits, and how it ended. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

GIB = 1024**3
MB = 1_000_000

# Every module of `sandbox.inside` that does errands; a name is never taken from a user.
TASKS = frozenset(
    {
        "calibrate",
        "check_data",
        "evaluate",
        "explain",
        "features",
        "importance",
        "predict",
        "probe",
        "replay",
        "train",
    }
)


class Ending(StrEnum):
    """How an errand ended."""

    DONE = "done"
    REFUSED = "refused"
    OUT_OF_MEMORY = "out_of_memory"
    OUT_OF_TIME = "out_of_time"
    OUT_OF_CPU = "out_of_cpu"
    FORBIDDEN_CALL = "forbidden_call"
    TOO_MUCH_OUTPUT = "too_much_output"
    FOLDER_FULL = "folder_full"
    CRASHED = "crashed"
    UNAVAILABLE = "unavailable"


# The layers without which nothing is run.
REQUIRED = ("limits", "no_new_privileges", "system_calls", "files")
LAYERS = (*REQUIRED, "network", "users", "mounts", "interprocess")


@dataclass(frozen=True)
class Limits:
    """What an errand may use; sizes in bytes, times in seconds."""

    address_space: int = 2 * GIB
    cpu_seconds: int = 60
    wall_seconds: float = 120.0
    file_bytes: int = 256 * MB
    folder_bytes: int = 512 * MB
    folder_entries: int = 4096
    processes: int = 64
    answer_bytes: int = 4 * MB
    log_bytes: int = 8 * MB


@dataclass(frozen=True)
class Errand:
    """One task, its inputs as JSON, and the only paths that it may read or write.

    `packages` is a folder of packages to import from instead of Ombud's own, by the same Python.
    `python` is the interpreter of another environment, made by who operates this machine.
    """

    task: str
    inputs: Mapping[str, Any] = field(default_factory=dict)
    readable: tuple[Path, ...] = ()
    writable: Path | None = None
    python: Path | None = None
    limits: Limits = field(default_factory=Limits)
    packages: Path | None = None

    def __post_init__(self) -> None:
        if self.task not in TASKS:
            raise ValueError(
                f"There is no task {self.task!r}; there are {', '.join(sorted(TASKS))}."
            )


@dataclass(frozen=True)
class Outcome:
    """How it ended, in one word and one sentence; the answer if it is done."""

    ending: Ending
    answer: dict[str, Any] | None
    detail: str
    layers: Mapping[str, bool]
    seconds: float
    log: str

    @property
    def done(self) -> bool:
        return self.ending is Ending.DONE

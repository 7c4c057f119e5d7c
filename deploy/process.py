"""What the supervisor runs: servers that stay, and tasks that end."""

import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


def nothing() -> None:
    """For processes that need no preparation."""


def at_once() -> bool:
    """For processes that are ready as soon as they run."""
    return True


@dataclass(frozen=True)
class Account:
    """The operating-system account that a process runs as."""

    name: str
    user: int
    group: int


@dataclass(frozen=True)
class Process:
    """A server that stays until it is stopped."""

    name: str
    title: str
    command: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    prepare: Callable[[], None] = nothing
    ready: Callable[[], bool] = at_once
    settle: Callable[[], None] = nothing
    """Called once after the first `ready`."""
    wait: bool = True
    """False: the next step starts at once; `Supervisor.wait_for` waits when somebody needs it."""
    ready_within: float = 60
    restart: bool = False
    stop_signal: signal.Signals = signal.SIGTERM
    stop_group: bool = False
    """True for servers whose main process does not pass the signal on to its children."""
    stop_within: float = 10
    port: tuple[str, int] | None = None
    port_variable: str = ""
    account: Account | None = None


@dataclass(frozen=True)
class Task:
    """A command that ends, such as a migration; `shown` tasks talk to the terminal themselves."""

    name: str
    title: str
    command: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    shown: bool = False
    interactive: bool = False
    """True: stays in the foreground, so that it may ask for a password."""


@dataclass(frozen=True)
class Call:
    """A step that is a plain function."""

    name: str
    title: str
    function: Callable[[], str | None]


Step = Process | Task | Call


@dataclass
class Plan:
    """The steps of one start, in order."""

    steps: list[Step] = field(default_factory=list)

    @property
    def processes(self) -> list[Process]:
        return [step for step in self.steps if isinstance(step, Process)]

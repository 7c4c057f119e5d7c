"""What the sandbox can take away on each machine, and what to do where a layer is missing."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from registry.models import SandboxHost
from sandbox.errand import LAYERS, REQUIRED
from sandbox.run import MEND

# Every worker looks every five minutes.
SILENT_AFTER = timedelta(minutes=20)
TAKES_AWAY = {
    "limits": "Memory, processor time, size of files, processes and core dumps beyond a limit",
    "no_new_privileges": "More rights by starting another program",
    "system_calls": "Sockets, new processes and programs, looks at other processes, mounts, keys",
    "files": "Every file but its interpreter, the system's libraries and what the errand names",
    "network": "Every network address",
    "users": "The powers of root",
    "mounts": "Changes of what is mounted",
    "interprocess": "Memory that processes share",
}
NAMES = {
    "limits": "Resource limits",
    "no_new_privileges": "No new privileges",
    "system_calls": "Filter of system calls",
    "files": "File view (Landlock)",
    "network": "Network namespace",
    "users": "User namespace",
    "mounts": "Mount namespace",
    "interprocess": "IPC namespace",
}


@dataclass(frozen=True)
class Layer:
    """One layer on one machine."""

    key: str
    name: str
    takes_away: str
    required: bool
    holds: bool
    mend: str

    @property
    def state(self) -> str:
        return "ok" if self.holds else "breach" if self.required else "warning"


@dataclass(frozen=True)
class Host:
    """One machine with a worker, as its latest probe found it."""

    name: str
    kernel: str
    looked_at: datetime
    silent: bool
    opens_models: bool
    detail: str
    seconds: float
    layers: tuple[Layer, ...]
    in_use: int
    swept: int
    swept_at: datetime | None

    @property
    def missing(self) -> int:
        return sum(not layer.holds for layer in self.layers)


def hosts_for(user: Any) -> tuple[Host, ...]:
    """Every machine that a worker has looked at, by name. One query."""
    now = timezone.now()
    return tuple(_host(row, now) for row in SandboxHost.objects.visible_to(user))


def _host(row: SandboxHost, now: datetime) -> Host:
    return Host(
        name=row.name,
        kernel=row.kernel,
        looked_at=row.looked_at,
        silent=now - row.looked_at > SILENT_AFTER,
        opens_models=row.ending == "done",
        detail=row.detail,
        seconds=row.seconds,
        layers=tuple(_layer(key, holds=row.layers.get(key) is True) for key in LAYERS),
        in_use=row.in_use,
        swept=row.swept,
        swept_at=row.swept_at,
    )


def _layer(key: str, *, holds: bool) -> Layer:
    return Layer(
        key=key,
        name=NAMES[key],
        takes_away=TAKES_AWAY[key],
        required=key in REQUIRED,
        holds=holds,
        mend="" if holds else f"{MEND[key][0].upper()}{MEND[key][1:]}.",
    )

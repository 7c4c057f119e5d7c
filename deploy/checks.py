"""What is looked at before anything is started; each finding is one clear sentence."""

import socket
import sys
from collections.abc import Iterable

import psutil

from deploy.process import Process
from deploy.refusal import Refusal


def require_python() -> None:
    if sys.version_info[:2] != (3, 11):
        raise Refusal(
            f"Ombud runs on Python 3.11, not on {sys.version.split()[0]}. "
            "Install python3.11 and remove the folder .venv."
        )


def require_free_ports(processes: Iterable[Process]) -> None:
    taken = [process for process in processes if process.port and not is_free(*process.port)]
    if taken:
        raise Refusal("\n".join(port_sentence(process) for process in taken))


def is_free(host: str, port: int) -> bool:
    """Whether a server could listen there now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def port_sentence(process: Process) -> str:
    host, port = process.port or ("", 0)
    return (
        f"{process.title} cannot start: port {port} on {host} is in use by {holder(port)}. "
        f"Stop that, or choose another port, for example {process.port_variable}={port + 1}."
    )


def holder(port: int) -> str:
    """Who listens on the port, as far as this account may know."""
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.AccessDenied:
        return "another program"
    for connection in connections:
        listening = connection.status == psutil.CONN_LISTEN
        where = getattr(connection.laddr, "port", None)  # an empty tuple when unknown
        if listening and where == port and connection.pid:
            return name_of(connection.pid)
    return "a program of another account"


def name_of(pid: int) -> str:
    try:
        return f"{psutil.Process(pid).name()} (process {pid})"
    except psutil.Error:
        return f"process {pid}"


def free_ports(count: int) -> list[int]:
    """Ports that are free now, for servers of a test run."""
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    found = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return found

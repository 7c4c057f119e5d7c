"""Addresses and folders of one running Ombud, from the environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.places import PROJECT, Places
from deploy.refusal import Refusal

PORTS = {
    "OMBUD_PORT": 8000,
    "OMBUD_POSTGRESQL_PORT": 54329,
    "OMBUD_VALKEY_PORT": 63799,
    "OMBUD_MLFLOW_PORT": 5099,
}


@dataclass(frozen=True)
class Options:
    """Everything listens on `host`, the loopback address unless OMBUD_HOST says otherwise."""

    places: Places
    host: str
    web_port: int
    postgresql_port: int
    valkey_port: int
    mlflow_port: int
    web_workers: int
    worker_concurrency: int

    @property
    def address(self) -> str:
        return f"http://{self.host}:{self.web_port}"


def options_from(environ: Mapping[str, str]) -> Options:
    folder = Path(environ.get("OMBUD_VAR") or PROJECT / "var").expanduser()
    web, postgresql, valkey, mlflow = (port(environ, name) for name in PORTS)
    return Options(
        places=Places(folder.absolute()),
        host=environ.get("OMBUD_HOST") or "127.0.0.1",
        web_port=web,
        postgresql_port=postgresql,
        valkey_port=valkey,
        mlflow_port=mlflow,
        web_workers=number(environ, "OMBUD_WEB_WORKERS", default=2, highest=64),
        worker_concurrency=number(environ, "OMBUD_WORKER_CONCURRENCY", default=2, highest=64),
    )


def port(environ: Mapping[str, str], name: str) -> int:
    return number(environ, name, default=PORTS[name], highest=65535)


def number(environ: Mapping[str, str], name: str, *, default: int, highest: int) -> int:
    text = environ.get(name) or str(default)
    if not text.isdecimal() or not 1 <= int(text) <= highest:
        raise Refusal(f"{name} must be a whole number from 1 to {highest}, not {text!r}.")
    return int(text)

"""One real MLflow server for a whole test process, or the one that MLFLOW_TRACKING_URI names."""

import atexit
import functools
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import requests
from cryptography.fernet import Fernet

START_SECONDS = 120


@functools.cache
def address() -> str:
    """The address of a running server; started on first use, stopped when the tests end."""
    given = os.environ.get("MLFLOW_TRACKING_URI")
    if given:
        return given.rstrip("/")
    folder = Path(tempfile.mkdtemp(prefix="ombud-mlflow-"))
    port = free_port()
    process = _start(folder, port)
    atexit.register(_stop, process, folder)
    url = f"http://127.0.0.1:{port}"
    _wait(url, process, folder)
    return url


def webhook_cache_seconds() -> float:
    """How long the server may not notice a new webhook: ours a second, others a minute."""
    return 61 if os.environ.get("MLFLOW_TRACKING_URI") else 1.1


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _start(folder: Path, port: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1"]
    command += ["--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db"]
    command += ["--artifacts-destination", str(folder / "artifacts")]
    lean = {
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_WEBHOOK_ALLOWED_SCHEMES": "http,https",
        "MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS": "true",
        "MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY": Fernet.generate_key().decode(),
        "MLFLOW_WEBHOOK_CACHE_TTL": "1",
        "MLFLOW_WEBHOOK_REQUEST_MAX_RETRIES": "0",
    }
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            command,
            env=os.environ | lean,
            stdout=log,
            stderr=log,
            cwd=folder,
            start_new_session=True,
        )


def _wait(url: str, process: subprocess.Popen[bytes], folder: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            if requests.get(f"{url}/health", timeout=2).ok:
                return
        except requests.RequestException:
            time.sleep(0.3)
    raise RuntimeError(f"MLflow did not start:\n{(folder / 'log').read_text()[-3000:]}")


def _stop(process: subprocess.Popen[bytes], folder: Path) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
    shutil.rmtree(folder, ignore_errors=True)

"""A real Apache Airflow on loopback, in an environment of its own, for as long as a test needs it.

`make airflow` asks for it: the environment is made once under `var/peers/airflow` from the pinned
list in `benchmarks/peers/airflow.txt`. Nothing of it is imported here; Ombud speaks REST to it.
"""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.environments import python_of
from tests.mlflow_server import free_port

ACCOUNT = {"username": "ombud", "password": "only-for-a-test-on-loopback"}
DAG_ID = "retrain"
START_SECONDS = 180
# One task: the script trains as any DAG of a team would, in an environment that has its packages.
DAG = """
import json
import subprocess

from airflow.sdk import dag, get_current_context, task


@dag(dag_id="{dag}", schedule=None)
def retrain():
    @task
    def publish():
        order = get_current_context()["dag_run"].conf
        done = subprocess.run(
            ["{python}", "{script}", json.dumps(order)], capture_output=True, text=True
        )
        if done.returncode:
            raise RuntimeError(done.stderr[-2000:])
        return json.loads(done.stdout.splitlines()[-1])

    publish()


retrain()
"""


@dataclass(frozen=True)
class Airflow:
    """One that answers, how long that took, and how Ombud is told of it."""

    url: str
    version: str
    seconds: float

    @property
    def settings(self) -> dict[str, Any]:
        return {
            "kind": "airflow",
            "url": self.url,
            "dag": DAG_ID,
            **ACCOUNT,
            "result_task": "publish",
            "inside": True,
        }


def asked() -> bool:
    return bool(os.environ.get("OMBUD_TEST_AIRFLOW"))


@contextmanager
def running(folder: Path, script: Path, surroundings: Mapping[str, str]) -> Iterator[Airflow]:
    """Start one whose only DAG runs the script; every process of it is gone afterwards."""
    home, port = folder / "airflow", free_port()
    _prepare(home, script)
    command = [str(Path(python_of("airflow")).with_name("airflow")), "standalone"]
    log = (home / "log.txt").open("wb")
    began = time.monotonic()
    process = subprocess.Popen(
        command,
        cwd=home,
        env={**surroundings, **_settings(home, port, Path(command[0]).parent)},
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        url = f"http://127.0.0.1:{port}"
        token = _wait(url, process, home / "log.txt")
        yield Airflow(url, _version(url, token), time.monotonic() - began)
    finally:
        _stop(process, home)
        log.close()


def _prepare(home: Path, script: Path) -> None:
    (home / "dags").mkdir(parents=True)
    dag = DAG.format(dag=DAG_ID, python=sys.executable, script=script)
    (home / "dags" / "retrain.py").write_text(dag)
    passwords = {ACCOUNT["username"]: ACCOUNT["password"]}
    (home / "passwords.json").write_text(json.dumps(passwords))


def _settings(home: Path, port: int, programs: Path) -> dict[str, str]:
    return {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__CORE__PARALLELISM": "2",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "false",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{ACCOUNT['username']}:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home / "passwords.json"),
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "5",
    }


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> str:
    """A token, once it answers and has read its DAG."""
    began = time.monotonic()
    while time.monotonic() - began < START_SECONDS:
        assert process.poll() is None, log.read_text()[-3000:]
        try:
            token = str(_ask(f"{url}/auth/token", ACCOUNT)["access_token"])
            _ask(f"{url}/api/v2/dags/{DAG_ID}", token=token)
        except OSError:
            time.sleep(1)
        else:
            return token
    raise TimeoutError(log.read_text()[-3000:])


def _version(url: str, token: str) -> str:
    return str(_ask(f"{url}/api/v2/version", token=token)["version"])


def _ask(url: str, body: Mapping[str, str] | None = None, *, token: str = "") -> dict[str, Any]:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    content = json.dumps(body).encode() if body else None
    asked = urllib.request.Request(url, data=content, headers=headers)
    with urllib.request.urlopen(asked, timeout=20) as answer:
        return dict(json.loads(answer.read()))


def _stop(process: subprocess.Popen[bytes], home: Path) -> None:
    """The starter and the parts that it put into sessions of their own."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()
    for pid in _ours(home):
        os.kill(pid, signal.SIGKILL)


def _ours(home: Path) -> list[int]:
    """Processes whose AIRFLOW_HOME is this one: only those were started here."""
    wanted = f"AIRFLOW_HOME={home}".encode()
    found = []
    for folder in Path("/proc").iterdir():
        try:
            told = (folder / "environ").read_bytes().split(b"\0") if folder.name.isdigit() else []
        except OSError:
            continue
        if wanted in told:
            found.append(int(folder.name))
    return found

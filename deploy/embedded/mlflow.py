"""An MLflow server on the loopback address: SQLite, one worker, nothing sent home.

Its webhooks go to our own web server, which is http on a private address here; in production MLflow
is the users' own server and none of this applies.
"""

import sys
from collections.abc import Mapping

from deploy.answers import answers
from deploy.options import Options
from deploy.places import PROJECT
from deploy.process import Process


def process(options: Options, secrets: Mapping[str, str], base: Mapping[str, str]) -> Process:
    data = options.places.data("mlflow")
    port = options.mlflow_port
    return Process(
        name="mlflow",
        title="MLflow",
        command=[
            *(sys.executable, "-m", "mlflow", "server"),
            *("--backend-store-uri", f"sqlite:///{data / 'mlflow.db'}"),
            *("--artifacts-destination", str(data / "artifacts")),
            *("--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
        ],
        environment=environment(secrets, base),
        folder=PROJECT,
        prepare=lambda: data.mkdir(mode=0o700, parents=True, exist_ok=True),
        ready=lambda: answers(f"http://127.0.0.1:{port}/health"),
        wait=False,
        ready_within=120,
        restart=True,
        stop_group=True,
        stop_within=5,
        port=("127.0.0.1", port),
        port_variable="OMBUD_MLFLOW_PORT",
    )


def environment(secrets: Mapping[str, str], base: Mapping[str, str]) -> dict[str, str]:
    """MLflow does not see the keys of Ombud, only its own."""
    theirs = {
        name: value
        for name, value in base.items()
        if not name.startswith(("OMBUD_", "DATABASE_URL", "REDIS_URL", "MLFLOW_TRACKING_URI"))
    }
    return theirs | {
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_WEBHOOK_ALLOWED_SCHEMES": "http,https",
        "MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS": "true",
        # Kept for a minute by default: the first events after registering would be lost.
        "MLFLOW_WEBHOOK_CACHE_TTL": "5",
        "MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY": secrets["mlflow_encryption_key"],
    }

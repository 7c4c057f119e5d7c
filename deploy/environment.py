"""The environment of everything that is started: what is given stays, the rest is ours."""

import os
from collections.abc import Mapping
from urllib.parse import quote

from deploy.options import Options

DATABASE = "ombud"
QUIET = {
    "PYTHONUNBUFFERED": "1",
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "GIT_PYTHON_REFRESH": "quiet",
    # Workers are processes: threads of the linear algebra beneath them only get in their way.
    "OPENBLAS_NUM_THREADS": "1",
}


def environment(
    options: Options, secrets: Mapping[str, str], given: Mapping[str, str]
) -> dict[str, str]:
    """Settings for web, worker, beat and management commands; a given variable wins."""
    ours = addresses(options, secrets) | {
        "OMBUD_SECRET_KEY": secrets["secret_key"],
        "OMBUD_MLFLOW_WEBHOOK_SECRET": secrets["mlflow_webhook_secret"],
        "OMBUD_ALLOWED_HOSTS": f"{options.host},127.0.0.1,localhost",
        "OMBUD_PUBLIC_URL": options.address,
        "OMBUD_VAR": str(options.places.root),
        "OMBUD_STATIC_ROOT": str(options.places.static),
    }
    return QUIET | ours | {name: value for name, value in given.items() if value}


def addresses(options: Options, secrets: Mapping[str, str]) -> dict[str, str]:
    """Where the embedded servers answer."""
    database_password = quote(secrets["postgresql_password"], safe="")
    return {
        "DATABASE_URL": (
            f"postgresql://{DATABASE}:{database_password}"
            f"@127.0.0.1:{options.postgresql_port}/{DATABASE}"
        ),
        "REDIS_URL": (
            f"redis://:{quote(secrets['valkey_password'], safe='')}"
            f"@127.0.0.1:{options.valkey_port}/0"
        ),
        "MLFLOW_TRACKING_URI": f"http://127.0.0.1:{options.mlflow_port}",
        "OMBUD_STORE": options.places.store.as_uri(),
    }


def for_servers() -> dict[str, str]:
    """What a database server needs of our environment: nothing but the search path."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "TZ": "UTC"}

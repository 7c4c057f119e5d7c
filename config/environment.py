"""The environment variables that Ombud reads: one place, read once, refused early.

Every variable is declared in `VARIABLES`; reading an undeclared one is a programming error, so the
list can be trusted by the compose file, the docs and their tests.
"""

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from accounts.groups import GroupRole, parse

VARIABLES: dict[str, str] = {
    "OMBUD_SECRET_KEY": "Key that signs sessions: 50 or more random characters",
    "OMBUD_OLD_SECRET_KEYS": "Earlier secret keys, by commas: what they wrote is still read",
    "OMBUD_DEBUG": "1 shows tracebacks in the browser; never in production",
    "OMBUD_ALLOWED_HOSTS": "Host names that this installation answers to, separated by commas",
    "OMBUD_PUBLIC_URL": "Address people and MLflow's webhooks reach this installation at",
    "OMBUD_VAR": "Folder of embedded servers' data, logs and the local object store",
    "OMBUD_STORE": "fsspec URL of the object store for prediction logs and archives",
    "OMBUD_CLEARANCE_KEYS": "Folder of the keys that sign clearances (PEM); the newest one signs",
    "OMBUD_AUDIT_KEY": "File of the Ed25519 key (PEM, mode 600) that signs the audit checkpoints",
    "OMBUD_CHECKPOINTS": "Folder or fsspec URL, outside the database, that checkpoints go to",
    "OMBUD_AUDIT_ORIGIN": "Name of this installation's audit log in its checkpoints",
    "OMBUD_STATIC_ROOT": "Folder that collectstatic fills",
    "OMBUD_MLFLOW_WEBHOOK_SECRET": "Secret shared with MLflow that signs its webhooks",
    "OMBUD_STORE_LOCK": "Object lock of sealed archives in S3: governance or compliance; none",
    "OMBUD_STORE_PRICE": "What a gigabyte costs a month in the object store; 0.023",
    "OMBUD_STORE_CURRENCY": "Currency of that price; USD",
    "OMBUD_DRILL_EVERY_DAYS": "How often every archive is brought back on trial; 90",
    "OMBUD_WHEELS": "Folder of wheels that environments of archived versions are built from",
    "OMBUD_BYTES_EVERY_MINUTES": "How often files of large serving versions are hashed again; 15",
    "OMBUD_PUT_BACK": "auto: what was moved in MLflow is put right at once; ask: by a person",
    "OMBUD_SECURE": "1 when people reach this installation by https: secure cookies, HSTS",
    "OMBUD_TRUSTED_PROXIES": "Number of reverse proxies in front that set X-Forwarded-For",
    "OMBUD_SIGN_SECOND_FACTOR": "Who signs gives a second factor: if_set (who has one) or required",
    "OMBUD_OIDC_ISSUER": "Address of the organisation's OpenID Connect provider; empty: none",
    "OMBUD_OIDC_CLIENT_ID": "Client id that the provider gave to this installation",
    "OMBUD_OIDC_CLIENT_SECRET": "Client secret that the provider gave to this installation",
    "OMBUD_OIDC_NAME": "What people call the provider, on the button of the sign-in page",
    "OMBUD_OIDC_TEAMS": "Roles by group: group=team:role, by commas; empty: no self sign-up",
    "OMBUD_OIDC_GROUPS_CLAIM": "Claim of the id token that lists the groups",
    "OMBUD_RUNNERS": "JSON file of the runners of retrainings (docs/lifecycle/retraining.md)",
    "OMBUD_MAIL": "smtp[s]://user:password@host:port?from=address; empty: no mail is sent",
    "DATABASE_URL": "postgresql://user:password@host:port/name[?host=/socket/folder]",
    "REDIS_URL": "redis://[:password@]host:port/number of the broker and the cache",
    "MLFLOW_TRACKING_URI": "Address of the MLflow server; empty: models are registered without it",
    "AWS_ENDPOINT_URL": "Address of the S3-compatible store, when OMBUD_STORE is an s3:// URL",
    "AWS_ACCESS_KEY_ID": "Key of the S3-compatible store",
    "AWS_SECRET_ACCESS_KEY": "Secret of the S3-compatible store",
}


def text(name: str, default: str | None = None) -> str:
    """The value of a declared variable, or `default`; without a default it must be set."""
    if name not in VARIABLES:
        raise LookupError(f"{name} is not declared in config/environment.py")
    value = os.environ.get(name) or default
    if value is None:
        raise ImproperlyConfigured(f"Set {name}: {VARIABLES[name]}.")
    return value


def flag(name: str) -> bool:
    return text(name, "0").lower() in {"1", "true", "yes", "on"}


def number(name: str, default: int) -> int:
    value = text(name, str(default))
    if not value.isdigit():
        raise ImproperlyConfigured(f"{name} must be a whole number, not {value!r}.")
    return int(value)


def words(name: str, default: str = "") -> list[str]:
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def choice(name: str, allowed: list[str]) -> str:
    """One of `allowed`; the first when nothing is set."""
    value = text(name, allowed[0])
    if value not in allowed:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(allowed)}, not {value!r}.")
    return value


def groups(name: str) -> tuple[GroupRole, ...]:
    try:
        return parse(text(name, ""))
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}: {error}.") from error


def database(url: str) -> dict[str, Any]:
    """Django's settings for one PostgreSQL URL; a `host` query argument names a socket folder."""
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"}:
        raise ImproperlyConfigured(
            f"DATABASE_URL must start with postgresql://, not {parts.scheme!r}: "
            "Ombud runs on PostgreSQL only."
        )
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")) or "ombud",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": query.pop("host", "") or (parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": query,
    }


def mail(address: str) -> dict[str, Any]:
    """Django's settings of the mail server at `smtp://` (STARTTLS with a user) or `smtps://`."""
    if not address:
        return {}
    parts = urlsplit(address)
    sender = parse_qs(parts.query).get("from", [""])[0]
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname or not sender:
        raise ImproperlyConfigured("OMBUD_MAIL is smtp://user:password@host:port?from=address.")
    user = unquote(parts.username or "")
    return {
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or (465 if parts.scheme == "smtps" else 587 if user else 25),
        "EMAIL_HOST_USER": user,
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        "EMAIL_USE_TLS": parts.scheme == "smtp" and bool(user),
        "EMAIL_TIMEOUT": 5,
        "DEFAULT_FROM_EMAIL": sender,
    }


def runners(path: str) -> dict[str, dict[str, Any]]:
    """The runners of retrainings by name, out of an operator's file; none without one."""
    if not path:
        return {}
    try:
        found = json.loads(Path(path).read_text())
    except (OSError, ValueError) as error:
        raise ImproperlyConfigured(f"OMBUD_RUNNERS: {path} is no readable JSON file.") from error
    if not isinstance(found, dict) or not all(isinstance(one, dict) for one in found.values()):
        raise ImproperlyConfigured("OMBUD_RUNNERS: an object of objects, by the runner's name.")
    return found

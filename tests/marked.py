"""Every name of a filled installation made recognisable, for tests that look for it in answers."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.apps import apps
from django.db import DatabaseError, connection, models, transaction
from django.test import Client
from django.urls import URLPattern

from accounts.models import User
from tests.test_routes import routes
from tests.world import World

APPS = ("registry", "monitoring", "governance")
# What belongs to no team is everybody's to read.
SHARED = {
    "framework",
    "edition",
    "control",
    "rulechange",
    "approvalpolicy",
    "policychange",
    "policysignature",
    "ruletable",
    "ruletablechange",
    "ruletablesignature",
    "ruletabletrial",
    "retentiontable",
}
# Names that addresses, digests and other tables are made of.
KEPT = re.compile(r"slug|digest|hash|_key|^key$|path|sha|stage|state|kind|metric|version|token")
LONG_ENOUGH = 60


def mark(text: str, *, shared: bool = False) -> list[str]:
    """Write `text` over every free text of the three apps; returns the columns that took it."""
    done: list[str] = []
    with unguarded():
        for model in _models(shared=shared):
            label = model._meta.label_lower
            taken = [one.name for one in _texts(model) if _written(model, one.name, text)]
            done += [f"{label}.{name}" for name in taken]
    return done


@contextmanager
def unguarded() -> Iterator[None]:
    """Without the triggers that keep what was signed as it is."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        yield
        cursor.execute("SET session_replication_role = DEFAULT")


def _models(*, shared: bool) -> Iterator[type[models.Model]]:
    for app in APPS:
        for model in apps.get_app_config(app).get_models():
            if shared or model._meta.model_name not in SHARED:
                yield model


def _texts(model: type[models.Model]) -> Iterator["models.Field[Any, Any]"]:
    for field in model._meta.concrete_fields:
        if not isinstance(field, models.CharField | models.TextField) or field.choices:
            continue
        if (field.max_length or LONG_ENOUGH) >= LONG_ENOUGH and not KEPT.search(field.name):
            yield field


def _written(model: type[models.Model], name: str, text: str) -> bool:
    try:
        with transaction.atomic():
            return bool(model._default_manager.update(**{name: text}))
    except DatabaseError:
        return False  # a constraint wants it otherwise


def person_client(person: User) -> Client:
    client = Client()
    client.force_login(person, "allauth.account.auth_backends.AuthenticationBackend")
    return client


def readable(world: World) -> list[str]:
    """Every address that is read by GET, of every object that the world has."""
    return sorted({one for path, entry in routes().items() for one in _filled(path, entry, world)})


def _filled(path: str, entry: URLPattern, world: World) -> Iterator[str]:
    view = getattr(entry.callback, "cls", None)
    if view is not None and not hasattr(view, "get"):
        return
    known = {**world.__dict__, "token": 1}
    yield "/" + re.sub(r"\{(\w+)\}", lambda match: str(known[match[1]]), path)

"""Every worker's look at its own machine: which layers hold there, and what killed ones left."""

import logging
import platform
import socket
import threading

from django.db import connection, transaction
from django.db.models import Case, F, When
from django.db.models.functions import Now

from audit.record import SYSTEM, record
from registry.events import RegistryEvent
from registry.models import SandboxHost
from sandbox.errand import Errand, Outcome
from sandbox.folders import Swept, sweep
from sandbox.run import run

log = logging.getLogger(__name__)

# A worker that starts takes up its work first.
FIRST_AFTER_SECONDS = 15.0
EVERY_SECONDS = 300.0
# The longest step that works in such a folder is cut off after fifteen minutes.
NOBODYS_AFTER_SECONDS = 3600


def keep_looking(stop: threading.Event | None = None) -> None:
    """Look at this machine for as long as the worker lives; what fails is tried the next time."""
    ended = stop or threading.Event()
    wait = FIRST_AFTER_SECONDS
    while not ended.wait(wait):
        try:
            look_at_host()
        except Exception:
            log.warning("this machine was not looked at", exc_info=True)
        finally:
            connection.close()
        wait = EVERY_SECONDS


def look_at_host() -> SandboxHost:
    """Probe the layers, sweep the folders, and keep what was found; any number may look at once."""
    outcome = run(Errand("probe"))
    return _keep(outcome, sweep(older_than=NOBODYS_AFTER_SECONDS))


@transaction.atomic
def _keep(outcome: Outcome, swept: Swept) -> SandboxHost:
    found = {
        "kernel": f"{platform.system()} {platform.release()}"[:255],
        "layers": dict(outcome.layers),
        "ending": str(outcome.ending),
        "detail": outcome.detail[:500],
        "seconds": round(outcome.seconds, 3),
        "in_use": swept.kept,
    }
    name = socket.gethostname()[:255]
    host, new = SandboxHost.objects.select_for_update(no_key=True).get_or_create(
        name=name, defaults=found
    )
    changed = new or host.layers != found["layers"]
    removed = swept.removed
    SandboxHost.objects.filter(pk=host.pk).update(
        **found,
        looked_at=Now(),
        swept=F("swept") + removed,
        swept_at=Case(When(pk=host.pk if removed else 0, then=Now()), default=F("swept_at")),
    )
    if changed:
        missing = sorted(layer for layer, held in outcome.layers.items() if not held)
        told = {"host": name, "ending": str(outcome.ending), "missing": missing}
        record(SYSTEM, RegistryEvent.SANDBOX_CHANGED, host, **told)
    host.refresh_from_db()
    return host

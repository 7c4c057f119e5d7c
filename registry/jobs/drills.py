"""Drills: can an archive be brought back? Fetched, verified, its environment rebuilt, opened in the
sandbox, its golden inputs answered again and compared; each step timed and told.

Asked for by a person, by the sealing of an archive, and for every archive in turn. A drill that was
killed begins anew: it leaves nothing but a folder, which no later one uses and a sweep takes away.
"""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, Max
from django.db.models.functions import Now

from audit.record import SYSTEM, record
from ledger import claims
from registry.events import RegistryEvent
from registry.gateways import environments, folders
from registry.gateways.environments import CannotRebuild
from registry.jobs.golden import INPUTS, NONE, OUTPUTS, compared, may_unpickle
from registry.jobs.verification import ArchiveBroken, checked, sealed_files
from registry.models import Archive, DrillState, RestoreDrill
from registry.states import ArchiveState
from sandbox.errand import Errand
from sandbox.folders import DRILL, own
from sandbox.run import run

KIND = "registry.drill"
STEPS = ("fetch", "verify", "environment", "open", "replay")


class DrillFailed(Exception):
    """The archive cannot be brought back; the message names the step's reason."""


@dataclass
class Step:
    """One step: passed, failed, or nothing to do; how many things it looked at."""

    name: str
    state: str
    said: str
    looked_at: int
    seconds: float


@dataclass
class _Drill:
    """What one attempt has on its table."""

    drill: RestoreDrill
    archive: Archive
    folder: Path
    files: list[dict[str, Any]] = field(default_factory=list)
    packages: Path | None = None
    steps: list[Step] = field(default_factory=list)
    answer: dict[str, Any] = field(default_factory=dict)

    def has(self, path: str) -> bool:
        return any(file["path"] == path for file in self.files)

    def text(self, path: str) -> str:
        return (self.folder / path).read_text() if self.has(path) else ""


def ask_for_drill(*, archive_id: int, asked_by_id: int | None) -> RestoreDrill | None:
    """Have a sealed archive brought back on trial; None if that waits already.

    The caller holds the archive's lock, so that it is asked for once.
    """
    running = RestoreDrill.objects.filter(archive_id=archive_id, state=DrillState.RUNNING)
    if running.exists():
        return None
    drill = RestoreDrill.objects.create(
        archive_id=archive_id, asked_by_id=asked_by_id, tolerance=settings.DRILL_TOLERANCE
    )
    claims.enqueue(kind=KIND, key=str(drill.pk), subject_id=drill.pk)
    return drill


@transaction.atomic
def drill_oldest() -> bool:
    """The archive whose last drill is longest ago, if it is due; any number of beats may ask."""
    due = Now() - timedelta(days=settings.DRILL_EVERY_DAYS)
    lately = RestoreDrill.objects.filter(asked_at__gt=due).values("archive_id")
    sealed = Archive.objects.filter(state=ArchiveState.SEALED).exclude(pk__in=lately)
    last = sealed.annotate(last=Max("drills__asked_at"))
    oldest = last.order_by(F("last").asc(nulls_first=True), "pk").values_list("pk", flat=True)
    for archive_id in oldest[:1]:
        held = Archive.objects.select_for_update(no_key=True, skip_locked=True)
        if held.filter(pk=archive_id).exists():
            return ask_for_drill(archive_id=archive_id, asked_by_id=None) is not None
    return False


def perform_drill(claim: claims.Claim) -> None:
    """Go through the steps; the first that fails ends the drill and is told."""
    drill = RestoreDrill.objects.select_related("archive__version__model").get(pk=claim.subject_id)
    if drill.state != DrillState.RUNNING:
        with transaction.atomic():
            claims.finish(claim=claim)
        return
    began = time.monotonic()
    with own(DRILL) as folder:
        trial = _Drill(drill, drill.archive, folder)
        error = _go_through(trial)
    _keep(claim, trial, error, time.monotonic() - began)


def _go_through(trial: _Drill) -> str:
    for name, step in DOES.items():
        began = time.monotonic()
        try:
            said, looked_at = step(trial)
        except (DrillFailed, ArchiveBroken, CannotRebuild) as error:
            taken = time.monotonic() - began
            trial.steps.append(Step(name, "failed", str(error)[:500], 0, taken))
            return f"{name}: {error}"
        state = "passed" if looked_at else "nothing_to_do"
        trial.steps.append(Step(name, state, said, looked_at, time.monotonic() - began))
    return ""


def _fetch(trial: _Drill) -> tuple[str, int]:
    """Every byte out of the store, compared with its hash while it is read."""
    trial.files = sealed_files(trial.archive)
    for file in trial.files:
        folders.write(trial.folder / file["path"], checked(trial.archive.path, file))
    size = sum(file["size"] for file in trial.files)
    return f"{len(trial.files)} files, {size:,} bytes", len(trial.files)


def _verify(trial: _Drill) -> tuple[str, int]:
    """The manifest that is sealed names them all, and the bytes are those once registered."""
    registered = {
        file.path: file.sha256 for file in trial.archive.version.files.only("path", "sha256")
    }
    archived = {
        file["path"].removeprefix("artifacts/"): file["sha256"]
        for file in trial.files
        if file["path"].startswith("artifacts/")
    }
    if archived != registered:
        raise DrillFailed("The files are not those that were registered.")
    if not archived:
        raise DrillFailed("The archive holds no file of the version: nothing was compared.")
    return f"{len(archived)} files are those that were registered", len(archived)


def _environment(trial: _Drill) -> tuple[str, int]:
    """Ours where it is the same, else one that is built from the lock."""
    lock = environments.lock_of(
        trial.text("artifacts/requirements.txt"), trial.text("artifacts/python_env.yaml")
    )
    if not lock.packages and not lock.loose:
        return "The archive names no packages; it is opened with Ombud's own.", 0
    different = lock.differences()
    if not different and not lock.loose:
        return f"Ombud's own has the same {len(lock.packages)} packages.", len(lock.packages)
    place = trial.folder / "environment-of-the-drill"
    trial.packages = environments.rebuild(lock, place, settings.WHEELS)
    return f"Built anew with {len(lock.packages)} packages from the lock.", len(lock.packages)


def _open(trial: _Drill) -> tuple[str, int]:
    """The model answers its golden inputs in the sandbox; it never sees what is expected."""
    model = trial.folder / "artifacts"
    if not trial.has(INPUTS) or not trial.has(OUTPUTS):
        reason = json.loads(trial.text(NONE) or "{}").get("reason", "none were archived")
        return f"It is not opened, because there are no golden inputs: {reason}", 0
    rows = trial.folder / INPUTS
    told = {
        "model": str(model),
        "rows": str(rows),
        "allow_pickle": may_unpickle(trial.archive.version),
    }
    outcome = run(Errand("replay", told, readable=(model, rows), packages=trial.packages))
    if not outcome.done or outcome.answer is None:
        raise DrillFailed(f"In the sandbox: {outcome.detail}")
    trial.answer = outcome.answer
    return f"{outcome.answer['flavour']}, in the sandbox", int(outcome.answer["rows"])


def _replay(trial: _Drill) -> tuple[str, int]:
    """What it answers today is what it answered when it was archived."""
    if not trial.answer:
        raise DrillFailed("Nothing was compared: there are no golden inputs in the archive.")
    kept = json.loads(trial.text(OUTPUTS))
    found = compared(trial.answer["outputs"], kept, trial.drill.tolerance)
    if found.different or not found.rows:
        where = "" if found.first is None else f", the first in row {found.first}"
        raise DrillFailed(f"{found.different} of {found.rows} answers differ{where}.")
    exactly = f"within {trial.drill.tolerance:g}" if found.largest else "exactly"
    return f"{found.rows} answers are the same, {exactly}", found.rows


DOES: dict[str, Callable[[_Drill], tuple[str, int]]] = {
    "fetch": _fetch,
    "verify": _verify,
    "environment": _environment,
    "open": _open,
    "replay": _replay,
}


@transaction.atomic
def _keep(claim: claims.Claim, trial: _Drill, error: str, seconds: float) -> None:
    # The archive before its job, as the service that asks for it: no deadlock.
    Archive.objects.select_for_update(no_key=True).defer("documents").get(pk=trial.archive.pk)
    claims.finish(claim=claim)
    steps = [asdict(step) | {"seconds": round(step.seconds, 3)} for step in trial.steps]
    RestoreDrill.objects.filter(pk=trial.drill.pk).update(
        state=DrillState.FAILED if error else DrillState.PASSED,
        steps=steps,
        seconds=round(seconds, 3),
        finished_at=Now(),
        error=error[:500],
    )
    event = RegistryEvent.DRILL_FAILED if error else RegistryEvent.DRILL_PASSED
    told = {step["name"]: step["looked_at"] for step in steps}
    facts = {"looked_at": told, "milliseconds": int(seconds * 1000)}
    record(SYSTEM, event, trial.drill, **facts, **({"reason": error[:500]} if error else {}))

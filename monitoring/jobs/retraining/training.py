"""Train: the same parameters or the best of a declared search, here or at a runner outside."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from django.conf import settings

from monitoring.gateways.retraining_files import SNAPSHOT
from monitoring.gateways.runners import Order, RunnerRefused, settings_of
from monitoring.jobs.retraining import outside
from monitoring.jobs.retraining.calibrating import calibrate
from monitoring.jobs.retraining.errands import sent
from monitoring.jobs.retraining.features import TABLE
from monitoring.jobs.retraining.models_kept import MODEL, keep_model
from monitoring.jobs.retraining.sources import (
    CODE,
    bring,
    code_digest,
    may_unpickle,
    requirements,
    trained,
)
from monitoring.jobs.retraining.work import (
    Done,
    Result,
    StepFailed,
    desk,
    earlier,
    fetch,
    terms_of,
)
from monitoring.models import Retraining, RetrainingStep
from monitoring.reads.baselines import schema_of
from monitoring.retraining_terms import RetrainingKind
from monitoring.states import StepName

HERE = "here"
SUBPROCESS = "subprocess"


def train(step: RetrainingStep) -> Result:
    """By the runner that the policy names; a map is numbers, and is always fitted here."""
    terms = terms_of(step.retraining)
    if terms.kind == RetrainingKind.RECALIBRATION:
        return calibrate(step)
    name = terms.runner
    if name == HERE:
        return _here(step, None)
    try:
        about = settings_of(name)
    except RunnerRefused as error:
        raise StepFailed(str(error)) from error
    if about.get("kind") == SUBPROCESS:
        return _here(step, Path(str(about.get("python", ""))))
    return outside.train(step, name, order_of(step))


def _here(step: RetrainingStep, python: Path | None) -> Done:
    """In the sandbox of this machine, in this environment or another that operators locked."""
    with desk() as folder:
        inside, made = folder / "in", folder / "out"
        made.mkdir()
        inputs = _inputs(step, inside)
        found = sent(step, "train", inputs, readable=(inside,), writable=made, python=python)
        _same_environment(inputs["pins"], found.answer.get("packages"))
        files = keep_model(step, made / MODEL)
    numbers = {
        "rows": found.answer.get("rows"),
        "parameters": found.answer.get("chosen", {}),
        "tried": found.answer.get("tried", [])[:50],
        "packages": found.answer.get("packages", {}),
        "code_digest": code_digest(step.retraining.parent),
    }
    return Done(numbers, files, found.seconds)


def _inputs(step: RetrainingStep, inside: Path) -> dict[str, Any]:
    retraining, terms = step.retraining, terms_of(step.retraining)
    schema = schema_of(retraining.parent)
    if schema is None or schema.outcome is None:
        raise StepFailed("The champion's schema names no outcome any more.")
    version = trained(bring(retraining.parent, inside / "version"))
    return {
        "table": str(fetch(earlier(step, StepName.COLLECT), SNAPSHOT, inside / SNAPSHOT)),
        "features": str(fetch(earlier(step, StepName.FEATURES), TABLE, inside / TABLE)),
        "outcome": schema.outcome.name,
        "task": retraining.model.task,
        "kind": terms.kind,
        "parameters": _parameters(retraining),
        "search": terms.combinations,
        "code": str(version / CODE),
        "entry": terms.entry_point,
        "champion": str(version),
        "allow_pickle": may_unpickle(retraining.parent),
        "pins": requirements(version),
        "trusted": _trusted(version),
        "made_at": f"{retraining.up_to:%Y-%m-%d %H:%M:%S.%f}",
    }


def _parameters(retraining: Retraining) -> dict[str, Any]:
    """Those of the champion, where a retraining made it, under those that the policy names."""
    before = _last_trained(retraining.parent_id)
    train = before.steps.filter(name=StepName.TRAIN).first() if before else None
    kept = train.numbers.get("parameters", {}) if train else {}
    return {**kept, **terms_of(retraining).parameters}


def _last_trained(version_id: int) -> Retraining | None:
    """The retraining that trained this version, or the one that it is a recalibration of."""
    found = Retraining.objects.filter(version=version_id).first()
    while found is not None and terms_of(found).kind == RetrainingKind.RECALIBRATION:
        found = Retraining.objects.filter(version=found.parent_id).first()
    return found


def _trusted(version: Path) -> list[str]:
    """The classes that the champion's own MLmodel names as reviewed."""
    path = version / "MLmodel"
    try:
        flavours = yaml.safe_load(path.read_bytes()[: 1024 * 1024])["flavors"]
        named = flavours["sklearn"].get("skops_trusted_types") or []
    except (OSError, yaml.YAMLError, KeyError, TypeError, AttributeError):
        return []
    return [str(one)[:200] for one in named[:200]] if isinstance(named, list) else []


def _same_environment(pins: Mapping[str, str], found: object) -> None:
    """A version trained with other packages than it pins could not be rebuilt.

    Raises:
        StepFailed: names every package that differs.
    """
    there = found if isinstance(found, Mapping) else {}
    wrong = [
        f"{name} {there.get(name) or 'missing'} instead of {number}"
        for name, number in sorted(pins.items())
        if there.get(name) != number
    ]
    if wrong:
        raise StepFailed(f"The environment is not the version's: {'; '.join(wrong[:10])}.")


def order_of(step: RetrainingStep) -> Order:
    """The same order for a runner outside: it fetches the snapshot from us and trains."""
    retraining, terms = step.retraining, terms_of(step.retraining)
    root = f"{settings.PUBLIC_URL}/api/v1"
    return Order(
        order_id=f"ombud-{retraining.pk}-{step.tries}",
        model=retraining.model.slug,
        retraining=retraining.pk,
        parent_version=retraining.parent.number,
        kind=terms.kind,
        snapshot_url=f"{root}/retrainings/{retraining.pk}/snapshot",
        snapshot_sha256=earlier(step, StepName.COLLECT).files[SNAPSHOT],
        code_digest=code_digest(retraining.parent),
        parameters=_parameters(retraining),
        search=terms.search,
        callback_url=f"{root}/runner-callbacks/{terms.runner}",
    )

"""Train at a runner outside: ordered once, looked at until it ends, its model fetched and kept."""

from datetime import timedelta
from pathlib import Path

from django.utils import timezone

from monitoring.gateways.runners import Look, Order, Runner, RunnerRefused, RunState
from monitoring.gateways.runners.http import look_of
from monitoring.gateways.runners.named import hours_of, runner_of
from monitoring.jobs.retraining import models_kept
from monitoring.jobs.retraining.work import Done, Result, StepFailed, Waits, desk, tell
from monitoring.models import RetrainingStep
from registry.gateways import mlflow_artifacts, mlflow_runs
from registry.gateways.mlflow_artifacts import UnsafeArtifactPath
from registry.gateways.mlflow_http import MlflowRefused

CALLED_BACK = "called_back"


def train(step: RetrainingStep, name: str, order: Order) -> Result:
    """Order it, or see how far it is.

    Raises:
        StepFailed: the runner refused or failed, or took too long.
        RunnerUnavailable, MlflowUnavailable: the ledger tries again.
    """
    try:
        runner = runner_of(name)
        if not step.external_id:
            external_id = runner.start(order)
            tell(step, f"Ordered at the runner {name}: {external_id}.")
            return Waits(f"The runner {name} is training.", external_id)
        look = _looked(step, runner)
        _tell_new(step, look)
    except RunnerRefused as error:
        raise StepFailed(str(error)) from error
    if look.state == RunState.FAILED:
        raise StepFailed(look.message or f"The runner {name} says that training failed.")
    if look.state == RunState.DONE:
        return _fetched(step, look)
    _not_too_long(step, name, runner)
    return Waits(f"The runner {name} is training.")


def _looked(step: RetrainingStep, runner: Runner) -> Look:
    """What its last callback said, if that was the end; else it is asked."""
    told = step.numbers.get(CALLED_BACK)
    if isinstance(told, dict):
        look = look_of(told)
        if look.state != RunState.RUNNING:
            return look
    return runner.look(step.external_id)


def _tell_new(step: RetrainingStep, look: Look) -> None:
    """A runner gives its log from the beginning; only what is not there yet is added."""
    known = set(step.lines.values_list("text", flat=True))
    fresh = [line for line in look.lines if line and line[:1_000] not in known]
    if fresh:
        tell(step, "\n".join(fresh))


def _not_too_long(step: RetrainingStep, name: str, runner: Runner) -> None:
    hours = hours_of(name)
    if step.started_at and timezone.now() > step.started_at + timedelta(hours=hours):
        runner.cancel(step.external_id)
        raise StepFailed(f"The runner {name} took longer than {hours} hours.")


def _fetched(step: RetrainingStep, look: Look) -> Done:
    """The model that it logged in MLflow, every file of it, into our store."""
    run_id, path = look.outputs.get("run_id", ""), look.outputs.get("artifact_path", "")
    if not run_id or not path:
        raise StepFailed("The runner named no run of MLflow that holds the model.")
    try:
        run = mlflow_runs.get_run(run_id)
        location = mlflow_runs.location_in_run(run, path)
        with desk() as folder:
            for file in mlflow_runs.list_at(location):
                _write(
                    folder / "model" / mlflow_artifacts.safe_path(file.path), location, file.path
                )
            files = models_kept.keep_model(step, folder / "model")
    except (MlflowRefused, UnsafeArtifactPath) as error:
        raise StepFailed(f"The runner's model cannot be fetched: {error}") from error
    numbers = {"parameters": dict(run.params), "runner_run": run_id}
    return Done(numbers, files)


def _write(target: Path, location: str, path: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as sink:
        for piece in mlflow_runs.read_at(location, path):
            sink.write(piece)

"""A champion that can be retrained: registered in MLflow with code of its own, and its log."""

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
from django.utils import timezone

from ledger.models import Job, JobState
from ledger.runner import run as run_job
from monitoring.jobs.baselines import count_new_references
from monitoring.jobs.retraining.pipeline import look_after
from monitoring.models import Retraining, RetrainingPolicy
from monitoring.services.retraining_policies import approve_policy, switch_on, write_policy
from registry.gateways import mlflow_artifacts
from registry.models import Deployment, Version
from registry.services.models import register_model
from registry.services.references import set_reference
from registry.services.schemas import set_schema
from registry.services.versions import register_version
from tests.monitoring import world

NOW_ROWS = 3_000
DAYS = 60
EVERY = 6  # hours
NUMBERS = ["temperature", "distance"]
CODE = """
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

TRUSTED_TYPES = []


def features(rows):
    return rows[["temperature", "distance"]].astype("float64")


def fit(rows, outcome, *, parameters, before=None):
    print("fitting with", parameters)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=parameters.get("C", 1.0)))
    return model.fit(rows, outcome)
"""
FIELDS = [one for one in world.FIELDS if one["name"] not in {"carrier", "night"}]
TERMS: dict[str, Any] = {
    "triggers": [{"on": "performance", "windows": 2}],
    "window_days": 60,
    "minimum_rows": 200,
    "cool_down_days": 30,
    "processor_minutes": 60,
}


def rows(n: int = NOW_ROWS, *, days: int = DAYS, prefix: str = "f") -> list[dict[str, Any]]:
    """Rows up to now in which warm days are late ones: something can be learned.

    They come in four hours of each day: every hour with rows costs each test its profiles.
    """
    start = timezone.now().replace(minute=0, second=0, microsecond=0) - timedelta(days=days)
    found = world.rows(n, start=start, hours=24.0 * days, prefix=prefix, skill=0.2)
    for row in found:
        row["at"] -= timedelta(hours=(row["at"] - start) // timedelta(hours=1) % EVERY)
        row["temperature"] += 6.0 * row["was_late"]
        row.pop("carrier")
        row.pop("night")
    return found


def champion(
    team: Any, owner: Any, robot: Any, server: str, folder: Path, kept_as: str = "skops"
) -> Version:
    """Version 1 in MLflow, hashed, serving as champion, with a log of sixty days."""
    name = f"retrained-{team.pk}-{timezone.now():%H%M%S%f}"
    model = register_model(
        actor=owner,
        slug="flight-delay",
        name="Flight delay",
        purpose="Warn travellers.",
        team_id=team.pk,
        task="binary",
        risk_tier="medium",
        mlflow_name=name,
    )
    number = _logged(name, server, folder, kept_as)
    version = register_version(actor=owner, model_id=model.pk, mlflow_version=number)
    set_schema(actor=owner, version_id=version.pk, fields=FIELDS)
    work("registry.inspect")
    known = {field["name"] for field in FIELDS}
    reference = [
        {key: value for key, value in row.items() if key in known}
        for row in world.rows(2_000, start=world.START, hours=24 * 28, seed=9)
    ]
    path = folder / "reference.parquet"
    path.write_bytes(world.parquet(reference))
    set_reference(actor=owner, version_id=version.pk, source=path)
    count_new_references()
    Version.objects.filter(pk=version.pk).update(stage="serving")
    Deployment.objects.create(
        version=version, model=model, role="champion", started_at=timezone.now()
    )
    sent = rows()
    world.send(robot, version, sent)
    world.send_outcomes(robot, model, sent)
    world.work("monitoring.fold")
    world.work("monitoring.join")
    return Version.objects.select_related("model").get(pk=version.pk)


def _logged(name: str, server: str, folder: Path, kept_as: str) -> int:
    """A weak champion: fitted on coins that were thrown, with the code that trained it."""
    import mlflow

    mlflow.set_tracking_uri(server)
    mlflow.set_experiment(name)
    mlflow.MlflowClient().create_registered_model(name)
    with mlflow.start_run() as run:
        if kept_as == "safetensors":
            return _network(name, run.info.run_id, folder / "network")
        return _pipeline(name, folder, kept_as)


def _network(name: str, run: str, folder: Path) -> int:
    """As docs/lifecycle/sandbox.md says it is logged."""
    import mlflow
    import numpy as np
    from mlflow.models import Model, infer_signature
    from safetensors.numpy import save_file

    folder.mkdir()
    weight = np.linspace(0.5, -0.5, len(NUMBERS))[np.newaxis] / 100
    save_file({"0.weight": weight, "0.bias": np.zeros(1)}, folder / "model.safetensors")
    described = Model(signature=infer_signature(some_rows(), np.zeros(5)))
    described.add_flavor("safetensors", data="model.safetensors", layers=["linear", "sigmoid"])
    described.save(str(folder / "MLmodel"))
    mlflow.log_artifacts(str(folder), "model")
    return int(mlflow.register_model(f"runs:/{run}/model", name).version)


def _pipeline(name: str, folder: Path, kept_as: str) -> int:
    import mlflow
    import mlflow.sklearn
    import numpy as np
    from mlflow.models import infer_signature
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    code = folder / "training.py"
    code.write_text(CODE)
    rng = np.random.default_rng(1)
    some = pd.DataFrame({one: rng.normal(size=200) * 100 for one in NUMBERS})
    fitted = make_pipeline(StandardScaler(), LogisticRegression()).fit(some, rng.random(200) < 0.5)
    info = mlflow.sklearn.log_model(
        fitted,
        name="model",
        serialization_format=kept_as,
        signature=infer_signature(some, fitted.predict_proba(some)),
        code_paths=[str(code)],
        pip_requirements=_pins(),
    )
    source = f"models:/{info.model_id}"
    made = mlflow.MlflowClient().create_model_version(name, source, model_id=info.model_id)
    return int(made.version)


def _pins() -> list[str]:
    from importlib.metadata import version

    return [f"{one}=={version(one)}" for one in ("scikit-learn", "numpy")]


def policy_on(owner: Any, approver: Any, model: Any, **more: Any) -> RetrainingPolicy:
    """A policy that olga wrote and switched on, and rita approved."""
    terms: Mapping[str, Any] = {**TERMS, **more}
    made = write_policy(actor=owner, model_id=model.pk, terms=terms, reason="Spring comes.")
    switched = switch_on(actor=owner, policy_id=made.pk)
    if switched.state == "on":
        return switched
    return approve_policy(actor=approver, policy_id=made.pk, reason="Sensible.", method="password")


def do(job: Job) -> None:
    """Do this job as a worker would."""
    run_job(job_id=job.pk)


def wake() -> None:
    """A minute later: steps that wait are looked at again."""
    Job.objects.filter(state=JobState.DONE).update(
        finished_at=timezone.now() - timedelta(minutes=5)
    )
    look_after()


def replace_code(version: Version, code: str) -> None:
    """The same version as if it had been registered with other code, in MLflow and here."""
    replace_file(version, "code/training.py", code)


def replace_file(version: Version, path: str, text: str) -> None:
    content = text.encode()
    mlflow_artifacts.write_file(version.artifact_uri, path, content)
    about = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
    version.files.update_or_create(path=path, defaults=about)


def some_rows() -> pd.DataFrame:
    """Five rows of what the model takes."""
    return pd.DataFrame({one: [1.0, 2.0, 3.0, 4.0, 5.0] for one in NUMBERS})


def work(kind: str, *, most: int = 60, stop: bool = False) -> int:
    """Do every due job of a kind as a worker would, failures and all; returns how many."""
    done = 0
    while jobs := list(
        Job.objects.filter(
            state=JobState.DUE, kind__startswith=kind, due_at__lte=timezone.now()
        ).order_by("pk")[:1]
    ):
        run_job(job_id=jobs[0].pk)
        done += 1
        if stop and done == most:
            break
        assert done <= most
    return done


def states(retraining: Retraining) -> dict[str, str]:
    return dict(retraining.steps.order_by("place").values_list("name", "state"))


def told(retraining: Retraining) -> str:
    """Everything that is known of it, for a test that fails."""
    steps = retraining.steps.order_by("place")
    said = [f"{step.name} {step.state}: {step.message} {step.numbers}" for step in steps]
    errors = Job.objects.exclude(error="").values_list("kind", "error")
    return "\n".join([*said, *(f"{kind}: {error}" for kind, error in errors)])

"""A champion whose chances are too extreme: what it answers is what its files answer."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from django.utils import timezone
from scipy.special import expit

from monitoring.jobs.baselines import count_new_references
from registry.models import Deployment, Version
from registry.services.models import register_model
from registry.services.references import set_reference
from registry.services.schemas import set_schema
from registry.services.versions import register_version
from tests.monitoring import retraining as scene
from tests.monitoring import world

NUMBERS = scene.NUMBERS
SEX = {"name": "sex", "dtype": "string", "role": "group", "categories": ["F", "M"]}
FIELDS = [*scene.FIELDS, SEX]
DAYS = 60


def champion(
    team: Any,
    owner: Any,
    robot: Any,
    server: str,
    folder: Path,
    *,
    slope: float = 2.5,
    n: int = 4_000,
) -> Version:
    """Version 1 in MLflow, serving, with `n` rows of sixty days; log odds `slope` times too large.

    A slope of 1 is a model whose chances mean what they say.
    """
    name = f"overconfident-{team.pk}-{timezone.now():%H%M%S%f}"
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
    fitted = _fitted(slope)
    number = _logged(name, server, fitted)
    version = register_version(actor=owner, model_id=model.pk, mlflow_version=number)
    set_schema(actor=owner, version_id=version.pk, fields=FIELDS)
    scene.work("registry.inspect")
    start = timezone.now().replace(minute=0, second=0, microsecond=0) - timedelta(days=DAYS)
    path = folder / "reference.parquet"
    before = rows(fitted, 2_000, start=start - timedelta(days=40), prefix="r", seed=5)
    path.write_bytes(world.parquet(before))
    set_reference(actor=owner, version_id=version.pk, source=path)
    count_new_references()
    Version.objects.filter(pk=version.pk).update(stage="serving")
    Deployment.objects.create(version=version, model=model, role="champion", started_at=start)
    if n:
        sent = rows(fitted, n, start=start, prefix="f", seed=1)
        world.send(robot, version, sent)
        world.send_outcomes(robot, model, sent)
        world.work("monitoring.fold")
        world.work("monitoring.join")
    return Version.objects.select_related("model").get(pk=version.pk)


def _fitted(slope: float) -> Any:
    """Warm days are late ones; the chances are `slope` times too sure."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression()
    some = pd.DataFrame({"temperature": [0.0, 10.0], "distance": [0.0, 1.0]})
    model.fit(some, [0, 1])
    model.coef_ = np.array([[0.25 * slope, 0.0]])
    model.intercept_ = np.array([-1.9 * slope])
    return model


def rows(fitted: Any, n: int, *, start: Any, prefix: str, seed: int) -> list[dict[str, Any]]:
    rng = np.random.default_rng(seed)
    found = world.rows(n, start=start, hours=24.0 * (DAYS - 1), prefix=prefix, seed=seed)
    frame = pd.DataFrame(
        {
            "temperature": [row["temperature"] for row in found],
            "distance": [row["distance"] for row in found],
        }
    )
    scores = fitted.predict_proba(frame)[:, 1]
    truth = rng.random(n) < expit(0.25 * frame["temperature"].to_numpy() - 1.9)
    for row, score, late in zip(found, scores, truth, strict=True):
        row.pop("carrier")
        row.pop("night")
        row |= {"score": float(score), "late": bool(score > 0.5), "was_late": bool(late)}
        row["sex"] = str(rng.choice(["F", "M"]))
    return found


def _logged(name: str, server: str, fitted: Any) -> int:
    import mlflow
    import mlflow.sklearn
    from mlflow.models import infer_signature

    some = pd.DataFrame({one: np.linspace(0, 10, 20) for one in NUMBERS})
    mlflow.set_tracking_uri(server)
    mlflow.set_experiment(name)
    with mlflow.start_run():
        info = mlflow.sklearn.log_model(
            fitted,
            name="model",
            signature=infer_signature(some, fitted.predict_proba(some)),
            pip_requirements=["scikit-learn"],
        )
    client = mlflow.MlflowClient()
    client.create_registered_model(name)
    made = client.create_model_version(name, f"models:/{info.model_id}", model_id=info.model_id)
    return int(made.version)

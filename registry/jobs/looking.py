"""One look at what MLflow says of a model, as far as it can be believed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from registry.gateways import mlflow
from registry.gateways.mlflow import MlflowModel, MlflowUnavailable, MlflowVersion
from registry.models import Model, Version

# Of versions that MLflow's list leaves out so many are asked for one by one.
DOUBTED = 20


class Doubtful(MlflowUnavailable):
    """MLflow answers, but what it says of one model cannot be used now."""


@dataclass(frozen=True)
class Seen:
    """What MLflow says of one model at one moment; no model: it has none of this name.

    `after` is the look that was kept last when this one began.
    """

    model: MlflowModel | None
    versions: Mapping[int, MlflowVersion]
    at: datetime
    after: datetime | None

    @property
    def aliases(self) -> dict[str, int]:
        return dict(self.model.aliases) if self.model else {}


def look(*, model_id: int, name: str) -> Seen:
    """Ask MLflow for the model, its aliases and its versions.

    Raises:
        Doubtful: its list leaves out a version that it has.
    """
    kept, after = Model.objects.values_list("mlflow_seen", "mlflow_seen_at").get(pk=model_id)
    model = mlflow.get_model(name)
    versions = mlflow.search_versions(name) if model is not None else []
    numbers = {one.version for one in versions}
    if model is not None:
        _believe(model_id, name, numbers | set(kept.get("missing", [])))
    return Seen(model, {one.version: one for one in versions}, timezone.now(), after)


def _believe(model_id: int, name: str, told: set[int]) -> None:
    """A version that a list leaves out is lost only if MLflow, asked for it, has none."""
    ours = Version.objects.filter(
        model=model_id, mlflow_version__isnull=False, source_removed_at__isnull=True
    )
    numbers = ours.values_list("mlflow_version", flat=True)
    doubted = sorted(number for number in numbers if number and number not in told)
    for number in doubted[:DOUBTED]:
        if mlflow.get_version(name, number) is not None:
            raise Doubtful(f"MLflow's list of versions leaves out version {number}.")

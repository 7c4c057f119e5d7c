"""Who served where and when: the past is as answerable as the present."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from registry.models import Deployment
from registry.querysets import DeploymentQuerySet
from registry.states import DeploymentRole


@dataclass(frozen=True)
class Period:
    """A version had a role in an environment from one moment to another (None: still)."""

    version_id: int
    number: int
    environment: str
    role: str
    traffic_share: Decimal
    started_at: datetime
    ended_at: datetime | None

    @property
    def running(self) -> bool:
        return self.ended_at is None


def periods_of(model_id: int) -> list[Period]:
    """Every period of the model's versions, the latest first. One query."""
    return _periods(Deployment.objects.filter(model_id=model_id))


def serving_now(model_id: int, environment: str = "production") -> list[Period]:
    """The roles in force in an environment, the champion first."""
    running = Deployment.objects.filter(
        model_id=model_id, environment=environment, ended_at__isnull=True
    )
    return sorted(_periods(running), key=lambda one: one.role != DeploymentRole.CHAMPION)


def champion_at(model_id: int, environment: str, moment: datetime) -> Period | None:
    """The one champion at that moment (start included, end not), or nobody."""
    found = Deployment.objects.at(moment).filter(
        model_id=model_id, environment=environment, role=DeploymentRole.CHAMPION
    )
    return next(iter(_periods(found)), None)


def _periods(found: DeploymentQuerySet) -> list[Period]:
    rows = found.order_by("-started_at", "-pk").values_list(
        "version_id",
        "version__number",
        "environment",
        "role",
        "traffic_share",
        "started_at",
        "ended_at",
    )
    return [Period(*row) for row in rows]

"""Rollouts as pages and the API show them, and which version a unit is assigned to."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import F, OuterRef, Subquery
from django.db.models.functions import JSONObject

from monitoring.models import Experiment, Rollout, RolloutLook, RolloutStep
from monitoring.states import ROLLOUT_GOES_ON
from monitoring.stats.experiments.assignment import WHOLE, position, role_of
from registry.models import Deployment, Model
from registry.states import DeploymentRole

LOOK_AT = (
    "Look at how units are assigned (salt, key and share as the API answers them), at callers that"
    " keep an old share, at rows that are sent twice or not at all, and at failures of one version."
)


@dataclass(frozen=True)
class Assignment:
    """What is needed to assign any unit of a model, here or in the client."""

    model: str
    environment: str
    champion: int | None
    challenger: int | None
    experiment: str
    salt: str
    share: Decimal

    @property
    def etag(self) -> str:
        said = f"{self.champion}|{self.challenger}|{self.experiment}|{self.salt}|{self.share}"
        return hashlib.sha256(said.encode()).hexdigest()[:24]

    def role(self, unit: str) -> str:
        """Whose answer the unit gets."""
        if not self.experiment:
            return DeploymentRole.CHAMPION
        return role_of(position(self.salt, self.experiment, unit), int(self.share * WHOLE))


def assignment_of(user: Any, *, slug: str, environment: str) -> Assignment | None:
    """How a model's units are assigned now; None where the model may not be seen. One query."""
    serving = Deployment.objects.filter(
        model=OuterRef("pk"), environment=environment, ended_at__isnull=True
    )
    champion = serving.filter(role=DeploymentRole.CHAMPION).values("version__number")[:1]
    rollout = Rollout.objects.filter(
        model=OuterRef("pk"), environment=environment, state__in=ROLLOUT_GOES_ON
    ).annotate(given=Subquery(_given(environment)))
    told = rollout.values(
        told=JSONObject(
            key="key", salt="salt", share="given", number="experiment__challenger__number"
        )
    )[:1]
    found = (
        Model.objects.visible_to(user)
        .filter(slug=slug)
        .annotate(champion_now=Subquery(champion), rollout_now=Subquery(told))
        .values_list("slug", "champion_now", "rollout_now")
        .first()
    )
    if found is None:
        return None
    said = found[2] or {}
    share = said.get("share")
    if share is None:
        return Assignment(found[0], environment, found[1], None, "", "", Decimal(0))
    return Assignment(
        found[0],
        environment,
        found[1],
        said["number"],
        said["key"],
        said["salt"],
        Decimal(str(share)).quantize(Decimal("0.0001")),
    )


def _given(environment: str) -> Any:
    """The share that the challenger's deployment has; nothing where it is none any more."""
    return Deployment.objects.filter(
        version=OuterRef("experiment__challenger"),
        environment=environment,
        role=DeploymentRole.CHALLENGER,
        ended_at__isnull=True,
    ).values(given_share=F("traffic_share"))[:1]


@dataclass(frozen=True)
class Followed:
    """A rollout with its periods, the oldest first, and its newest looks, the newest first."""

    rollout: Rollout
    periods: Sequence[RolloutStep]
    looks: Sequence[RolloutLook]

    @property
    def share(self) -> Decimal:
        running = [one.share for one in self.periods if one.ended_at is None]
        return running[-1] if running else Decimal(0)

    @property
    def look(self) -> RolloutLook | None:
        return self.looks[0] if self.looks else None


def rollout_of(experiment: Experiment, *, looks: int = 20) -> Followed | None:
    """The rollout of an experiment that may be seen. Three queries, or one."""
    rollout = (
        Rollout.objects.filter(experiment=experiment)
        .select_related("started_by", "experiment__champion", "experiment__challenger")
        .first()
    )
    if rollout is None:
        return None
    newest = list(rollout.looks.order_by("-as_of")[:looks])
    return Followed(rollout, list(rollout.periods.order_by("began_at")), newest)

"""The share of a challenger's traffic as its experiment raises it, inside the caller's transaction.

The share that was approved is the limit: raising it beyond needs a change request.
"""

from decimal import Decimal

from django.db import transaction

from accounts.policies import require
from audit.record import Actor, record
from registry.events import RegistryEvent
from registry.models import Deployment
from registry.policies import CHANGES_ONLY, can_carry_out
from registry.refusals import VersionInvalid
from registry.services.deployments import _end, _locked, _moment, _running
from registry.states import DeploymentRole


@transaction.atomic
def set_share(
    *, actor: Actor, version_id: int, environment: str, share: Decimal, because: str
) -> Deployment:
    """A running challenger gets another share of the traffic from now on; the past one is kept.

    Raises:
        VersionInvalid: it is no challenger there, or the share is none.
    """
    version = _locked(version_id)
    require(can_carry_out(actor), CHANGES_ONLY)
    if not 0 <= share <= 1:
        raise VersionInvalid("traffic_share: from 0 to 1.")
    running = _running(version).filter(environment=environment, role=DeploymentRole.CHALLENGER)
    old = running.first()
    if old is None:
        raise VersionInvalid(f"{version} is no challenger in {environment}.")
    if old.traffic_share == share:
        return old
    moment = _moment(version.model)
    _end([old], moment)
    new = Deployment.objects.create(
        version=version,
        model=version.model,
        environment=environment,
        role=old.role,
        traffic_share=share,
        started_at=moment,
    )
    record(
        actor,
        RegistryEvent.SHARE_CHANGED,
        new,
        version=version.number,
        environment=environment,
        before=old.traffic_share,
        share=share,
        at=moment,
        because=because,
    )
    return new

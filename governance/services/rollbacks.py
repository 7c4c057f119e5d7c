"""Going back to an earlier version: asked for in one step, where it is eligible."""

from django.db import transaction

from accounts.models import User
from accounts.policies import require
from governance.jobs.locks import lock_models
from governance.models import ChangeRequest
from governance.policies import can_submit
from governance.reads.rollbacks import Target, targets
from governance.refusals import Incomplete, Unable
from governance.services.requests import ONLY_BUILDERS, submit
from governance.states import RequestKind
from monitoring.models import Incident
from registry.models import Model


class NotEligible(Unable):
    """The version cannot serve again as things are; the message says what keeps it."""

    code = "not_eligible"


@transaction.atomic
def ask_to_roll_back(
    *,
    actor: User,
    model_id: int,
    number: int | None = None,
    environment: str = "production",
    reason: str = "",
    incident_id: int | None = None,
) -> ChangeRequest:
    """Ask to make an earlier version champion again; one signature by the default policies.

    Without a number it is the last champion that is eligible.

    Raises:
        Refused: the actor may not ask for changes of this model.
        Incomplete: the model has no such version or incident.
        NotEligible: something keeps the version from serving again.
        AlreadyRequested, GatesNotPassed: as when any change is asked for.
    """
    lock_models([model_id])
    model = Model.objects.select_related("team").get(pk=model_id)
    require(can_submit(actor, model), ONLY_BUILDERS)
    target = _target(model, number, environment)
    return submit(
        actor=actor,
        kind=RequestKind.ROLL_BACK,
        version_id=target.version_id,
        environment=environment,
        reason=_reason(model, target.number, reason, incident_id),
    )


def _target(model: Model, number: int | None, environment: str) -> Target:
    known = targets(model, environment)
    if number is None:
        chosen = next((one for one in known if one.eligible), None)
        if chosen is None:
            raise NotEligible("No earlier version can serve again as things are.")
        return chosen
    found = next((one for one in known if one.number == number), None)
    if found is None:
        raise Incomplete("version", f"Version {number} is none that one can go back to.")
    if found.obstacles:
        raise NotEligible(f"Version {number}: {' '.join(found.obstacles)}")
    return found


def _reason(model: Model, number: int, reason: str, incident_id: int | None) -> str:
    said = reason.strip() or f"Go back to version {number}."
    if incident_id is None:
        return said
    incident = Incident.objects.filter(model=model, pk=incident_id).first()
    if incident is None:
        raise Incomplete("incident", "The model has no such incident.")
    return f"{said} Incident: {incident.title}"[:4000]

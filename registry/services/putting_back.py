"""What somebody moved in MLflow is put back where approved changes have put it."""

from django.db import transaction

from accounts.models import User
from accounts.policies import require
from audit.record import record
from registry.events import RegistryEvent
from registry.jobs.mlflow import push_soon
from registry.models import Model
from registry.policies import JUDGES_ONLY, can_put_back
from registry.refusals import NothingMoved, VersionInvalid
from registry.states import PUT_BACK_BY_A_PUSH


@transaction.atomic
def put_back(*, actor: User, model_id: int, reason: str) -> Model:
    """Have aliases and tags set again as approved; what they are now is kept as a deviation.

    Raises:
        NothingMoved: MLflow says what was approved, or what differs cannot be put back by setting
            aliases and tags.
        VersionInvalid: no reason is given.
    """
    model = Model.objects.select_for_update(no_key=True).get(pk=model_id)
    require(can_put_back(actor, model.team_id), JUDGES_ONLY)
    if not reason.strip() or len(reason) > 1000 or "\0" in reason:
        raise VersionInvalid("Give your reason, in at most 1,000 characters.")
    moved = list(model.deviations.lasting().filter(kind__in=PUT_BACK_BY_A_PUSH).order_by("pk"))
    if not moved:
        raise NothingMoved("No alias and no tag of ours differs from what was approved.")
    record(
        actor,
        RegistryEvent.PUT_BACK_ASKED,
        model,
        reason=reason.strip(),
        deviations=[row.message for row in moved],
    )
    push_soon(model_id=model.pk)
    return model

"""Models of somebody who leaves get another owner: governance calls this, for administrators."""

from django.db.models.functions import Now

from accounts.models import User
from audit.record import record
from ledger import claims
from registry.events import RegistryEvent
from registry.models import Model


def hand_models_over(
    *, actor: User, before: User, after: User, team_id: int, reason: str
) -> list[Model]:
    """Give the models that `before` owns in a team to `after`. Inside the caller's transaction."""
    rows = Model.objects.select_for_update(no_key=True).order_by("pk")
    found = list(rows.filter(owner=before, team_id=team_id))
    for model in found:
        model.owner = after
        model.changed_at = Now()
        model.save(update_fields=["owner", "changed_at"])
        model.refresh_from_db(fields=["changed_at"])
        if model.mlflow_name:
            claims.again(kind="registry.push", key=str(model.pk), subject_id=model.pk)
        names = {"before": {"owner": before.name}, "after": {"owner": after.name}}
        record(actor, RegistryEvent.MODEL_CHANGED, model, **names, reason=reason)
    return found

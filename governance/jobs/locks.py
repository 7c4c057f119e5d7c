"""The first lock of every change in governance: the model's row. One order, no deadlocks.

It is a lock that leaves foreign keys alone, so predictions and measurements are stored meanwhile.
"""

from governance.models import ChangeRequest
from registry.models import Model, Version

VERSION_PARTS = ("model__team", "model__owner", "registered_by", "parent")


def locked_version(version_id: int) -> Version:
    """The version, read after its model was locked.

    Raises:
        Version.DoesNotExist: there is none.
    """
    model_id = Version.objects.values_list("model_id", flat=True).get(pk=version_id)
    lock_models([model_id])
    return Version.objects.select_related(*VERSION_PARTS).get(pk=version_id)


def locked_request(request_id: int) -> ChangeRequest:
    """The request, read after its model and then itself were locked.

    Raises:
        ChangeRequest.DoesNotExist: there is none.
    """
    model_id = ChangeRequest.objects.values_list("model_id", flat=True).get(pk=request_id)
    lock_models([model_id])
    return (
        ChangeRequest.objects.select_for_update(no_key=True, of=("self",))
        .select_related("model", "version__model", "policy", "requested_by")
        .get(pk=request_id)
    )


def lock_models(model_ids: list[int]) -> None:
    list(Model.objects.select_for_update(no_key=True).filter(pk__in=model_ids).order_by("pk"))

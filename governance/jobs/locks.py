"""The first lock of every change in governance: the model's row. One order, no deadlocks.

It is a lock that leaves foreign keys alone, so predictions and measurements are stored meanwhile.
"""

from accounts.models import Delegation, Membership, User
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


def locked_signer(person: User) -> User:
    """The person as they are now, and nobody takes a role from them, or from who lent them one,
    before this transaction ends."""
    _lock_people({person.pk})
    found = User.objects.get(pk=person.pk)
    if givers := {giver for _, _, giver in found.lent}:
        list(Delegation.objects.select_for_update(no_key=True).filter(taker=found).order_by("pk"))
        _lock_people(givers)
        found = User.objects.get(pk=person.pk)
    return found


def _lock_people(people: set[int]) -> None:
    users = User.objects.select_for_update(no_key=True).filter(pk__in=people).order_by("pk")
    list(users)
    rows = Membership.objects.select_for_update(no_key=True).filter(user__in=people)
    list(rows.order_by("pk"))


def lock_models(model_ids: list[int]) -> None:
    list(Model.objects.select_for_update(no_key=True).filter(pk__in=model_ids).order_by("pk"))

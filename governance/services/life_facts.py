"""Facts that a model's life depends on, recorded with their source; and who calls the model."""

from datetime import date

from django.db import transaction
from django.db.models.functions import Now

from accounts.models import User, UserKind
from accounts.policies import require
from audit.record import record
from governance.events import GovernanceEvent
from governance.jobs.locks import lock_models
from governance.models import LifeFact, LifeFactKind, ModelClient
from governance.policies import can_record_life_fact
from governance.refusals import Incomplete, NameTaken, NotOpen
from governance.services.proofs import words
from registry.models import Model, Version

ONLY_TEAM = "Developers, validators and risk officers of the team record what a model depends on."
LONGEST_SOURCE = 300
LONGEST_NAME = 120


@transaction.atomic
def record_fact(
    *, actor: User, model_id: int, kind: str, ends_on: date, source: str, version: int | None = None
) -> LifeFact:
    """Record when the legal basis or the vendor's support ends; the earlier answer stays readable.

    Raises:
        Refused: nobody of the team.
        Incomplete: no such kind or version, or no source.
    """
    model = _locked(model_id)
    require(can_record_life_fact(actor, model), ONLY_TEAM)
    said = _short("source", source, LONGEST_SOURCE)
    if kind not in LifeFactKind.values:
        raise Incomplete("kind", f"One of {', '.join(LifeFactKind.values)}.")
    of = None if version is None else _version(model, version)
    LifeFact.objects.in_force().filter(model=model, version=of, kind=kind).update(replaced_at=Now())
    found = LifeFact.objects.create(
        model=model, version=of, kind=kind, ends_on=ends_on, source=said, recorded_by=actor
    )
    found.refresh_from_db(fields=["recorded_at"])
    facts = {"kind": kind, "ends_on": str(ends_on), "source": said, "version": version}
    record(actor, GovernanceEvent.LIFE_FACT_RECORDED, found, **facts)
    return found


@transaction.atomic
def add_client(
    *, actor: User, model_id: int, name: str, contact: str, account_email: str = ""
) -> ModelClient:
    """Say which system calls the model, whom to tell, and with which service account it does.

    Raises:
        Refused: nobody of the team.
        Incomplete: no such service account of the team.
        NameTaken: a client of this name is there.
    """
    model = _locked(model_id)
    require(can_record_life_fact(actor, model), ONLY_TEAM)
    said = _short("name", name, LONGEST_NAME)
    if ModelClient.objects.filter(model=model, name=said, ended_at__isnull=True).exists():
        raise NameTaken(f"A client named {said} is there already.")
    found = ModelClient.objects.create(
        model=model,
        name=said,
        contact=contact,
        account=_account(model, account_email.strip()),
        added_by=actor,
    )
    found.refresh_from_db(fields=["added_at"])
    account = found.account.name if found.account else ""
    record(actor, GovernanceEvent.CLIENT_ADDED, found, contact=contact, account=account)
    return found


@transaction.atomic
def end_client(*, actor: User, client_id: int) -> ModelClient:
    """A system calls the model no longer: nobody there is told of anything any more."""
    model = _locked(ModelClient.objects.values_list("model_id", flat=True).get(pk=client_id))
    found = ModelClient.objects.select_for_update(no_key=True).get(pk=client_id)
    require(can_record_life_fact(actor, model), ONLY_TEAM)
    if found.ended_at is not None:
        raise NotOpen("It has ended already.")
    ModelClient.objects.filter(pk=found.pk).update(ended_at=Now())
    record(actor, GovernanceEvent.CLIENT_ENDED, found, because="ended by hand")
    return found


def _account(model: Model, email: str) -> User | None:
    if not email:
        return None
    accounts = User.objects.filter(kind=UserKind.SERVICE, memberships__team=model.team_id)
    found = accounts.filter(email__iexact=email).first()
    if found is None:
        raise Incomplete("account", "A service account of the owning team, by its address.")
    return found


def _version(model: Model, number: int) -> Version:
    found = Version.objects.filter(model=model, number=number).first()
    if found is None:
        raise Incomplete("version", "A version of this model.")
    return found


def _short(field: str, text: str, most: int) -> str:
    said = words(field, text)
    if len(said) > most:
        raise Incomplete(field, f"At most {most} characters.")
    return said


def _locked(model_id: int) -> Model:
    lock_models([model_id])
    return Model.objects.select_related("team").get(pk=model_id)

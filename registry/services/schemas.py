"""The schema of a version's prediction log: declared once it is clear, fixed once it is used."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from accounts.models import User
from accounts.policies import require
from audit.record import record
from registry.events import RegistryEvent
from registry.models import Contribution, ContributionKind, Reference, Schema, Version
from registry.policies import OWNERS_ONLY, can_register
from registry.refusals import SchemaFixed
from registry.schema_checks import parse
from registry.states import Stage


@transaction.atomic
def set_schema(*, actor: User, version_id: int, fields: Sequence[Mapping[str, Any]]) -> Schema:
    """Declare the fields of a version's prediction log; saying the same again changes nothing.

    A reference that was judged by another schema is dropped: it has to be supplied again.

    Raises:
        Refused: the actor is no developer or service account of the team.
        SchemaInvalid: everything that is wrong with it.
        SchemaFixed: predictions or an approval rely on the schema that is there.
    """
    version = (
        Version.objects.select_for_update(no_key=True, of=("self",))
        .select_related("model")
        .get(pk=version_id)
    )
    require(can_register(actor, version.model.team_id), OWNERS_ONLY)
    wanted = parse(fields, task=version.model.task)
    there = Schema.objects.filter(version=version).first()
    if there is not None and there.digest == wanted.digest:
        return there
    _refuse_if_used(version)
    schema, _ = Schema.objects.update_or_create(
        version=version,
        defaults={"fields": wanted.as_json(), "digest": wanted.digest, "set_at": Now()},
    )
    dropped, _ = Reference.objects.filter(version=version).delete()
    Contribution.objects.get_or_create(version=version, person=actor, kind=ContributionKind.SCHEMA)
    schema.refresh_from_db()
    record(
        actor,
        RegistryEvent.SCHEMA_SET,
        schema,
        digest=schema.digest,
        before=there.digest if there else None,
        fields=len(wanted.fields),
        reference_dropped=bool(dropped),
    )
    return schema


def _refuse_if_used(version: Version) -> None:
    if version.first_prediction_at is not None:
        raise SchemaFixed(
            "Predictions were taken in by this version's schema, so it stays. "
            "Register a new version for a changed one."
        )
    if version.stage != Stage.CANDIDATE:
        raise SchemaFixed(
            f"This version is {version.stage}: its schema was part of what was approved. "
            "Register a new version for a changed one."
        )

"""The reference of a version: the data that "normal" is judged by.

The service keeps the file; its bins are frozen by monitoring, which knows numbers and finds
references without bins by itself.
"""

import hashlib
from pathlib import Path

from django.db import transaction
from django.db.models.functions import Now

from accounts.models import User
from accounts.policies import require
from audit.record import SYSTEM, record
from registry.events import RegistryEvent
from registry.gateways import store
from registry.gateways.parquet import Footer, NotParquet, read_footer
from registry.models import (
    Contribution,
    ContributionKind,
    Reference,
    ReferenceKind,
    Schema,
    Version,
)
from registry.policies import OWNERS_ONLY, can_register
from registry.reference_checks import misfits
from registry.refusals import BrokenFile, NotTaken, ReferenceInvalid
from registry.schemas import PredictionSchema
from registry.states import Stage

MAX_BYTES = 256 * 1024 * 1024
MAX_ROWS = 50_000_000
MINIMUM_ROWS = 100


def set_reference(
    *, actor: User, version_id: int, source: Path, kind: str = ReferenceKind.TRAINING
) -> Reference:
    """Keep this Parquet file as the version's reference; the same file again changes nothing.

    Raises:
        Refused: the actor is no developer or service account of the team.
        NotTaken: the bytes are no Parquet file.
        ReferenceInvalid: no schema yet, not Parquet, columns that do not fit, or it is fixed.
    """
    version = Version.objects.select_related("model").get(pk=version_id)
    require(can_register(actor, version.model.team_id), OWNERS_ONLY)
    if kind not in ReferenceKind.values:
        raise ReferenceInvalid(f"kind: one of {', '.join(ReferenceKind.values)}.")
    if source.stat().st_size > MAX_BYTES:
        raise ReferenceInvalid(f"A reference has at most {MAX_BYTES // 2**20} MiB; sample it.")
    footer = _footer(source)
    _check(version, footer, kind)
    with source.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    # The file first, under its digest: without a row it is an orphan, a row without it a loss.
    path = f"references/{version.pk}/{digest}.parquet"
    if store.put_file(path, source) != digest:
        raise ReferenceInvalid("The file changed while it was stored; send it again.")
    return _keep(actor=actor, version_id=version_id, kind=kind, path=path, footer=footer)


def adopt_reference(*, version_id: int, source: Path) -> Reference | None:
    """Keep a window of its own log as the reference of a version that has none.

    For jobs: nobody asked, so nothing that a person supplied is ever replaced.

    Raises:
        ReferenceInvalid: the rows do not make a reference.
    """
    footer = _footer(source)
    _check(Version.objects.get(pk=version_id), footer, ReferenceKind.PRODUCTION)
    with source.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    path = f"references/{version_id}/{digest}.parquet"
    store.put_file(path, source)
    return _adopt(version_id, path, digest, footer)


@transaction.atomic
def _adopt(version_id: int, path: str, digest: str, footer: Footer) -> Reference | None:
    version = Version.objects.select_for_update(no_key=True, of=("self",)).get(pk=version_id)
    if Reference.objects.filter(version=version).exists():
        return None
    facts = {"kind": str(ReferenceKind.PRODUCTION), "digest": digest, "rows": footer.rows}
    reference = Reference.objects.create(version=version, path=path, **facts)
    reference.refresh_from_db()
    record(SYSTEM, RegistryEvent.REFERENCE_SET, reference, before=None, **facts)
    return reference


@transaction.atomic
def _keep(*, actor: User, version_id: int, kind: str, path: str, footer: Footer) -> Reference:
    version = (
        Version.objects.select_for_update(no_key=True, of=("self",))
        .select_related("model")
        .get(pk=version_id)
    )
    require(can_register(actor, version.model.team_id), OWNERS_ONLY)
    digest = Path(path).stem
    there = Reference.objects.filter(version=version).first()
    if there is not None and (there.digest, there.kind) == (digest, kind):
        return there
    if there is not None and version.stage != Stage.CANDIDATE:
        raise ReferenceInvalid(
            f"This version is {version.stage}: its reference was part of what was approved."
        )
    # Again under the lock: the schema may have changed while the file was stored.
    _check(version, footer, kind)
    fresh = {"edges": None, "profile": None, "frozen_at": None, "freeze_error": ""}
    reference, _ = Reference.objects.update_or_create(
        version=version,
        defaults={
            "kind": kind,
            "path": path,
            "digest": digest,
            "rows": footer.rows,
            "set_at": Now(),
        }
        | fresh,
    )
    Contribution.objects.get_or_create(
        version=version, person=actor, kind=ContributionKind.REFERENCE
    )
    reference.refresh_from_db()
    facts = {"kind": kind, "digest": digest, "rows": footer.rows}
    before = there.digest if there else None
    record(actor, RegistryEvent.REFERENCE_SET, reference, before=before, **facts)
    return reference


def _footer(source: Path) -> Footer:
    with source.open("rb") as opened:
        if opened.read(4) != b"PAR1":
            raise NotTaken("A reference is a Parquet file; these bytes are something else.")
    try:
        return read_footer(source)
    except NotParquet as error:
        raise BrokenFile(str(error)) from error


def _check(version: Version, footer: Footer, kind: str) -> None:
    declared = Schema.objects.filter(version=version).first()
    if declared is None:
        raise ReferenceInvalid("Declare the schema first: it says what the columns mean.")
    if not MINIMUM_ROWS <= footer.rows <= MAX_ROWS:
        raise ReferenceInvalid(
            f"A reference has {MINIMUM_ROWS} to {MAX_ROWS} rows; this has {footer.rows}."
        )
    schema = PredictionSchema.from_json(declared.fields)
    wrong = list(misfits(footer.columns, schema, outcome_needed=kind == ReferenceKind.TRAINING))
    if wrong:
        raise ReferenceInvalid(" ".join(wrong[:20]))

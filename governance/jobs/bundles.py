"""A bundle is written file by file into one zip, with a manifest of their digests at its end."""

import hashlib
import json
import logging
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from audit.api.spreadsheets import written
from audit.chain import plain
from audit.models import Checkpoint, SealMember
from audit.record import SYSTEM, record
from audit.services.export import Export
from governance.events import GovernanceEvent
from governance.models import Bundle, BundleState
from governance.reads.bundle_pages import (
    index_page,
    instructions,
    item_page,
    item_paper,
)
from governance.reads.bundles import Contents, contents_of, proofs_of
from governance.reads.papers import CannotPrint
from ledger import claims
from ledger.models import Job
from registry.gateways import store

log = logging.getLogger(__name__)
# A longer trail is not put in; proofs and checkpoints are, and the whole can be exported apart.
LONGEST_TRAIL = 200_000
VERIFIERS = ("ombud_verify.py", "ombud_bundle.py", "ombud_sample.py")
TABLES: dict[str, tuple[str, ...]] = {
    "items": ("position", "kind", "number", "label", "model", "conclusion"),
    "notes": ("position", "at", "name", "conclusion", "text", "shared", "finding"),
    "signatures": (
        "position",
        "name",
        "role",
        "decision",
        "meaning",
        "reason",
        "at",
        "method",
        "digest",
        "covers",
    ),
    "events": ("position", "sequence", "at", "event", "actor", "subject", "digest", "proved"),
}
Pieces = Iterable[bytes]


def build_bundle(claim: claims.Claim) -> None:
    """Write the bundle; what fails to the last attempt is told on its page."""
    try:
        _build(claim)
    except claims.Fenced:
        raise
    except Exception as error:
        if not _is_last_attempt(claim):
            raise
        log.exception("bundle %s: given up", claim.subject_id)
        _fail(claim, f"{type(error).__name__}: {error}")


def _build(claim: claims.Claim) -> None:
    bundle = Bundle.objects.select_related("sample", "model").get(pk=claim.subject_id)
    with tempfile.TemporaryDirectory(prefix="ombud-bundle-") as folder:
        path = Path(folder) / "bundle.zip"
        files, manifest = _write(path, contents_of(bundle), claim)
        name = f"bundles/{bundle.pk}/{claim.token}.zip"
        sha256, size = store.put_file(name, path), path.stat().st_size
    facts = {"sha256": sha256, "manifest_sha256": manifest, "size": size, "files": files}
    _keep(claim, name, facts)


def _is_last_attempt(claim: claims.Claim) -> bool:
    attempts = Job.objects.values_list("attempts", flat=True).get(pk=claim.job_id)
    return attempts >= settings.LEDGER_KINDS[claim.kind].attempts


@transaction.atomic
def _keep(claim: claims.Claim, name: str, facts: dict[str, Any]) -> None:
    claims.finish(claim=claim)
    bundle = Bundle.objects.select_for_update(no_key=True).get(pk=claim.subject_id)
    now = timezone.now()
    rows = Bundle.objects.filter(pk=bundle.pk)
    rows.update(state=BundleState.BUILT, path=name, built_at=now, error="", **facts)
    record(SYSTEM, GovernanceEvent.BUNDLE_BUILT, bundle, **facts)


@transaction.atomic
def _fail(claim: claims.Claim, error: str) -> None:
    claims.finish(claim=claim)
    bundle = Bundle.objects.get(pk=claim.subject_id)
    Bundle.objects.filter(pk=bundle.pk).update(state=BundleState.FAILED, error=error[:500])
    record(SYSTEM, GovernanceEvent.BUNDLE_FAILED, bundle, reason=error[:500])


def _write(path: Path, contents: Contents, claim: claims.Claim) -> tuple[int, str]:
    """The zip on disk; how many files, and the digest of the manifest."""
    told: dict[str, dict[str, Any]] = {}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, pieces in _files(contents):
            told[name] = _put(archive, name, pieces)
            claims.keep(claim=claim)
        manifest = _json({"format": "ombud-bundle-manifest/1", "files": told})
        _put(archive, "manifest.json", [manifest])
    return len(told) + 1, hashlib.sha256(manifest).hexdigest()


def _put(archive: zipfile.ZipFile, name: str, pieces: Pieces) -> dict[str, Any]:
    digest, size = hashlib.sha256(), 0
    with archive.open(name, "w", force_zip64=True) as entry:
        for piece in pieces:
            entry.write(piece)
            digest.update(piece)
            size += len(piece)
    return {"size": size, "sha256": digest.hexdigest()}


def _files(contents: Contents) -> Iterator[tuple[str, Pieces]]:
    """Every file but the manifest, made one after the other."""
    trail, told = _trail()
    unprinted: list[str] = []
    for one in contents.items:
        yield f"items/{one.file}.html", [item_page(contents, one).encode()]
        try:
            yield f"items/{one.file}.pdf", [item_paper(contents, one)]
        except CannotPrint as error:
            unprinted.append(f"{one.file}: {error}")
    printed = {one.file for one in contents.items} - {line[:3] for line in unprinted}
    yield "index.html", [index_page(contents, printed, told).encode()]
    yield "data/bundle.json", [_json(contents.as_json())]
    if contents.sample is not None:
        yield "data/sample.json", [_json(contents.sample)]
    for name, columns in TABLES.items():
        yield f"data/{name}.csv", [written(columns, _rows(name, contents))]
    for sequence, proof in proofs_of(contents):
        yield f"proofs/{sequence:09d}.json", [_json(proof)]
    yield from trail
    for name in VERIFIERS:
        yield f"verify/{name}", [(Path(settings.ROOT) / "clients" / name).read_bytes()]
    yield "verify/README.txt", [instructions(contents, told, unprinted).encode()]


def _trail() -> tuple[Iterator[tuple[str, Pieces]], str]:
    """The trail's files, and a sentence on what is in them."""
    newest = Checkpoint.objects.first()
    if newest is None:
        return iter(()), "No checkpoint had been signed, so nothing of the trail is proved."
    sealed = SealMember.objects.filter(seal__sequence__lte=newest.size).count()
    if newest.size + sealed > LONGEST_TRAIL:
        said = (
            f"The trail has {newest.size + sealed:,} events, more than {LONGEST_TRAIL:,}: it is "
            "not in the bundle. Each event's own proof is; export the trail for the whole."
        )
        return iter(()), said
    export = Export(newest)
    files = ((f"trail/{name}", (line.encode() for line in lines)) for name, lines in export.files())
    signed = f"{newest.at:%Y-%m-%d %H:%M} UTC"
    return files, f"The whole trail is here up to event {newest.size:,}, signed {signed}."


def _rows(name: str, contents: Contents) -> Iterator[dict[str, Any]]:
    for one in contents.items:
        if name == "items":
            yield {column: getattr(one, column) for column in TABLES[name]}
            continue
        parts = {"notes": one.entries, "signatures": one.walk.signatures, "events": one.walk.events}
        for part in parts[name]:
            yield {"position": one.position, **part}


def _json(content: Any) -> bytes:
    return json.dumps(plain(content), ensure_ascii=False, indent=1, sort_keys=True).encode()

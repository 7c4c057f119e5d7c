"""What governance puts into an archive: the card in every format, approvals, evidence, the trail.

Called while the archive is written, so everything is as it was at that moment. What cannot be had
is said in its place.
"""

import json
from collections.abc import Iterator
from typing import Any

from django.db.models import Q

from audit.chain import plain
from audit.models import Checkpoint, Event
from audit.proofs import exported, prove_consistency, prove_event
from governance.models import AttachedEvidence, CardRevision, ChangeRequest, Finding, Waiver
from governance.reads.cards import card_of
from governance.reads.cards import exported as exported_card
from governance.reads.downloads import FORMATS, Format
from governance.reads.papers import CannotPrint, card_html
from governance.reads.request_papers import requests_told
from governance.reads.written_numbers import in_plain_words
from registry.gateways import store
from registry.gateways.store import StoreError
from registry.models import Version

Part = tuple[str, bytes]
# A trail of one version is short; what is beyond is said.
MOST_EVENTS = 2_000


def parts_of(version_id: int) -> Iterator[Part]:
    """Path in the archive and bytes."""
    version = Version.objects.select_related("model").get(pk=version_id)
    yield from _card(version)
    yield from _approvals(version)
    yield from _evidence(version)
    yield from _trail(version)


def _card(version: Version) -> Iterator[Part]:
    """The newest revision in every format that one can take away, and what each could not hold."""
    page = card_of(version.pk)
    if page is None:
        yield "card/none.json", _json({"reason": "The version has no card."})
        return
    card = exported_card(page)
    told: dict[str, Any] = {}
    for one in FORMATS:
        content, told[one.id] = _made(one, card)
        if content is not None:
            yield f"card/card.{one.suffix}", content
    yield "card/card.html", card_html(in_plain_words(card)).encode()
    yield "card/formats.json", _json(told)
    yield "card/revisions.json", _json(_revisions(version))


def _made(one: Format, card: dict[str, Any]) -> tuple[bytes | None, dict[str, Any]]:
    """The card in one format, and what is told of it."""
    try:
        made = one.make(card)
    except CannotPrint as error:
        return None, {"title": one.title, "not_made": str(error)}
    content = made.document if isinstance(made.document, bytes) else str(made.document).encode()
    losses = [loss.as_dict() for loss in made.losses]
    return content, {"title": one.title, "media_type": one.media_type, "not_held": losses}


def _revisions(version: Version) -> list[dict[str, Any]]:
    rows = CardRevision.objects.filter(card__version=version).select_related("author")
    return [
        {
            "number": row.number,
            "digest": row.digest,
            "at": row.at,
            "author": row.author.name if row.author else "Ombud",
            "note": row.note,
        }
        for row in rows.order_by("number")
    ]


def _approvals(version: Version) -> Iterator[Part]:
    """Each change request with its evidence and signatures, and all signatures in one list."""
    signed: list[dict[str, Any]] = []
    for told in requests_told(version.pk):
        about = {"request": told["request"], "kind": told["kind"]}
        signed += [about | one for one in told["signatures"]]
        yield f"approvals/CR-{told['request']}.json", _json(told)
    yield "approvals/signatures.json", _json(signed)


def _evidence(version: Version) -> Iterator[Part]:
    """Findings, waivers, and what people attached to controls of the model."""
    found = Finding.objects.filter(Q(version=version) | Q(version=None), model=version.model_id)
    waived = Waiver.objects.filter(model=version.model_id)
    yield "evidence/findings.json", _json([_finding(row) for row in found.order_by("pk")])
    yield "evidence/waivers.json", _json([_waiver(row) for row in waived.order_by("pk")])
    rows = AttachedEvidence.objects.filter(model=version.model_id)
    told = []
    for row in rows.select_related("framework", "added_by").order_by("pk"):
        path = f"evidence/attached/{row.pk}" if row.path else ""
        content, missing = _file(row)
        told.append(_attached(row) | {"file": path, "missing": missing})
        if content is not None:
            yield path, content
    yield "evidence/attached.json", _json(told)


def _file(row: AttachedEvidence) -> tuple[bytes | None, str]:
    try:
        return (store.read(row.path), "") if row.path else (None, "")
    except StoreError as error:
        return None, str(error)


def _finding(row: Finding) -> dict[str, Any]:
    names = ("kind", "severity", "title", "text", "state", "due_on", "opened_at", "closed_at")
    told = {name: getattr(row, name) for name in names}
    return {"number": row.pk} | told | {"resolution": row.resolution}


def _waiver(row: Waiver) -> dict[str, Any]:
    names = ("state", "reason", "conditions", "expires_on", "asked_at", "decided_at", "method")
    told = {name: getattr(row, name) for name in names}
    more = {"finding": row.finding_id, "signed_by": row.printed_name, "digest": row.signed_digest}
    return {"number": row.pk} | told | more


def _attached(row: AttachedEvidence) -> dict[str, Any]:
    names = ("identifier", "title", "text", "media_type", "size", "sha256", "added_at")
    told = {name: getattr(row, name) for name in names}
    return told | {"framework": row.framework.slug, "added_by": row.added_by.name}


def _trail(version: Version) -> Iterator[Part]:
    """Every event about the version, its proof, and that the signed trail only grew meanwhile."""
    events = list(_events(version))
    newest = Checkpoint.objects.values_list("size", flat=True).first() or 0
    proved = [event for event in events if event.sequence <= newest]
    lines = (json.dumps(exported(one), ensure_ascii=False, sort_keys=True) for one in events)
    yield "audit/events.jsonl", "".join(f"{line}\n" for line in lines).encode()
    for event in proved:
        proof = prove_event(event=event, size=newest).content()
        yield f"audit/proofs/{event.sequence:09d}.json", _json(proof)
    if first := _first_over(proved[0].sequence) if proved else 0:
        yield "audit/consistency.json", _json(prove_consistency(old=first, new=newest))
    later = [event.sequence for event in events if event.sequence > newest]
    told = {"events": len(events), "checkpoint": newest, "after_the_checkpoint": later}
    cut = len(events) == MOST_EVENTS
    yield "audit/about.json", _json(told | {"only_the_newest": MOST_EVENTS if cut else 0})


def _first_over(sequence: int) -> int:
    """The smallest checkpoint that covers this event."""
    covering = Checkpoint.objects.filter(size__gte=sequence).order_by("size")
    return covering.values_list("size", flat=True).first() or 0


def _events(version: Version) -> list[Event]:
    """What the trail tells of the version, its requests, its card and its deployments."""
    wanted = Q(subject_type="registry.model", subject_id=str(version.model_id))
    for kind, numbers in _subjects(version).items():
        wanted |= Q(subject_type=kind, subject_id__in=[str(number) for number in numbers])
    newest = Event.objects.filter(wanted).order_by("-sequence")[:MOST_EVENTS]
    return sorted(newest, key=lambda event: event.sequence)


def _subjects(version: Version) -> dict[str, list[int]]:
    requests = ChangeRequest.objects.filter(version=version)
    found = Finding.objects.filter(version=version)
    return {
        "registry.version": [version.pk],
        "registry.deployment": list(version.deployments.values_list("pk", flat=True)),
        "registry.archive": list(_pk(version, "archive")),
        "governance.card": list(_pk(version, "card")),
        "governance.changerequest": list(requests.values_list("pk", flat=True)),
        "governance.clearance": list(version.clearances.values_list("pk", flat=True)),
        "governance.finding": list(found.values_list("pk", flat=True)),
    }


def _pk(version: Version, name: str) -> list[int]:
    """The id of the one thing of that name, where there is one."""
    return [getattr(version, name).pk] if hasattr(version, name) else []


def _json(content: Any) -> bytes:
    return json.dumps(plain(content), ensure_ascii=False, indent=1, sort_keys=True).encode()

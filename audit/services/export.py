"""The trail as files that prove themselves: `clients/ombud_verify.py` checks them alone.

Exported are the events that the newest checkpoint covers, so that nothing can be cut from, or added
to, the end of an export without its signature failing.
"""

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from django.db import transaction

from audit import chain, merkle, tree
from audit.events import AuditEvent
from audit.models import Checkpoint, Event, SealMember
from audit.proofs import NotProvable, based, exported
from audit.record import Actor, record

CHUNK = 2000
README = """An export of the audit trail of Ombud.

events.jsonl      the events of the chain, one JSON object a line
volume.jsonl      the rows of the seals that the chain tells of
checkpoints.txt   the signed checkpoints, oldest first
proofs.jsonl      that each checkpoint continues the one before it
keys.txt          the public keys that signed them: compare them with the ones you were given
manifest.json     how many of each there are

Check it with clients/ombud_verify.py of Ombud's source (Python and the package `cryptography`):

    python ombud_verify.py FOLDER-OR-ZIP [--key PUBLIC-KEY]
"""


@dataclass(frozen=True)
class Export:
    """What an export holds: up to which checkpoint."""

    newest: Checkpoint

    def files(self) -> Iterator[tuple[str, Iterator[str]]]:
        yield "README.txt", iter([README])
        yield "events.jsonl", self._events()
        yield "volume.jsonl", self._volume()
        yield "checkpoints.txt", (f"{note.note}\n" for note in self._checkpoints())
        yield "proofs.jsonl", self._proofs()
        yield "keys.txt", (f"{key}\n" for key in self._keys())
        yield "manifest.json", iter([json.dumps(self._manifest(), indent=1) + "\n"])

    def _events(self) -> Iterator[str]:
        events = Event.objects.filter(sequence__lte=self.newest.size).order_by("sequence")
        for event in events.iterator(chunk_size=CHUNK):
            yield _line(exported(event))

    def _volume(self) -> Iterator[str]:
        members = SealMember.objects.filter(seal__sequence__lte=self.newest.size)
        rows = members.order_by("seal_id", "index").select_related("event")
        for member in rows.iterator(chunk_size=CHUNK):
            yield _line(
                {"seal": member.seal_id, "index": member.index, "event": member.event.content()}
            )

    def _checkpoints(self) -> Iterator[Checkpoint]:
        known = Checkpoint.objects.filter(pk__lte=self.newest.pk)
        yield from known.order_by("pk").iterator(chunk_size=CHUNK)

    def _proofs(self) -> Iterator[str]:
        stored = tree.StoredTree()
        sizes = sorted({checkpoint.size for checkpoint in self._checkpoints()})
        for old, new in pairwise(sizes):
            path = merkle.consistency_proof(stored.look, old, new)
            yield _line({"from": old, "to": new, "path": based(path)})

    def _keys(self) -> list[str]:
        return sorted({key for one in self._checkpoints() for key in one.keys.splitlines()})

    def _manifest(self) -> dict[str, Any]:
        members = SealMember.objects.filter(seal__sequence__lte=self.newest.size)
        return {
            "format": "ombud-audit-export/1",
            "events": self.newest.size,
            "volume_events": members.count(),
            "seals": members.values("seal_id").distinct().count(),
            "checkpoints": sum(1 for _ in self._checkpoints()),
            "head": bytes(self.newest.chain_head).hex(),
        }


@transaction.atomic
def export_trail(*, actor: Actor) -> Export:
    """Begin an export up to the newest checkpoint; that it was taken is itself an event.

    Raises:
        NotProvable: there is no checkpoint yet.
    """
    newest = Checkpoint.objects.first()
    if newest is None:
        raise NotProvable("There is no checkpoint yet, so an export would prove nothing.")
    record(actor, AuditEvent.EXPORTED, newest, events=newest.size)
    return Export(newest)


def write_folder(*, export: Export, folder: Path) -> None:
    """The files of an export, in a new or empty folder.

    Raises:
        FileExistsError: one of the files is there already.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, lines in export.files():
        with (folder / name).open("x", encoding="utf-8", newline="") as sink:
            sink.writelines(lines)


def zipped(export: Export) -> Iterator[bytes]:
    """The files of an export as a zip, made while it is sent: memory does not grow with it."""
    sink = _Outlet()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, lines in export.files():
            with archive.open(name, "w", force_zip64=True) as entry:
                for line in lines:
                    entry.write(line.encode())
                    if len(sink.waiting) > 1 << 16:
                        yield sink.taken()
    yield sink.taken()


class _Outlet(io.RawIOBase):
    """A file that cannot seek and is emptied as it fills."""

    def __init__(self) -> None:
        self.waiting = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.waiting += data
        return len(data)

    def taken(self) -> bytes:
        piece = bytes(self.waiting)
        self.waiting.clear()
        return piece


def _line(content: dict[str, Any]) -> str:
    return chain.canonical(content).decode() + "\n"

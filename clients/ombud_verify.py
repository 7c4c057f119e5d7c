#!/usr/bin/env python3
"""Verify an export of Ombud's audit trail, or one proof, without Ombud, its database or a network.

    python ombud_verify.py EXPORT [--key PUBLIC-KEY]

EXPORT is a folder or zip made by `manage.py export_audit` or the API; or the folder `audit` of an
archive; or one proof as JSON: of an event, of the tombstone of a retired version or of a purged
archive, or that the trail only grew (`consistency.json`). Exit status: 0 everything holds, 1
something does not, 2 it cannot be checked (also: nothing was there to check). Needs Python 3.11 and
the package `cryptography`. This is an implementation of its own: it shares no code with the server
that it checks.
"""

import argparse
import base64
import hashlib
import io
import json
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

CONTENT = {
    *("at", "event", "actor_id", "actor_name", "subject_type", "subject_id", "subject_name"),
    *("team_id", "request_id", "data"),
}
# By the kind of a tombstone: the event that names its digest, and by which names event and
# tombstone name the archive's manifest.
TOMBSTONES = {
    "ombud-tombstone": ("governance.retirement.closed", "archive", "digest"),
    "ombud-purge": ("registry.archive.purged", "digest", "manifest"),
}
GREW = "ombud-audit-consistency/1"
EVENT = CONTENT | {"sequence", "previous", "digest"}


class Broken(Exception):
    """Something does not hold; `sequence` is the first event that is concerned, where one is."""

    def __init__(self, reason: str, sequence: int | None = None) -> None:
        super().__init__(reason)
        self.sequence = sequence


class Unusable(Exception):
    """It cannot be checked at all."""


@dataclass
class Export:
    """The parts of an export; iterables of lines are read once."""

    events: Iterable[str]
    checkpoints: str
    keys: str
    volume: Iterable[str] = ()
    proofs: Iterable[str] = ()


@dataclass
class Found:
    """How many of each hold."""

    events: int = 0
    seals: int = 0
    volume_events: int = 0
    checkpoints: int = 0
    proofs: int = 0
    tombstones: int = 0
    # Events that are there and that no checkpoint covered when the archive was written.
    later: int = 0
    signed_by: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Checkpoint:
    origin: str
    size: int
    root: bytes
    time: str
    head: str
    body: bytes
    signatures: tuple[tuple[str, bytes, bytes], ...]


# Hashes and trees (RFC 6962) ----------------------------------------------------------------------


def leaf_hash(content: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + content).digest()


def pair_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """Grows by leaves; keeps one hash per complete subtree, as (leaves, hash)."""

    def __init__(self) -> None:
        self.size = 0
        self.parts: list[tuple[int, bytes]] = []

    def add(self, leaf: bytes) -> None:
        part = (1, leaf)
        while self.parts and self.parts[-1][0] == part[0]:
            width, left = self.parts.pop()
            part = (2 * width, pair_hash(left, part[1]))
        self.parts.append(part)
        self.size += 1

    def root(self) -> bytes:
        if not self.parts:
            return hashlib.sha256(b"").digest()
        found = self.parts[-1][1]
        for _, left in self.parts[-2::-1]:
            found = pair_hash(left, found)
        return found


def root_by_path(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes:
    """The root that an inclusion path leads to, by walking down from the root to know the sides."""
    sides, start, end = [], 0, size
    while end - start > 1:
        middle = start + largest_power_below(end - start)
        left = index < middle
        sides.append(left)
        start, end = (start, middle) if left else (middle, end)
    if len(sides) != len(path) or not 0 <= index < size:
        raise Broken("the proof has not the length that its tree asks for")
    found = leaf
    for step, left in zip(path, reversed(sides), strict=True):
        found = pair_hash(found, step) if left else pair_hash(step, found)
    return found


def roots_by_path(old: int, new: int, old_root: bytes, path: list[bytes]) -> tuple[bytes, bytes]:
    """Both roots that a consistency path leads to."""
    sides, start, end = [], 0, new
    while old != end:
        middle = start + largest_power_below(end - start)
        left = old <= middle
        sides.append(left)
        start, end = (start, middle) if left else (middle, end)
    steps = list(path)
    if start != 0 and not steps:
        raise Broken("the proof is too short")
    seed = old_root if start == 0 else steps.pop(0)
    if len(steps) != len(sides):
        raise Broken("the proof has not the length that its trees ask for")
    before = after = seed
    for step, left in zip(steps, reversed(sides), strict=True):
        after = pair_hash(after, step) if left else pair_hash(step, after)
        before = before if left else pair_hash(step, before)
    return before, after


def largest_power_below(width: int) -> int:
    power = 1
    while power * 2 < width:
        power *= 2
    return power


# Text ---------------------------------------------------------------------------------------------


def read_json(line: str) -> Any:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise ValueError("a name occurs twice")
        return found

    def refuse(word: str) -> None:
        raise ValueError(f"{word} is no number")

    return json.loads(line, object_pairs_hook=once, parse_constant=refuse)


def canonical(content: dict[str, Any]) -> bytes:
    text = json.dumps(
        content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode()


def unbased(text: str) -> bytes:
    found = base64.b64decode(text, validate=True)
    if base64.b64encode(found).decode() != text:
        raise ValueError("base 64 is written in another way than it should be")
    return found


def read_keys(text: str) -> dict[tuple[str, bytes], bytes]:
    """Public keys by (name, id)."""
    found = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        try:
            name, key_id, encoded = line.split("+", 2)
            raw = unbased(encoded)
            computed = hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4]
        except ValueError as error:
            raise Broken(f"{line[:80]!r} is no public key") from error
        if raw[:1] != b"\x01" or len(raw) != 33 or computed.hex() != key_id:
            raise Broken(f"{line[:80]!r} is no public key")
        found[name, computed] = raw[1:]
    return found


def read_checkpoints(text: str) -> list[Checkpoint]:
    blocks = [block.strip("\n") for block in text.split("\n\n") if block.strip("\n")]
    if len(blocks) % 2:
        raise Broken("a checkpoint lacks its text or its signatures")
    return [read_checkpoint(body, signed) for body, signed in zip(*[iter(blocks)] * 2, strict=True)]


def read_checkpoint(body: str, signed: str) -> Checkpoint:
    try:
        origin, size, root, time, head = body.split("\n")
        signatures = []
        for line in signed.split("\n"):
            dash, name, encoded = line.split(" ")
            signature = unbased(encoded)
            if dash != "\u2014" or len(signature) != 68:
                raise ValueError(line)
            signatures.append((name, signature[:4], signature[4:]))
        if (
            str(int(size)) != size
            or int(size) < 1
            or not (time.startswith("time ") and head.startswith("head "))
        ):
            raise ValueError(body)
        return Checkpoint(
            origin,
            int(size),
            unbased(root),
            time[5:],
            head[5:],
            f"{body}\n".encode(),
            tuple(signatures),
        )
    except ValueError as error:
        raise Broken(f"a checkpoint is not written as one: {body[:80]!r}") from error


# Checks -------------------------------------------------------------------------------------------


def check_signatures(
    checkpoints: list[Checkpoint],
    keys: dict[tuple[str, bytes], bytes],
    trusted: dict[tuple[str, bytes], bytes],
) -> set[str]:
    """Every checkpoint is signed by a trusted key.

    A checkpoint that a trusted key signed together with another known key hands over to that key.
    """
    signers = [signers_of(checkpoint, keys) for checkpoint in checkpoints]
    believed = handed_over(signers, set(trusted))
    for checkpoint, who in zip(checkpoints, signers, strict=True):
        if not who & believed:
            raise Broken(f"no trusted key signed the checkpoint of {checkpoint.time}")
    return {f"{name}+{key_id.hex()}" for who in signers for name, key_id in who}


def signers_of(
    checkpoint: Checkpoint, keys: dict[tuple[str, bytes], bytes]
) -> set[tuple[str, bytes]]:
    """The known keys that signed a checkpoint; a signature of one of them that fails is a fault."""
    found = set()
    for name, key_id, signature in checkpoint.signatures:
        if (name, key_id) in keys:
            check_signature(keys[name, key_id], checkpoint, signature)
            found.add((name, key_id))
    return found


def handed_over(
    signers: list[set[tuple[str, bytes]]], believed: set[tuple[str, bytes]]
) -> set[tuple[str, bytes]]:
    """Whom one believes who believes these: also who signed one checkpoint together with them."""
    before = -1
    while len(believed) != before:
        before = len(believed)
        for together in signers:
            if together & believed:
                believed |= together
    return believed


def check_signature(key: bytes, checkpoint: Checkpoint, signature: bytes) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, checkpoint.body)
    except (InvalidSignature, ValueError) as error:
        raise Broken(f"the signature of the checkpoint of {checkpoint.time} fails") from error


def event_digest(event: dict[str, Any]) -> str:
    content = canonical({name: event[name] for name in CONTENT})
    number = event["sequence"].to_bytes(8, "big")
    covered = b"\x00" + number + bytes.fromhex(event["previous"]) + content
    return hashlib.sha256(covered).hexdigest()


def read_event(line: str, expected: int) -> dict[str, Any]:
    try:
        event = read_json(line)
        if not isinstance(event, dict) or set(event) != EVENT:
            raise ValueError("its fields are not those of an event")
        sequence = event["sequence"]
        if type(sequence) is not int:
            raise ValueError("its number is none")
    except (ValueError, RecursionError) as error:
        raise Broken(f"it cannot be read ({error})", expected) from error
    if sequence != expected:
        raise Broken(f"event {sequence} stands in its place", expected)
    return event


class Chain:
    """Goes along the events, and compares them with what was signed."""

    def __init__(self, checkpoints: list[Checkpoint]) -> None:
        self.tree, self.last = Tree(), "00" * 32
        self.signed = 0
        self.roots: dict[int, bytes] = {}
        self.seals: dict[int, tuple[int, str, int]] = {}
        self.expected: dict[int, list[Checkpoint]] = {}
        for checkpoint in checkpoints:
            self.expected.setdefault(checkpoint.size, []).append(checkpoint)

    def step(self, line: str) -> None:
        sequence = self.tree.size + 1
        event = read_event(line, sequence)
        if event["previous"] != self.last:
            raise Broken("it does not continue the event before it", sequence)
        try:
            digest = event_digest(event)
        except (ValueError, TypeError) as error:
            raise Broken("its content has no canonical form", sequence) from error
        if event["digest"] != digest:
            raise Broken("its content was changed after it was written", sequence)
        self.last = digest
        self.tree.add(leaf_hash(bytes.fromhex(digest)))
        self.note_seal(event)
        self.compare()

    def note_seal(self, event: dict[str, Any]) -> None:
        if event["event"] == "audit.seal.made":
            told = event["data"]
            self.seals[told["seal"]] = (event["sequence"], told["root"], told["events"])

    def compare(self) -> None:
        size = self.tree.size
        for checkpoint in self.expected.get(size, []):
            self.roots[size] = self.tree.root()
            if self.roots[size] != checkpoint.root or self.last != checkpoint.head:
                raise Broken(
                    f"events {self.signed + 1} to {size} are not those that the checkpoint of "
                    f"{checkpoint.time} signed",
                    self.signed + 1,
                )
        if size in self.expected:
            self.signed = size

    def end(self) -> None:
        longest = max(self.expected)
        if self.tree.size < longest:
            missing = longest - self.tree.size
            raise Broken(f"{missing} events are missing at the end", self.tree.size + 1)
        if self.tree.size > longest:
            raise Broken("it and what follows is covered by no checkpoint", longest + 1)


def check_proofs(lines: Iterable[str], roots: dict[int, bytes]) -> int:
    """Each checkpoint grew from the one before it: a proof for each pair, and each proof holds."""
    sizes = sorted(roots)
    wanted = set(pairwise(sizes))
    checked = 0
    for line in lines:
        try:
            proof = read_json(line)
            old, new = proof["from"], proof["to"]
            path = [unbased(step) for step in proof["path"]]
            heads = (roots[old], roots[new])
            found = roots_by_path(old, new, heads[0], path) if 0 < old < new else None
        except (ValueError, TypeError, KeyError) as error:
            raise Broken(f"a proof of consistency cannot be read ({error})") from error
        if found != heads:
            raise Broken(f"the proof that {new} events continue {old} events fails", old + 1)
        wanted.discard((old, new))
        checked += 1
    if wanted:
        raise Broken(f"there is no proof that {max(wanted)[1]} events continue {max(wanted)[0]}")
    return checked


def check_volume(lines: Iterable[str], told: dict[int, tuple[int, str, int]]) -> tuple[int, int]:
    """Every seal that the chain tells of has its rows, and no row has another seal."""
    trees: dict[int, Tree] = {number: Tree() for number in told}
    rows = 0
    for line in lines:
        number, index, leaf = read_row(line)
        if number not in trees:
            raise Broken(f"the chain does not tell of seal {number}")
        if index != trees[number].size:
            expected = trees[number].size
            raise Broken(f"seal {number}: its row {expected} is missing", told[number][0])
        trees[number].add(leaf)
        rows += 1
    for number, (sequence, root, events) in told.items():
        if trees[number].size != events or trees[number].root().hex() != root:
            raise Broken(f"seal {number}: its rows are not those that were sealed", sequence)
    return len(told), rows


def read_row(line: str) -> tuple[int, int, bytes]:
    try:
        row = read_json(line)
        if set(row) != {"seal", "index", "event"} or set(row["event"]) != CONTENT:
            raise ValueError("its fields are not those of a sealed row")
        return row["seal"], row["index"], leaf_hash(canonical(row["event"]))
    except (ValueError, TypeError, RecursionError) as error:
        raise Broken(f"a sealed row cannot be read ({error})") from error


def verify(export: Export, trusted: str = "") -> Found:
    """Check everything; without `trusted` keys those of the export are believed.

    Raises:
        Broken: something does not hold.
        Unusable: there is nothing to check.
    """
    keys = read_keys(export.keys) | read_keys(trusted)
    checkpoints = read_checkpoints(export.checkpoints)
    found = Found()
    chain = Chain(checkpoints)
    for line in export.events:
        chain.step(line)
    if not chain.tree.size and not checkpoints:
        raise Unusable("there are no events and no checkpoints: nothing was checked")
    if not checkpoints:
        raise Unusable("there is no checkpoint: a cut tail or a rewritten chain would not be seen")
    chain.end()
    found.events, found.checkpoints = chain.tree.size, len(checkpoints)
    found.signed_by = check_signatures(checkpoints, keys, read_keys(trusted) or keys)
    found.proofs = check_proofs(export.proofs, chain.roots)
    found.seals, found.volume_events = check_volume(export.volume, chain.seals)
    return found


def verify_proof(proof: dict[str, Any], trusted: str = "") -> Found:
    """Check one proof of inclusion, as the API gives it."""
    keys = read_keys("\n".join(proof["keys"])) | read_keys(trusted)
    (checkpoint,) = read_checkpoints(proof["checkpoint"])
    event = read_event(json.dumps(proof["event"]), proof["index"] + 1)
    if event["digest"] != event_digest(event):
        raise Broken("its content was changed after it was written", event["sequence"])
    leaf = leaf_hash(bytes.fromhex(event["digest"]))
    path = [unbased(step) for step in proof["path"]]
    if root_by_path(leaf, proof["index"], checkpoint.size, path) != checkpoint.root:
        raise Broken("it is not in the tree that was signed", event["sequence"])
    signed_by = check_signatures([checkpoint], keys, read_keys(trusted) or keys)
    return Found(events=1, checkpoints=1, proofs=1, signed_by=signed_by)


def verify_tombstone(told: dict[str, Any], trusted: str = "") -> Found:
    """Check the proof of a tombstone, and that the event on the trail is about this tombstone."""
    stone = told["tombstone"]
    kind = str(stone.get("format", "")).partition("/")[0]
    if kind not in TOMBSTONES:
        raise Unusable(f"{stone.get('format')!r} is no tombstone that is known here")
    found = verify_proof(told["proof"], trusted)
    name, in_event, in_stone = TOMBSTONES[kind]
    event = told["proof"]["event"]
    digest = hashlib.sha256(canonical(stone)).hexdigest()
    if event["event"] != name or event["data"]["tombstone"] != digest:
        raise Broken("the tombstone is not the one that was closed", event["sequence"])
    if told.get("digest", digest) != digest:
        raise Broken("the digest beside the tombstone is another one", event["sequence"])
    if event["data"][in_event] != stone["archive"][in_stone]:
        raise Broken("the tombstone names another archive", event["sequence"])
    found.tombstones = 1
    return found


def verify_consistency(told: dict[str, Any], trusted: str = "") -> Found:
    """Check that the trail at one checkpoint continues the trail at another: it only grew."""
    keys = read_keys("\n".join(told["keys"])) | read_keys(trusted)
    first, second = (the_checkpoint(told[end]) for end in ("from", "to"))
    if first.size > second.size or first.origin != second.origin:
        raise Broken("the checkpoints are not an earlier and a later one of one trail")
    path = [unbased(step) for step in told["path"]]
    heads = (first.root, second.root)
    if roots_by_path(first.size, second.size, first.root, path) != heads:
        raise Broken(
            f"the trail of {second.size} events does not continue the one of {first.size}",
            first.size + 1,
        )
    signed_by = check_signatures([first, second], keys, read_keys(trusted) or keys)
    return Found(checkpoints=2, proofs=1, signed_by=signed_by)


def the_checkpoint(told: dict[str, Any]) -> Checkpoint:
    """The one checkpoint of an end, over as many events as the end says."""
    (found,) = read_checkpoints(told["checkpoint"])
    if told["size"] != found.size:
        raise Broken(f"a checkpoint covers {found.size} events, and {told['size']} are said")
    return found


# The folder `audit` of an archive -----------------------------------------------------------------


def verify_archived(folder: Path, trusted: str = "") -> Found:
    """Check every event of an archive, that each is proved that could be, and that the trail grew.

    Raises:
        Broken: something does not hold.
        Unusable: no checkpoint covered any of its events.
    """
    lines = (folder / "events.jsonl").read_text(encoding="utf-8").splitlines()
    events = {event["sequence"]: event for event in map(read_json, filter(None, lines))}
    for number, event in events.items():
        if set(event) != EVENT or event["digest"] != event_digest(event):
            raise Broken("its content was changed after it was written", number)
    proofs = [
        read_json(path.read_text(encoding="utf-8"))
        for path in sorted((folder / "proofs").glob("*.json"))
    ]
    if not proofs:
        raise Unusable("no checkpoint covered its events: nothing could be checked")
    return checked_together(events, proofs, grown(folder), trusted)


def grown(folder: Path) -> dict[str, Any]:
    place = folder / "consistency.json"
    if not place.is_file():
        raise Broken("consistency.json is missing: that the trail only grew is not shown")
    told: dict[str, Any] = read_json(place.read_text(encoding="utf-8"))
    return told


def checked_together(
    events: dict[int, dict[str, Any]],
    proofs: list[dict[str, Any]],
    growth: dict[str, Any],
    trusted: str,
) -> Found:
    """The proofs lead to the checkpoint that the trail grew to, and miss no event before it."""
    found = verify_consistency(growth, trusted)
    newest = growth["to"]
    for proof in proofs:
        found.signed_by |= verify_proof(proof, trusted).signed_by
        number = proof["event"]["sequence"]
        if events.pop(number, None) != proof["event"]:
            raise Broken("its proof is of another event", number)
        if proof["checkpoint"] != newest["checkpoint"]:
            raise Broken("its proof leads to another checkpoint than the others", number)
    if unproved := [number for number in events if number <= newest["size"]]:
        raise Broken("it has no proof", min(unproved))
    found.events, found.proofs = len(proofs), len(proofs) + found.proofs
    found.later = len(events)
    return found


# Files --------------------------------------------------------------------------------------------


def opener(path: Path) -> Callable[[str], io.TextIOBase]:
    """What opens a file of the export by its name."""
    if path.is_dir():
        return lambda name: (path / name).open(encoding="utf-8", newline="\n")
    archive = zipfile.ZipFile(path)
    return lambda name: io.TextIOWrapper(archive.open(name), encoding="utf-8", newline="\n")


def lines_of(open_file: Callable[[str], io.TextIOBase], name: str) -> Iterator[str]:
    with open_file(name) as source:
        yield from (line for line in source if line.strip())


def load(path: Path) -> Export:
    open_file = opener(path)
    with open_file("checkpoints.txt") as checkpoints, open_file("keys.txt") as keys:
        return Export(
            events=lines_of(open_file, "events.jsonl"),
            checkpoints=checkpoints.read(),
            keys=keys.read(),
            volume=lines_of(open_file, "volume.jsonl"),
            proofs=lines_of(open_file, "proofs.jsonl"),
        )


def check(path: Path, trusted: str) -> Found:
    if path.is_file() and not zipfile.is_zipfile(path):
        told = read_json(path.read_text(encoding="utf-8"))
        return checker_of(told)(told, trusted)
    if path.is_dir() and not (path / "checkpoints.txt").exists():
        return verify_archived(path, trusted)
    return verify(load(path), trusted)


def checker_of(told: dict[str, Any]) -> Callable[[dict[str, Any], str], Found]:
    if told.get("format") == GREW:
        return verify_consistency
    return verify_tombstone if "tombstone" in told else verify_proof


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("export", type=Path, help="folder, zip, or one proof as JSON")
    parser.add_argument("--key", action="append", default=[], help="a public key that you trust")
    options = parser.parse_args(arguments)
    try:
        found = check(options.export, "\n".join(options.key))
    except Broken as error:
        where = "" if error.sequence is None else f" at event {error.sequence}"
        return say(1, f"BROKEN{where}: {error}.")
    except (Unusable, OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        return say(2, f"CANNOT BE CHECKED: {error}")
    trust = "" if options.key else " Compare this key with one that you got from elsewhere."
    return say(
        0,
        f"{found.events} events, {found.seals} seals over {found.volume_events} volume events, "
        f"{found.checkpoints} checkpoints and {found.proofs} proofs checked: all hold.\n"
        f"{'1 tombstone is the one that was closed.' + chr(10) if found.tombstones else ''}"
        f"{f'{found.later} later events have no proof.' + chr(10) if found.later else ''}"
        f"Signed by {', '.join(sorted(found.signed_by))}.{trust}",
    )


def say(status: int, text: str) -> int:
    print(text, file=sys.stderr if status else sys.stdout)
    return status


if __name__ == "__main__":
    sys.exit(main())

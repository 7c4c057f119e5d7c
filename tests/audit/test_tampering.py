"""Random tamperings of every kind, all found, the first bad event named.

A fixed share runs with the suite; `OMBUD_TAMPERINGS=1000` runs a thousand of each kind.
"""

import json
import os
import random
from collections.abc import Iterator
from copy import copy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit import chain, merkle, notes
from audit.checking import Walk
from audit.models import Event
from clients import ombud_verify
from clients.ombud_verify import Broken, Export

TIMES = int(os.environ.get("OMBUD_TAMPERINGS", "60"))
EVENTS, SIGNED = 24, (9, 17, 24)
FIELDS = sorted(ombud_verify.EVENT)  # a set: workers must agree on the order
KINDS = [*(f"edit {name}" for name in FIELDS), "delete", "swap", "insert", "cut", "rewrite"]
SIGNER = notes.Signer("ombud.example/audit", Ed25519PrivateKey.from_private_bytes(bytes(32)))
BEGAN = datetime(2026, 4, 1, tzinfo=UTC)


def events() -> list[Event]:
    """A trail as it is in the database, made in memory; event 12 tells of a seal."""
    made: list[Event] = []
    for sequence in range(1, EVENTS + 1):
        event = Event(
            sequence=sequence,
            at=BEGAN + timedelta(seconds=sequence),
            event="accounts.token.created",
            actor_id=sequence % 3,
            actor_name="Olga",
            subject_type="accounts.apitoken",
            subject_id=str(sequence),
            subject_name=f"laptop {sequence}",
            team_id=sequence % 2 or None,
            request_id=f"r-{sequence}",
            data={"days": sequence, "scopes": ["read"]},
        )
        if sequence == 12:
            event.event, event.data = "audit.seal.made", sealed()
        made.append(linked(event, made[-1] if made else None))
    return made


def sealed():
    leaves = [merkle.leaf_hash(chain.canonical(row)) for row in ROWS]
    return {"seal": 1, "root": merkle.root(leaves).hex(), "events": len(leaves)}


def linked(event: Event, before: Event | None) -> Event:
    event.previous = bytes(before.digest) if before else chain.GENESIS
    event.digest = chain.digest(
        content=event.content(), sequence=event.sequence, previous=event.previous
    )
    return event


ROWS = [
    {
        **dict.fromkeys(ombud_verify.CONTENT, "x"),
        "actor_id": 1,
        "team_id": None,
        "data": {"rows": number},
    }
    for number in range(5)
]
TRAIL = events()
LEAVES = [merkle.leaf_hash(bytes(event.digest)) for event in TRAIL]
HEADS = [
    notes.TreeHead(
        SIGNER.name,
        size,
        merkle.root(LEAVES[:size]),
        chain.moment(BEGAN),
        TRAIL[size - 1].digest_hex,
    )
    for size in SIGNED
]


def line(event: Event) -> str:
    content = chain.plain(event.content())
    links = {"previous": bytes(event.previous).hex(), "digest": bytes(event.digest).hex()}
    return chain.canonical({"sequence": event.sequence, **content, **links}).decode()


def proofs() -> Iterator[str]:
    for old, new in pairwise(SIGNED):
        path = merkle.consistency_proof(merkle.in_memory(LEAVES), old, new)
        yield json.dumps({"from": old, "to": new, "path": [notes.based(step) for step in path]})


EXPORT = Export(
    events=[line(event) for event in TRAIL],
    checkpoints="\n".join(notes.signed_note(head, [SIGNER]) for head in HEADS),
    keys=SIGNER.public.text,
    volume=[json.dumps({"seal": 1, "index": at, "event": row}) for at, row in enumerate(ROWS)],
    proofs=list(proofs()),
)


def other(value: object, chance: random.Random) -> object:
    """Another value of the same type, as a tamperer would write one."""
    if isinstance(value, dict):
        return {**value, "days": chance.randrange(1000, 10**6)}
    if isinstance(value, int):
        return value + chance.choice([-1, 1]) * chance.randrange(1, 10**6)
    if isinstance(value, str) and len(value) == 64:
        return chance.randbytes(32).hex()
    if isinstance(value, str):
        at = chance.randrange(len(value) + 1)
        return f"{value[:at]}{chance.choice('~^|')}{value[at:]}"
    return chance.randrange(1, 10**6)


def tampered(kind, rows, chance, edit, insert, rewrite):
    """The rows after one tampering, and which event is then the first bad one."""
    rows, at = list(rows), chance.randrange(EVENTS)
    if kind.startswith("edit"):
        rows[at] = edit(rows[at], kind.removeprefix("edit "))
    elif kind == "delete":
        del rows[at]
    elif kind == "swap":
        at, second = sorted(chance.sample(range(EVENTS), 2))
        rows[at], rows[second] = rows[second], rows[at]
    elif kind == "insert":
        rows.insert(at, insert(rows[chance.randrange(EVENTS)]))
    elif kind == "cut":
        del rows[at:]
    else:
        rows, after = rewrite(at)
        return rows, {after}
    return rows, {at + 1, at + 2} if kind in {"delete", "insert"} else {at + 1}


def rewritten(at: int) -> tuple[list[Event], int]:
    """Somebody changes an event and computes everything after it anew, as an owner can."""
    rows = [copy(event) for event in TRAIL]
    rows[at].actor_name = "Sam"
    for place in range(at, EVENTS):
        linked(rows[place], rows[place - 1] if place else None)
    before = max((size for size in SIGNED if size <= at), default=0)
    return rows, before + 1


def chances(kind: str) -> Iterator[random.Random]:
    for number in range(TIMES):
        yield random.Random(f"{kind} {number}")


def first_bad(export: Export) -> int | None:
    try:
        ombud_verify.verify(export)
    except Broken as error:
        return error.sequence
    raise AssertionError("not found")


def test_the_untouched_trail_holds():
    found = ombud_verify.verify(EXPORT)
    assert (found.events, found.checkpoints, found.proofs, found.seals) == (24, 3, 2, 1)
    assert walked(TRAIL) is None


@pytest.mark.parametrize("kind", KINDS)
def test_every_tampering_with_an_export_is_found(kind):
    for chance in chances(kind):

        def edit(text, name, chance=chance):
            event = json.loads(text)
            return json.dumps({**event, name: other(event[name], chance)})

        def rewrite(at):
            made, after = rewritten(at)
            return [line(event) for event in made], after

        rows, expected = tampered(kind, EXPORT.events, chance, edit, lambda row: row, rewrite)
        if rows == EXPORT.events:
            continue
        assert first_bad(replace(EXPORT, events=rows)) in expected, rows


def walked(rows: list[Event]) -> int | None:
    walk = Walk(HEADS)
    for event in rows:
        if broken := walk.step(event):
            return broken.sequence
    broken = walk.end()
    return broken.sequence if broken else None


@pytest.mark.parametrize("kind", KINDS)
def test_every_tampering_with_loaded_rows_is_found(kind):
    for chance in chances(kind):

        def edit(event, name, chance=chance):
            changed = copy(event)
            value = getattr(event, name)
            if isinstance(value, bytes):
                setattr(changed, name, chance.randbytes(32))
            elif isinstance(value, datetime):
                changed.at = value + timedelta(microseconds=chance.randrange(1, 10**9))
            else:
                setattr(changed, name, other(value, chance))
            return changed

        rows, expected = tampered(kind, TRAIL, chance, edit, copy, rewritten)
        # A number that was changed is named as it now is: it stands where another should.
        expected |= {row.sequence for row in rows} - set(range(1, EVENTS + 1))
        expected |= (
            set(range(1, EVENTS + 1)) if kind in {"swap", "insert", "edit sequence"} else set()
        )
        assert walked(rows) in expected, kind


@pytest.mark.parametrize("part", ["checkpoints", "keys", "volume", "proofs"])
def test_every_other_part_of_an_export_is_watched_too(part):
    """One sign of any file is replaced by another."""
    whole = getattr(EXPORT, part)
    lines = whole if isinstance(whole, list) else [whole]
    for chance in chances(part):
        changed = list(lines)
        at = chance.randrange(len(changed))
        place = chance.randrange(len(changed[at].rstrip()))
        was = changed[at][place]
        sign = chance.choice([sign for sign in "0aZ~" if sign != was])
        changed[at] = f"{changed[at][:place]}{sign}{changed[at][place + 1 :]}"
        if part == "proofs" and json_equal(changed[at], lines[at]):
            continue
        tried = replace(EXPORT, **{part: changed if isinstance(whole, list) else changed[0]})
        with pytest.raises((Broken, ombud_verify.Unusable)):
            ombud_verify.verify(tried)


def json_equal(one: str, two: str) -> bool:
    try:
        return bool(json.loads(one) == json.loads(two))
    except ValueError:
        return False


@pytest.mark.parametrize("part", ["volume", "proofs"])
def test_a_missing_line_is_missed(part):
    for at in range(len(getattr(EXPORT, part))):
        lines = [text for place, text in enumerate(getattr(EXPORT, part)) if place != at]
        with pytest.raises(Broken):
            ombud_verify.verify(replace(EXPORT, **{part: lines}))

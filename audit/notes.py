"""Signed checkpoints as text: C2SP's signed notes and tree heads, Ed25519. No Django.

A checkpoint is a few lines (origin, number of events, head of the tree, then the time and the last
event's digest as extension lines), an empty line, and one signature line per key. It can be read
aloud, mailed, printed, and checked by any implementation of the format.
"""

import base64
import binascii
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519 = b"\x01"
DASH = "— "
TIME, HEAD = "time ", "head "


class NoteInvalid(Exception):
    """The text is no checkpoint, or nobody whom we know signed it."""


@dataclass(frozen=True)
class PublicKey:
    """Who signs: a name (the origin of the log) and an Ed25519 key."""

    name: str
    raw: bytes

    @property
    def key_id(self) -> str:
        """Eight hex digits; they tell keys apart and are no fingerprint to trust by."""
        named = self.name.encode() + b"\n" + ED25519 + self.raw
        return hashlib.sha256(named).digest()[:4].hex()

    @property
    def text(self) -> str:
        """The key as one line: name+id+key."""
        return f"{self.name}+{self.key_id}+{based(ED25519 + self.raw)}"

    def signed(self, message: bytes, signature: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


def public_key(text: str) -> PublicKey:
    """The key in a line as `PublicKey.text` writes it.

    Raises:
        NoteInvalid: the line is none.
    """
    name, _, rest = text.strip().partition("+")
    key_id, _, encoded = rest.partition("+")
    raw = _unbased(encoded)
    found = PublicKey(name, raw[1:])
    if raw[:1] != ED25519 or len(raw) != 33 or found.key_id != key_id:
        raise NoteInvalid(f"{text.strip()[:120]!r} is no public key of a log")
    return found


@dataclass(frozen=True)
class Signer:
    """A private key under the name that it signs with."""

    name: str
    private: Ed25519PrivateKey

    @property
    def public(self) -> PublicKey:
        return PublicKey(self.name, self.private.public_key().public_bytes_raw())

    def line(self, body: str) -> str:
        signature = self.private.sign(body.encode())
        signed = bytes.fromhex(self.public.key_id) + signature
        return f"{DASH}{self.name} {based(signed)}\n"


@dataclass(frozen=True)
class TreeHead:
    """What a checkpoint says: how many events there are, and the one head that they have."""

    origin: str
    size: int
    root: bytes
    time: str
    chain_head: str

    @property
    def body(self) -> str:
        lines = [
            self.origin,
            str(self.size),
            based(self.root),
            f"{TIME}{self.time}",
            f"{HEAD}{self.chain_head}",
        ]
        return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Note:
    """A checkpoint with its signatures, as (name, key id, signature)."""

    head: TreeHead
    text: str
    signatures: list[tuple[str, str, bytes]] = field(default_factory=list)

    def signers(self, keys: Mapping[str, PublicKey]) -> list[str]:
        """Ids of the known keys that signed this.

        Raises:
            NoteInvalid: a line in the name of a known key does not hold, or nobody known signed.
        """
        body = self.head.body.encode()
        found = []
        for name, key_id, signature in self.signatures:
            key = keys.get(key_id)
            if key is None or key.name != name:
                continue
            if not key.signed(body, signature):
                raise NoteInvalid(f"the signature of key {key_id} does not hold")
            found.append(key_id)
        if not found:
            raise NoteInvalid("no known key signed it")
        return found


def signed_note(head: TreeHead, signers: Iterable[Signer]) -> str:
    return f"{head.body}\n{''.join(signer.line(head.body) for signer in signers)}"


def parse(text: str) -> Note:
    """One checkpoint from its text; who signed it is asked of the result.

    Raises:
        NoteInvalid: it has not exactly the form that `signed_note` writes.
    """
    body, _, signatures = text.partition("\n\n")
    lines = body.split("\n")
    well_formed = len(lines) == 5 and lines[3].startswith(TIME) and lines[4].startswith(HEAD)
    if not well_formed or not lines[1].isascii() or not lines[1].isdigit():
        raise NoteInvalid("it has not the lines of a checkpoint")
    head = TreeHead(
        lines[0],
        int(lines[1]),
        _unbased(lines[2]),
        lines[3].removeprefix(TIME),
        lines[4].removeprefix(HEAD),
    )
    if head.body != body + "\n" or len(head.root) != 32:
        raise NoteInvalid("it is not written as a checkpoint is")
    return Note(head, text, [_signature(line) for line in signatures.splitlines() if line])


def _signature(line: str) -> tuple[str, str, bytes]:
    name, _, encoded = line.removeprefix(DASH).partition(" ")
    signed = _unbased(encoded)
    if not line.startswith(DASH) or len(signed) != 68:
        raise NoteInvalid("a signature line is damaged")
    return name, signed[:4].hex(), signed[4:]


def split(text: str) -> list[str]:
    """The checkpoints of a file to which they were appended one after the other.

    A piece that is no checkpoint is a piece of its own, so that it is not overlooked.
    """
    found: list[str] = []
    blocks = [block.strip("\n") for block in text.split("\n\n") if block.strip("\n")]
    for block in blocks:
        open_body = found and not found[-1].endswith("\n")
        if block.startswith(DASH) and open_body:
            found[-1] += f"\n\n{block}\n"
        else:
            found.append(block)
    return found


def based(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _unbased(text: str) -> bytes:
    """The bytes; the last sign has bits that mean nothing, so only the one proper form is taken."""
    try:
        found = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoteInvalid("a part of it is not base 64") from error
    if based(found) != text:
        raise NoteInvalid("a part of it is not written as base 64 is")
    return found

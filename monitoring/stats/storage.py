"""Storage: a profile as compact bytes and back, and its digest.

Format
    `OMBP`, format byte, length of the header, header (JSON: keys, shapes, exact sums as pairs of
    integers, extremes as hexadecimal floats), then all counts as little-endian int64 in the order
    of their keys; header and counts are compressed by zlib at its fastest level, because most bins
    of an hour are empty. Equal profiles give equal bytes before compression; the digest is taken
    there.

Example
    >>> from_bytes(to_bytes(Profile("d"))) == Profile("d")
    True
"""

import hashlib
import json
import math
import struct
import zlib
from typing import Any

import numpy as np

from monitoring.stats.columns import Counts
from monitoring.stats.exact import Exact
from monitoring.stats.profiles import Profile

MAGIC = b"OMBP\x01"
LARGEST_PROFILE = 256 * 1024 * 1024


def to_bytes(profile: Profile) -> bytes:
    """Return a profile as bytes."""
    return MAGIC + zlib.compress(_canonical(profile), 1)


def digest(profile: Profile) -> str:
    """Return the SHA-256 of a profile's canonical bytes, in hexadecimal."""
    return hashlib.sha256(_canonical(profile)).hexdigest()


def from_bytes(stored: bytes | memoryview) -> Profile:
    """Return the profile that `to_bytes` wrote; ValueError where the bytes are none."""
    raw = bytes(stored)
    if not raw.startswith(MAGIC):
        raise ValueError("These bytes are not a profile of format 1.")
    try:
        return _parse(_inflate(raw[len(MAGIC) :]))
    except (zlib.error, struct.error, KeyError, IndexError, TypeError, UnicodeError) as error:
        raise ValueError(f"The profile's bytes are damaged: {error}.") from error


def _inflate(packed: bytes) -> bytes:
    stream = zlib.decompressobj()
    raw = stream.decompress(packed, LARGEST_PROFILE)
    if not stream.eof:
        raise ValueError("The profile's bytes are truncated or larger than a profile may be.")
    return raw


def _canonical(profile: Profile) -> bytes:
    keys = sorted(profile.counts)
    header = {
        "bins": profile.bins,
        "counts": [[key, list(profile.counts[key].shape)] for key in keys],
        "sums": {key: [number.mantissa, number.exponent] for key, number in profile.sums.items()},
        "extremes": {key: [low.hex(), high.hex()] for key, (low, high) in profile.extremes.items()},
        "unseen": {key: dict(tally) for key, tally in profile.unseen.items()},
    }
    text = json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
    payload = [np.ascontiguousarray(profile.counts[key], dtype="<i8").tobytes() for key in keys]
    return b"".join([struct.pack("<I", len(text)), text, *payload])


def _parse(raw: bytes) -> Profile:
    (length,) = struct.unpack_from("<I", raw)
    header = json.loads(raw[4 : 4 + length])
    flat = np.frombuffer(raw[4 + length :], dtype="<i8").astype(np.int64, copy=False)
    return Profile(
        header["bins"],
        _counts(header["counts"], flat),
        {key: Exact(*pair) for key, pair in header["sums"].items()},
        {key: _range(pair) for key, pair in header["extremes"].items()},
        header["unseen"],
    )


def _counts(shapes: list[list[Any]], flat: Counts) -> dict[str, Counts]:
    counts, start = {}, 0
    for key, shape in shapes:
        size = math.prod(shape)
        counts[key] = flat[start : start + size].reshape(shape)
        start += size
    if start != flat.size:
        raise ValueError(f"The profile holds {flat.size} counts, its header names {start}.")
    return counts


def _range(pair: list[str]) -> tuple[float, float]:
    return float.fromhex(pair[0]), float.fromhex(pair[1])

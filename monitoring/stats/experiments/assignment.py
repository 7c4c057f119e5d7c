"""Assignment: which version answers a unit, from a salted hash; nothing is stored per unit.

Definition
    position = the first 64 bits (big-endian) of SHA-256 over salt, experiment and unit, joined by
    newlines. A unit is the challenger's where position / 2^64 < share; shares are counted in
    hundredths of a percent, so that every language computes the same with whole numbers. Raising
    the share never moves a unit back, and another salt or experiment draws anew.

    A unit is 1 to 200 visible ASCII characters: other text has several spellings in bytes.

Example
    >>> role_of(position("00", "e", "u"), 10_000)
    'challenger'

Source
    Kohavi, Tang and Xu (2020), Trustworthy Online Controlled Experiments, chapter 4.
"""

import hashlib
import re

UNIT = re.compile(r"[\x21-\x7e]{1,200}")
WHOLE = 10_000


def position(salt: str, experiment: str, unit: str) -> int:
    """Return where a unit stands, from 0 to 2^64 - 1."""
    text = f"{salt}\n{experiment}\n{unit}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def role_of(place: int, parts: int) -> str:
    """Return the role at `parts` ten-thousandths of the traffic for the challenger."""
    return "challenger" if place * WHOLE < parts << 64 else "champion"


def complaint_about(unit: str) -> str:
    """Return what is wrong with a unit, or nothing."""
    if not unit:
        return "Name a unit: what stays with one version, such as a customer's number."
    if len(unit) > 200:
        return f"A unit has at most 200 characters; this one has {len(unit)}."
    if not UNIT.fullmatch(unit):
        return (
            "A unit consists of visible ASCII characters without spaces, so that every language"
            " hashes the same bytes; encode or hash others first."
        )
    return ""

"""Which version answers this unit? Ombud's assignment without the network (Python 3.10+, stdlib).

    if role(salt=salt, experiment=key, unit=customer, share="0.05") == "challenger": ...

Salt, experiment and share stand in the answer of `GET /api/v1/models/{model}/assignment`; keep them
for as long as its Cache-Control says. A unit is what stays together: a customer, a device.
"""

import hashlib
import json
import re
import sys
from decimal import Decimal

UNIT = re.compile(r"[\x21-\x7e]{1,200}")
WHOLE = 10_000  # shares are counted in hundredths of a percent


class UnitRefused(ValueError):
    """The unit is not one that every language writes in the same bytes."""


def position(*, salt: str, experiment: str, unit: str) -> int:
    """Where the unit stands, from 0 to 2^64 - 1: it never moves while the experiment lasts.

    The first 8 bytes, big-endian, of SHA-256 over salt, experiment and unit, joined by newlines.
    """
    if not UNIT.fullmatch(unit):
        raise UnitRefused("unit: 1 to 200 visible ASCII characters, without spaces.")
    text = f"{salt}\n{experiment}\n{unit}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def role(*, salt: str, experiment: str, unit: str, share: str | Decimal) -> str:
    """`challenger` below the share, else `champion`; a greater share only ever adds units."""
    parts = Decimal(share) * WHOLE
    if not 0 <= parts <= WHOLE or parts != int(parts):
        raise ValueError("share: from 0 to 1, with at most four decimals.")
    place = position(salt=salt, experiment=experiment, unit=unit)
    return "challenger" if place * WHOLE < int(parts) << 64 else "champion"


def check(path: str) -> int:
    """How many test vectors of a file hold; raises where one does not."""
    with open(path, encoding="utf-8") as file:
        vectors = json.load(file)["vectors"]
    for one in vectors:
        named = {"salt": one["salt"], "experiment": one["experiment"], "unit": one["unit"]}
        if str(position(**named)) != one["position"]:
            raise SystemExit(f"{one['unit']}: another position than the vector's")
        for share, expected in one["roles"].items():
            if role(**named, share=share) != expected:
                raise SystemExit(f"{one['unit']} at {share}: not the {expected}")
    if not vectors:
        raise SystemExit("There are no vectors: nothing was checked.")
    return len(vectors)


if __name__ == "__main__":
    sys.stdout.write(f"{check(sys.argv[1])} vectors hold.\n")

"""Numbers that an imported card stated, each with the measurement that can speak about it."""

import re
from collections.abc import Sequence

from governance.models import CardImport
from governance.numbers import IMPORTED, Number, base_name

SIGNS = re.compile(r"[^a-z0-9²]+")


def imported_numbers(version_id: int, measured: Sequence[Number]) -> tuple[Number, ...]:
    """The numbers of the newest import, bound where this version is measured. One query."""
    newest = CardImport.objects.filter(version=version_id).order_by("-pk").first()
    rows = newest.numbers if newest else []
    return tuple(_number(row, measured) for row in rows)


def bound_to(label: str, measured: Sequence[Number]) -> Number | None:
    """The measurement of the same thing: by its full name, or by the measure where it is one."""
    sound = [number for number in measured if number.measurement_id is not None]
    wanted = plain_name(label)
    named = [number for number in sound if plain_name(number.label) == wanted]
    alike = [number for number in sound if base_name(number.metric) == base_name(wanted)]
    found = named or [number for number in alike if plain_name(number.label) in _spellings(number)]
    return found[0] if found else None


def _spellings(number: Number) -> set[str]:
    """Labels without a field, which a bare name of the measure can mean."""
    return {plain_name(number.label)} if "(" not in number.label else set()


def plain_name(label: str) -> str:
    return SIGNS.sub("_", label.lower()).strip("_")


def _number(row: dict[str, object], measured: Sequence[Number]) -> Number:
    label = str(row["label"])
    found = bound_to(label, measured)
    return Number(
        metric=found.metric if found else plain_name(label),
        label=label,
        value=float(str(row["value"])),
        source=IMPORTED,
        low=_end(row.get("low")),
        high=_end(row.get("high")),
        measurement_id=found.measurement_id if found else None,
    )


def _end(value: object) -> float | None:
    return None if value is None else float(str(value))

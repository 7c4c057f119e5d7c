"""What a page is asked to show: a version, a period and a segment. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from registry.models import Version

DEFAULT = "1y"
PERIODS = {
    "4w": ("4 weeks", 28),
    "12w": ("12 weeks", 84),
    "26w": ("26 weeks", 182),
    "1y": ("1 year", 366),
}


@dataclass(frozen=True)
class View:
    """The choices of a request, as far as they make sense."""

    period: str
    version: Version | None
    segment: str = ""

    @property
    def days(self) -> int:
        return PERIODS[self.period][1]

    @property
    def query(self) -> str:
        """The choices as the end of an address, for links that keep them."""
        chosen = {"period": self.period if self.period != DEFAULT else ""}
        chosen["version"] = str(self.version.number) if self.version else ""
        chosen["segment"] = self.segment
        return urlencode({key: value for key, value in chosen.items() if value})


def view_of(
    asked: Mapping[str, str], versions: Sequence[Version], watched: set[int], serving: Sequence[int]
) -> View:
    """The period and the version that are asked for.

    Else what serves now, the champion first, then the newest version with numbers, then the newest.
    """
    period, number = asked.get("period", ""), asked.get("version", "")
    wanted = next((one for one in versions if str(one.number) == number), None)
    ranked = sorted(versions, key=lambda one: _rank(one, watched, serving))
    chosen = wanted or next(iter(ranked), None)
    return View(period if period in PERIODS else DEFAULT, chosen)


def _rank(version: Version, watched: set[int], serving: Sequence[int]) -> tuple[bool, int, int]:
    place = serving.index(version.pk) if version.pk in serving else len(serving)
    return version.pk not in watched, place, -version.number


def period_choice(view: View, **kept: str) -> list[dict[str, Any]]:
    """Links to the same page over other periods."""
    version = {"version": str(view.version.number)} if view.version else {}
    return [
        {
            "label": label,
            "key": key,
            "url": _address(period=key, segment=view.segment, **version, **kept),
        }
        for key, (label, _) in PERIODS.items()
    ]


def version_choice(
    view: View, versions: Sequence[Version], watched: set[int], **kept: str
) -> list[dict[str, Any]]:
    """Links to the same page of other versions that have numbers; none if there is no choice."""
    shown = [one for one in versions if one.pk in watched or one == view.version]
    if len(shown) < 2:
        return []
    return [
        {
            "label": f"Version {one.number}",
            "key": one.number,
            "url": _address(
                period=view.period, version=str(one.number), segment=view.segment, **kept
            ),
        }
        for one in reversed(shown)
    ]


def _address(**query: str) -> str:
    return f"?{urlencode({key: value for key, value in query.items() if value})}"

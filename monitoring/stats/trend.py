"""Trend: where a series is heading, said only if saying so has been better than "no change".

Definition
    The trend is the Theil-Sen line: the median of the slopes of all pairs of windows, and the
    median of what is left as its level. Its interval is Kendall's, widened for autocorrelation: the
    variance of Kendall's S is multiplied by (1 + r) / (1 - r), r being the lag-one autocorrelation
    of what is left, where that is positive.

    Before anything is said of the future the trend has to prove itself on the past: from every
    origin with at least 8 windows before it, the line and "as in the last window" both forecast the
    windows up to a tenth of the history ahead. Only if the line's mean absolute error is smaller,
    in a one-sided sign test at 10 % as well, and its interval excludes no slope, a breach is
    expected, and never farther ahead than half the history.

Example
    >>> found = expected_breach([0.1 * n for n in range(20)], threshold=2.45, rising=True)
    >>> round(found.windows, 1)
    5.5

Source
    Sen (1968), Journal of the American Statistical Association 63:1379; Kendall (1955), Rank
    Correlation Methods; Hamed and Rao (1998), Journal of Hydrology 204:182, on autocorrelation;
    Tashman (2000), International Journal of Forecasting 16:437, on rolling origins.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from monitoring.stats.columns import Floats
from monitoring.stats.intervals import CONFIDENCE, z_of

FEWEST = 12
FIRST_ORIGIN = 8
MOST = 200
SURE = 0.1


@dataclass(frozen=True)
class Outlook:
    """The slope of a series per window with its interval, and when it is expected to breach.

    `windows` counts from the last window on, with its interval; None, with a reason, where nothing
    can be said. `last` is the line's value at the last window.
    """

    slope: float | None
    low: float | None
    high: float | None
    last: float | None
    windows: float | None = None
    soonest: float | None = None
    latest: float | None = None
    reason: str = ""


@dataclass(frozen=True)
class Line:
    """A robust line through a series, and the interval of its slope."""

    slope: float
    level: float
    low: float
    high: float

    def at(self, places: Floats) -> Floats:
        """Return the line's values at places, 0 being the first window."""
        values: Floats = self.level + self.slope * places
        return values


def expected_breach(values: Sequence[float | None], *, threshold: float, rising: bool) -> Outlook:
    """Return the outlook of a window series, oldest first; missing windows are None.

    `rising` says that values above the threshold breach; otherwise values below do.
    """
    series = np.array([np.nan if one is None else one for one in values], dtype=np.float64)[-MOST:]
    places = np.flatnonzero(np.isfinite(series)).astype(np.float64)
    if places.size < FEWEST:
        return _nothing(f"fewer than {FEWEST} windows have a value")
    known = series[np.isfinite(series)]
    if known.min() == known.max():
        return _nothing("the series is constant")
    line = theil_sen(places, known)
    last = float(line.at(np.array([series.size - 1.0]))[0])
    said = Outlook(line.slope, line.low, line.high, last)
    reason = _against(line, last, threshold, rising=rising) or _unproven(places, known)
    if reason:
        return Outlook(line.slope, line.low, line.high, last, reason=reason)
    spread = _middle_error(places, known, line)
    return _reached(said, line, threshold, places, spread, series.size)


def theil_sen(places: Floats, values: Floats) -> Line:
    """Return the Theil-Sen line through values at places, both of shape (n,), n at least 3."""
    first, second = np.triu_indices(places.size, 1)
    slopes = np.sort((values[second] - values[first]) / (places[second] - places[first]))
    slope = float(np.median(slopes))
    level = float(np.median(values - slope * places))
    half = z_of(CONFIDENCE) * _kendall_sd(values - level - slope * places)
    count = slopes.size
    low, high = (count - half) / 2, (count + half) / 2
    return Line(
        slope,
        level,
        float(slopes[max(math.floor(low) - 1, 0)]),
        float(slopes[min(math.ceil(high), count - 1)]),
    )


def _kendall_sd(rest: Floats) -> float:
    n = rest.size
    variance = n * (n - 1) * (2 * n + 5) / 18
    return math.sqrt(variance * _widening(rest - rest.mean()))


def _widening(centred: Floats) -> float:
    """Return by how much autocorrelation widens a variance: (1 + r) / (1 - r), r at least 0."""
    total = float(centred @ centred)
    r = float(centred[1:] @ centred[:-1]) / total if total > 0 else 0.0
    r = min(max(r, 0.0), 0.9)
    return (1 + r) / (1 - r)


def _against(line: Line, last: float, threshold: float, *, rising: bool) -> str:
    if line.low <= 0 <= line.high:
        return "there is no clear trend: its interval holds no change"
    if (line.slope > 0) != rising:
        return "the trend leads away from the threshold"
    if (last >= threshold) if rising else (last <= threshold):
        return "the threshold has been reached already"
    return ""


def _unproven(places: Floats, values: Floats) -> str:
    """Return why the trend may not be told, or nothing if it beat "no change" on its own past."""
    ahead = max(1, values.size // 10)
    wins = losses = 0
    ours = theirs = 0.0
    for origin in range(FIRST_ORIGIN, values.size - ahead + 1):
        line = theil_sen(places[:origin], values[:origin])
        truth = values[origin : origin + ahead]
        one = float(np.abs(line.at(places[origin : origin + ahead]) - truth).mean())
        other = float(np.abs(values[origin - 1] - truth).mean())
        ours, theirs = ours + one, theirs + other
        wins, losses = wins + (one < other), losses + (one > other)
    if not wins + losses or ours >= theirs:
        return "so far the trend has forecast no better than saying that nothing changes"
    # Origins overlap: as many independent ones as there are stretches of that length.
    n = max(1, round((wins + losses) / ahead))
    won = round(n * wins / (wins + losses))
    if float(special.bdtrc(won - 1, n, 0.5)) > SURE:
        return "too few forecasts could be tried to trust the trend"
    return ""


def _middle_error(places: Floats, values: Floats, line: Line) -> float:
    """Return the standard error of the line's height in the middle, wider where rest is alike."""
    rest = values - line.at(places)
    rest = rest - rest.mean()
    variance = float(rest @ rest) / (rest.size - 2)
    return math.sqrt(variance / rest.size * _widening(rest))


def _reached(
    said: Outlook, line: Line, threshold: float, places: Floats, error: float, size: int
) -> Outlook:
    """Return when the line reaches the threshold.

    Slope and height in the middle are uncertain nearly independently of each other; at the last
    window they are not, so the interval turns the line about the middle of the series.
    """
    windows = (threshold - (said.last or 0.0)) / line.slope
    if windows > size / 2:
        reason = "a breach would be farther ahead than half of what has been seen"
        return Outlook(said.slope, said.low, said.high, said.last, reason=reason)
    middle = float(places.mean())
    gap = threshold - line.level - line.slope * middle
    half = z_of(CONFIDENCE) * error
    ends = [(gap + off) / slope for off in (-half, half) for slope in (line.low, line.high)]
    passed = size - 1 - middle
    soonest, latest = max(min(ends) - passed, 0.0), max(max(ends) - passed, 0.0)
    return Outlook(said.slope, said.low, said.high, said.last, windows, soonest, latest)


def _nothing(reason: str) -> Outlook:
    return Outlook(None, None, None, None, reason=reason)

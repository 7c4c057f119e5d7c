"""Numbers, sizes, times and small pictures as text. Pure: no database, no request."""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

NOTHING = "–"
MINUS = "−"
BYTE_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")
SPANS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
AGES = (
    ("year", 31_557_600),
    ("month", 2_629_800),
    ("day", 86_400),
    ("hour", 3_600),
    ("minute", 60),
)


def _real(value: object) -> float | None:
    """The value as a finite number, or None: pages show a dash and never "nan"."""
    try:
        found = float(value)  # type: ignore[arg-type]  # whatever a template passes
    except (TypeError, ValueError):
        return None
    return found if math.isfinite(found) else None


def number(value: object, digits: int = 3) -> str:
    """Whole numbers with separators; others with `digits` significant digits, at least as many
    as the whole part has: 12345 is 12,345; 0.71234 is 0.712; 1234.5 is 1,234; 0.00001 is 1.00e-5.
    """
    found = _real(value)
    if found is None:
        return NOTHING
    if found == int(found) and abs(found) < 1e15 and not isinstance(value, float):
        return f"{int(found):,}".replace("-", MINUS)
    return _decimal(found, int(digits)).replace("-", MINUS, 1 if found < 0 else 0)


def _decimal(found: float, digits: int) -> str:
    if found == 0:
        return "0"
    exponent = math.floor(math.log10(abs(found)))
    if exponent < -4 or exponent > 14:
        return f"{found:.{digits - 1}e}".replace("e-0", "e-").replace("e+0", "e+")
    # Below 0.1 one digit less: 0.050 and 0.0031 read better beside 0.712 than 0.0500 and 0.00310.
    places = digits - 1 - exponent - (1 if exponent < -1 else 0)
    return f"{found:,.{max(0, places)}f}"


def signed(value: object, digits: int = 3) -> str:
    """A difference: always with its sign."""
    text = number(value, digits)
    found = _real(value)
    return f"+{text}" if found is not None and found > 0 else text


def percent(value: object, places: int = 1) -> str:
    """A share from 0 to 1 as a percentage: 0.1234 is 12.3 %."""
    found = _real(value)
    return NOTHING if found is None else f"{100 * found:.{int(places)}f}\u202f%".replace("-", MINUS)


def bytesize(value: object) -> str:
    """Bytes in decimal units: 1500 is 1.5 kB."""
    found = _real(value)
    if found is None:
        return NOTHING
    power = min(int(math.log10(abs(found)) // 3), len(BYTE_UNITS) - 1) if abs(found) >= 1 else 0
    scaled = found / 1000**power
    return f"{scaled:.{0 if power == 0 else 1}f}\u00a0{BYTE_UNITS[power]}"


def duration(value: object) -> str:
    """Seconds or a timedelta in its two largest units: 5400 is 1 h 30 min; 0.25 is 250 ms."""
    seconds = value.total_seconds() if isinstance(value, timedelta) else _real(value)
    if seconds is None:
        return NOTHING
    if abs(seconds) < 1:
        return f"{1000 * seconds:.0f} ms"
    parts, rest = [], int(seconds)
    for unit, length in SPANS:
        amount, rest = divmod(rest, length)
        if amount:
            parts.append(f"{amount} {unit}")
    return " ".join(parts[:2])


def measured(value: object, unit: str = "") -> str:
    """A number in the unit a KPI or metric is given in (share, s, ms, bytes, other text)."""
    by_unit: dict[str, Callable[[object], str]] = {
        "share": percent,
        "percent": percent,
        "s": duration,
        "seconds": duration,
        "bytes": bytesize,
    }
    if unit in by_unit:
        return by_unit[unit](value)
    return f"{number(value)}\u00a0{unit}" if unit and _real(value) is not None else number(value)


def interval(low: object, high: object) -> str:
    """Both ends of an interval, in brackets; empty without them."""
    if _real(low) is None or _real(high) is None:
        return ""
    return f"({number(low)}{NOTHING}{number(high)})"  # an en dash joins the ends


def utc(value: datetime | None) -> str:
    """The exact time: 2026-11-22 17:57 UTC."""
    return NOTHING if value is None else f"{value.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def ago(value: datetime | None, now: datetime | None = None) -> str:
    """How long ago, or in how long, in the largest unit: "3 days ago", "in 2 hours"."""
    if value is None:
        return "never"
    seconds = ((now or datetime.now(UTC)) - value).total_seconds()
    for unit, length in AGES:
        amount = int(abs(seconds) // length)
        if amount:
            said = f"{amount} {unit}{'s' if amount > 1 else ''}"
            return f"{said} ago" if seconds > 0 else f"in {said}"
    return "just now" if seconds >= 0 else "in a moment"


WIDTH, HEIGHT, EDGE = 100.0, 28.0, 3.0


def spark(values: Sequence[float | None], threshold: float | None = None) -> dict[str, Any]:
    """Lines of a sparkline in a box of 100 by 28: one per run of numbers, gaps between them."""
    finite = [value for value in values if value is not None]
    seen = finite + ([threshold] if threshold is not None else [])
    low, high = (min(seen), max(seen)) if seen else (0.0, 0.0)
    step = (WIDTH - 2 * EDGE) / max(len(values) - 1, 1)

    def y(value: float) -> float:
        share = (value - low) / (high - low) if high > low else 0.5
        return round(HEIGHT - EDGE - share * (HEIGHT - 2 * EDGE), 1)

    points = [
        None if v is None else (round(EDGE + i * step, 1), y(v)) for i, v in enumerate(values)
    ]
    return {
        "lines": _runs(points),
        "last": next((point for point in reversed(points) if point), None),
        "threshold_y": None if threshold is None else y(threshold),
    }


def _runs(points: Sequence[tuple[float, float] | None]) -> list[str]:
    runs: list[list[str]] = [[]]
    for point in points:
        if point is None:
            runs.append([])
        else:
            runs[-1].append(f"{point[0]},{point[1]}")
    return [" ".join(run) for run in runs if run]


def spark_label(values: Sequence[float | None]) -> str:
    """What a sparkline says to those who do not see it."""
    finite = [value for value in values if value is not None]
    if not finite:
        return "No values yet"
    return f"{len(finite)} values, last {number(finite[-1])}"


def _line_table(chart: Mapping[str, Any]) -> dict[str, Any]:
    head = [chart.get("x_label", "Window")]
    for series in chart["series"]:
        head += [series["name"]] + (["Interval"] if "low" in series else [])
        head += ["Verdict"] if "verdicts" in series else []
    rows = [[x, *_line_cells(chart["series"], at)] for at, x in enumerate(chart["x"])]
    return {"head": head, "rows": rows}


def _line_cells(series: Sequence[Mapping[str, Any]], at: int) -> list[str]:
    cells: list[str] = []
    for one in series:
        cells.append(number(one["y"][at]))
        if "low" in one:
            cells.append(interval(one["low"][at], one["high"][at]) or NOTHING)
        if "verdicts" in one:
            cells.append(str(one["verdicts"][at]).replace("_", " "))
    return cells


def _bar_table(chart: Mapping[str, Any]) -> dict[str, Any]:
    show = percent if chart.get("unit") == "share" else number
    head = [chart.get("x_label", "Value"), *(series["name"] for series in chart["series"])]
    rows = [
        [label, *(show(series["y"][at]) for series in chart["series"])]
        for at, label in enumerate(chart["x"])
    ]
    return {"head": head, "rows": rows}


CHART_TABLES: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "line": _line_table,
    "bar": _bar_table,
}


LANE_WIDTH, LANE_HEIGHT, LANE_GAP = 1000.0, 22.0, 8.0


def lanes(
    stays: Sequence[Mapping[str, Any]], start: datetime, end: datetime
) -> dict[str, list[dict[str, Any]]]:
    """Stays (label, since, until or None, tone) as bars, one lane per label in order of appearance.

    x and width are in a box of 1000, cut at both ends of the period; stays outside it are left out.
    """
    span = max((end - start).total_seconds(), 1.0)
    names = list(dict.fromkeys(str(stay["label"]) for stay in stays))
    bars = []
    for stay in stays:
        since, until = max(stay["since"], start), min(stay.get("until") or end, end)
        if until < since:
            continue
        x = LANE_WIDTH * (since - start).total_seconds() / span
        # A stay that has just begun is still seen, at the end of its lane.
        width = max(LANE_WIDTH * (until - since).total_seconds() / span, 3.0)
        x = min(x, LANE_WIDTH - width)
        y = names.index(str(stay["label"])) * (LANE_HEIGHT + LANE_GAP)
        bars.append({**stay, "x": round(x, 1), "width": round(width, 1), "y": y})
    rows = [{"label": name, "y": at * (LANE_HEIGHT + LANE_GAP)} for at, name in enumerate(names)]
    return {"bars": bars, "rows": rows}


def quarters(start: datetime, end: datetime, count: int = 4) -> list[datetime]:
    """Evenly spaced times from start to end, for an axis."""
    return [start + (end - start) * at / count for at in range(count + 1)]

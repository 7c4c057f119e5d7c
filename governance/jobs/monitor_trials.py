"""Other settings of a monitor over stored windows, beside what it did and what is known."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from governance.models import BackTest
from governance.trials import MOST_ROWS, MOST_WINDOWS, TooMuch, share
from monitoring.jobs.trying import Tried, as_tried, try_windows, versions_to_try, windows_to_try
from monitoring.models import Monitor, Resolution, Run
from monitoring.reads.known import Known, known_incidents
from monitoring.stats.alarms import Alarm, Judged, alarms
from monitoring.stats.verdict import Verdict
from registry.models import Version

FORMAT = "ombud-back-test-monitor/1"
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
# What an alarm met, the surest first.
MEETINGS = (Resolution.CONFIRMED, Resolution.FALSE_ALARM, Resolution.EXPECTED, "unsaid")
CAVEATS = (
    "Windows are counted as they are stored now: outcomes that came late are in them.",
    "Only incidents that were opened are known. What no monitor saw cannot be told to be missed.",
    "An alarm that met no incident is not told to be false: nobody has looked.",
)


@dataclass(frozen=True)
class Seen:
    """One version: the windows that were tried, the runs there were, and its incidents."""

    version: Version
    tried: list[Tried]
    runs: list[Run]
    known: list[Known]
    new: list[Alarm]
    old: list[Alarm]


def try_monitor(
    row: BackTest, now: datetime, keep: Callable[[], object]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What went in, and what came out; `keep` is called after every window.

    Raises:
        TooMuch: more windows than one back-test looks at.
    """
    monitor = Monitor.objects.select_related("model").get(pk=int(row.monitor_id or 0))
    tried = as_tried(monitor, row.proposal)
    seen = [_seen(row, monitor, tried, *one, keep) for one in _planned(row, tried)]
    lines = [line for one in seen for line in _lines(one)]
    differing = [line for line in lines if line["verdict"] != line["stored"]]
    result = {
        "format": FORMAT,
        "computed_at": now,
        "versions": [one.version.number for one in seen],
        "first": min((line["start"] for line in lines), default=None),
        "last": max((line["end"] for line in lines), default=None),
        "proposed": _side(seen, lines, "verdict", lambda one: one.new),
        "present": _side(seen, lines, "stored", lambda one: one.old),
        "incidents": [line for one in seen for line in _incidents(one)],
        "alarms": [line for one in seen for line in _alarms(one)][:MOST_ROWS],
        "windows": len(lines),
        "differing": len(differing),
        "rows": differing[:MOST_ROWS],
        "said": [*CAVEATS, *_about_settings(row, seen)],
    }
    return _inputs(row, seen), result


def planned_windows(row: BackTest, tried: Monitor) -> int:
    """How many windows there are to be tried, before any is."""
    return sum(len(windows) for _, windows in _plan(row, tried))


def _plan(row: BackTest, tried: Monitor) -> list[tuple[Version, list[Any]]]:
    since, until = row.since, row.until
    return [
        (version, windows_to_try(tried, version, since=since, until=until))
        for version in versions_to_try(tried, since=since, until=until)
    ]


def _planned(row: BackTest, tried: Monitor) -> list[tuple[Version, list[Any]]]:
    plan = _plan(row, tried)
    if (count := sum(len(windows) for _, windows in plan)) > MOST_WINDOWS:
        raise TooMuch(f"{count:,} windows; at most {MOST_WINDOWS:,}: choose a shorter period.")
    return plan


def _seen(
    row: BackTest,
    monitor: Monitor,
    tried: Monitor,
    version: Version,
    windows: list[Any],
    keep: Callable[[], object],
) -> Seen:
    found = []
    for one in try_windows(tried, version, windows):
        found.append(one)
        keep()
    runs = list(
        Run.objects.filter(
            monitor=monitor,
            version=version,
            latest=True,
            window_start__gte=row.since,
            window_end__lte=row.until,
        ).order_by("window_end")
    )
    known = known_incidents([version.pk], monitor.kind, since=row.since, until=row.until)
    new = _alarms_of(
        tried,
        (Judged(o.window.start, o.window.end, o.verdict) for o in found if o.verdict is not None),
    )
    stored = (Judged(one.window_start, one.window_end, Verdict(one.verdict)) for one in runs)
    old = _alarms_of(as_tried(monitor, row.present), stored)
    return Seen(version, found, runs, known, new, old)


def _alarms_of(monitor: Monitor, windows: Iterable[Judged]) -> list[Alarm]:
    return alarms(
        list(windows),
        open_after=(monitor.open_after, monitor.open_of),
        close_after=monitor.close_after,
    )


def _lines(one: Seen) -> list[dict[str, Any]]:
    """Every window: what is tried and what was stored, each where there is one."""
    lines: dict[tuple[datetime, datetime], dict[str, Any]] = {}
    for tried in one.tried:
        window = tried.window
        line = _line(one, window.start, window.end)
        told = {"verdict": tried.verdict and str(tried.verdict), "rows": tried.rows}
        known = {"told": tried.verdict is not None, "reason": tried.reason}
        lines[window.start, window.end] = line | told | known
    for run in one.runs:
        key = run.window_start, run.window_end
        line = lines.setdefault(key, _line(one, *key))
        line |= {"stored": run.verdict, "run": run.pk}
    return [lines[key] for key in sorted(lines)]


def _line(one: Seen, start: datetime, end: datetime) -> dict[str, Any]:
    version = one.version.number
    empty = {"verdict": None, "told": True, "rows": 0, "reason": "", "stored": None, "run": None}
    return {"version": version, "start": start, "end": end, **empty}


def _side(
    seen: Sequence[Seen],
    lines: Sequence[dict[str, Any]],
    key: str,
    of: Callable[[Seen], list[Alarm]],
) -> dict[str, Any]:
    """What one of the two settings did: windows by verdict, alarms, hits, misses."""
    verdicts = Counter(line[key] for line in lines if line[key])
    raised = [(one, alarm) for one in seen for alarm in of(one)]
    met = Counter(_met(one, alarm) for one, alarm in raised)
    confirmed = [
        (one, known) for one in seen for known in one.known if known.resolution == "confirmed"
    ]
    first = [(known, _first(of(one), known)) for one, known in confirmed]
    delays = [(alarm.opened - known.began) / HOUR for known, alarm in first if alarm]
    hits = len(delays)
    quiet = [line for line in lines if line[key] in JUDGED and _is_quiet(seen, line)]
    judged = met[Resolution.CONFIRMED] + met[Resolution.FALSE_ALARM]
    return {
        "windows": sum(verdicts.values()),
        "verdicts": {str(verdict): verdicts[verdict] for verdict in Verdict},
        "untold": sum(not line["told"] for line in lines) if key == "verdict" else 0,
        "alarms": len(raised),
        "open": sum(alarm.closed is None for _, alarm in raised),
        "met": {str(name): met[name] for name in (*MEETINGS, "nothing")},
        "hits": hits,
        "misses": len(confirmed) - hits,
        "found": share(hits, len(confirmed)),
        "delay_hours": {"median": median(delays) if delays else None, "of": hits},
        "false": share(met[Resolution.FALSE_ALARM], judged),
        "quiet": share(sum(line[key] == Verdict.BREACH for line in quiet), len(quiet)),
    }


JUDGED = frozenset(Verdict) - {Verdict.INSUFFICIENT_DATA}


def _is_quiet(seen: Sequence[Seen], line: dict[str, Any]) -> bool:
    """Whether no incident lasted in the window, but for those that were false alarms."""
    known = next(one.known for one in seen if one.version.number == line["version"])
    real = (one for one in known if one.resolution != Resolution.FALSE_ALARM)
    return not any(one.began < line["end"] and one.ended > line["start"] for one in real)


def _met(one: Seen, alarm: Alarm) -> str:
    """The surest thing that is known of what an alarm met."""
    met = {known.resolution or "unsaid" for known in one.known if _meet(alarm, known)}
    return next((str(name) for name in MEETINGS if name in met), "nothing")


def _meet(alarm: Alarm, known: Known) -> bool:
    return alarm.meets(known.began, known.ended)


def _first(raised: Sequence[Alarm], known: Known) -> Alarm | None:
    return next((alarm for alarm in raised if _meet(alarm, known)), None)


def _incidents(one: Seen) -> list[dict[str, Any]]:
    """Each known incident, and when either of the settings would have raised an alarm of it."""
    told = []
    for known in one.known:
        new, old = _first(one.new, known), _first(one.old, known)
        then = old.opened if old else known.alarmed
        told.append(
            {
                "incident": known.id,
                "version": one.version.number,
                "title": known.title,
                "severity": known.severity,
                "resolution": known.resolution or "unsaid",
                "began": known.began,
                "ended": known.ended,
                "alarmed": then,
                "proposed": new.opened if new else None,
                "days_earlier": (then - new.opened) / DAY if new else None,
                "delay_hours": (new.opened - known.began) / HOUR if new else None,
                "present_delay_hours": (old.opened - known.began) / HOUR if old else None,
            }
        )
    return told


def _alarms(one: Seen) -> list[dict[str, Any]]:
    return [
        {
            "version": one.version.number,
            "began": alarm.began,
            "opened": alarm.opened,
            "closed": alarm.closed,
            "breaches": alarm.breaches,
            "met": _met(one, alarm),
        }
        for alarm in one.new
    ]


def _about_settings(row: BackTest, seen: Sequence[Seen]) -> list[str]:
    """Runs that were made while the monitor had other settings than now are counted."""
    names = [name for name in row.present if name not in ("lateness_hours",)]
    runs = [run for one in seen for run in one.runs]
    other = sum(
        any(run.settings.get(n, row.present[n]) != row.present[n] for n in names) for run in runs
    )
    if not other:
        return []
    return [f"{other:,} of {len(runs):,} stored runs were made under settings it had before."]


def _inputs(row: BackTest, seen: Sequence[Seen]) -> dict[str, Any]:
    """What the result follows from, so that its digest says whether the past was the same."""
    return {
        "proposal": row.proposal,
        "present": row.present,
        "since": row.since,
        "until": row.until,
        "versions": [
            {
                "version": one.version.number,
                "windows": [[o.window.start, o.window.end, o.rows] for o in one.tried],
                "runs": [[run.pk, run.profile_digest, run.verdict] for run in one.runs],
                "incidents": [[k.id, k.resolution, k.began, k.ended] for k in one.known],
            }
            for one in seen
        ],
    }

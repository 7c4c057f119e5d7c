"""The result of a back-test as tables: proposed beside present, and what it says one by one."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from governance.back_test_words import FATE_WORDS, MET_WORDS, VERDICT_WORDS, since
from governance.gates import title_of
from governance.past_changes import Fate, Verdict
from governance.reads.back_tests import BackTestPage
from governance.rounds import quorum_words
from monitoring.jobs.trying import as_tried
from monitoring.models import Monitor
from monitoring.web.words import span, threshold_text

Side = Mapping[str, Any]
Rows = list[tuple[str, str, str]]
TONES = {"blocked": "blocked", "untold": "unmeasured", "warned": "warning", "passed": "passed"}
SETTINGS = {
    "minimum_n": "No verdict below so many rows",
    "open_after": "Alarm after so many breaches",
    "open_of": "among so many windows",
    "close_after": "Calm after so many windows",
    "window_hours": "Window",
    "every_hours": "Evaluated every",
    "alpha": "False-alarm probability of a window",
    "segments": "Rows",
    "fields": "Fields",
    "metric": "Measure",
}


def tables_of(page: BackTestPage) -> dict[str, Any]:
    """What the template shows of a finished back-test; nothing of another."""
    row = page.row
    tried = _settings(page, row.monitor) if row.monitor else _proposal(page)
    if not page.result:
        return {"tried": tried}
    found = _of_monitor(page) if row.monitor else _of_policy(page)
    return {"tried": tried, **found}


def _of_policy(page: BackTestPage) -> dict[str, Any]:
    new, old = page.result["proposed"], page.result["present"]
    return {
        "beside": _beside(POLICY_LINES, new, old),
        "fates": [FATE_WORDS[fate].capitalize() for fate in Fate],
        "matrix": [
            (VERDICT_WORDS[one].capitalize(), [new["cells"][one][fate] for fate in Fate])
            for one in Verdict
        ],
        "gates": new["gates"],
        "lines": [_line(one) for one in page.result["rows"]],
    }


def _proposal(page: BackTestPage) -> Rows:
    """Signatures and gates, proposed and in force: what differs, and how much is the same."""
    new, old = page.row.proposal, page.row.present
    wanted, had = _by_title(new.get("gates", ())), _by_title(old.get("gates", ()))
    titles = [*wanted, *(one for one in had if one not in wanted)]
    gates = [(one, wanted.get(one, "not asked"), had.get(one, "not asked")) for one in titles]
    whole = [("Signatures", _signatures(new), _signatures(old)), *gates]
    rows = [row for row in whole if row[1] != row[2]]
    same = len(whole) - len(rows)
    return [*rows, (f"{same} more", "the same", "the same")] if same else rows


def _signatures(policy: Mapping[str, Any]) -> str:
    asked = policy.get("quorum", {})
    return quorum_words(asked) if asked else "none"


def _by_title(gates: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    return {title_of(gate): _asked(gate) for gate in gates}


def _asked(gate: Mapping[str, Any]) -> str:
    parameters = gate.get("parameters") or {}
    said = (f"{name.replace('_', ' ')} {_plain(value)}" for name, value in parameters.items())
    return ": ".join(one for one in (str(gate["mode"]), ", ".join(said)) if one)


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _line(row: Mapping[str, Any]) -> dict[str, Any]:
    stopping = [one for one in row["gates"] if one["mode"] == "prevent"]
    return {
        **row,
        "words": VERDICT_WORDS[Verdict(row["verdict"])],
        "tone": TONES[row["verdict"]],
        "fate_words": FATE_WORDS[Fate(row["fate"])],
        "why": stopping or [one for one in row["gates"] if one["mode"] == "warn"],
        "missing": quorum_words(row["lacking"]) if row["lacking"] else "",
    }


def _beside(
    lines: Sequence[tuple[str, Callable[[Side], Any]]], new: Side, old: Side | None
) -> list[tuple[str, Any, Any]]:
    return [(label, of(new), of(old) if old else None) for label, of in lines]


def _share(side: Side) -> str:
    """So many of so many with the interval, as 3 of 14 (21 %; 95 %: 8 to 48 %)."""
    if not side["of"]:
        return "none to tell by"
    low, high = (f"{100 * side[name]:.0f}" for name in ("low", "high"))
    value = f"{100 * side['value']:.0f}\u202f%"
    return f"{side['hits']} of {side['of']} ({value}; 95\u202f%: {low} to {high}\u202f%)"


def _verdicts(side: Side, verdict: Verdict) -> str:
    return f"{sum(side['cells'][verdict].values())} of {side['requests']}"


def _lacking(side: Side) -> str:
    return f"{side['short_of_signatures']} of {side['carried_out']} carried out"


POLICY_LINES: tuple[tuple[str, Callable[[Side], Any]], ...] = (
    ("Blocked", lambda side: _verdicts(side, Verdict.BLOCKED)),
    ("Let through with a warning", lambda side: _verdicts(side, Verdict.WARNED)),
    ("Cannot be told", lambda side: _verdicts(side, Verdict.UNTOLD)),
    ("Of those that went wrong, blocked", lambda side: _share(side["shares"]["caught"])),
    ("Of those that went well, blocked", lambda side: _share(side["shares"]["needless"])),
    ("Of those blocked, went wrong", lambda side: _share(side["shares"]["right"])),
    ("More signatures asked for", _lacking),
)


def _of_monitor(page: BackTestPage) -> dict[str, Any]:
    result = page.result
    return {
        "beside": _beside(MONITOR_LINES, result["proposed"], result["present"]),
        "incidents": [_incident(one) for one in result["incidents"]],
        "alarms": [{**one, "met_words": MET_WORDS[one["met"]]} for one in result["alarms"]],
        "windows": result["rows"],
        "windows_cut": result["differing"] - len(result["rows"]),
    }


def _settings(page: BackTestPage, monitor: Monitor) -> Rows:
    """Thresholds in the measure's unit, and whatever else is different."""
    new, old = page.row.proposal, page.row.present
    tried, now = as_tried(monitor, new), as_tried(monitor, old)
    rows = [
        (verdict.capitalize(), threshold_text(tried, verdict), threshold_text(now, verdict))
        for verdict in ("warning", "breach")
    ]
    others = ((words, name) for name, words in SETTINGS.items() if new.get(name) != old.get(name))
    return [*rows, *((words, _set(name, new), _set(name, old)) for words, name in others)]


def _set(name: str, said: Mapping[str, Any]) -> str:
    value = said.get(name)
    if name in ("window_hours", "every_hours"):
        return span(int(value or 0))
    return _plain(value) or "all"


def _incident(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **row,
        "delay": _delay(row["delay_hours"]),
        "present_delay": _delay(row["present_delay_hours"]),
    }


def _delay(hours: float | None) -> str:
    return "no alarm" if hours is None else since(hours)


def _median(side: Side) -> str:
    told = side["delay_hours"]
    return "–" if told["median"] is None else f"{since(told['median'])} (median of {told['of']})"


MONITOR_LINES: tuple[tuple[str, Callable[[Side], Any]], ...] = (
    ("Windows judged", lambda side: side["windows"] - side["verdicts"]["insufficient_data"]),
    ("Windows in breach", lambda side: side["verdicts"]["breach"]),
    ("Windows that cannot be told", lambda side: side["untold"]),
    ("Alarms", lambda side: side["alarms"]),
    ("Confirmed incidents found", lambda side: _share(side["found"])),
    ("Confirmed incidents missed", lambda side: side["misses"]),
    ("Their alarm", _median),
    ("Alarms that people dismissed", lambda side: _share(side["false"])),
    ("Alarms that met no incident", lambda side: side["met"]["nothing"]),
    ("Breaches where nothing is known", lambda side: _share(side["quiet"])),
)

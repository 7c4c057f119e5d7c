"""What a back-test found, as sentences. Pure: its stored result in, text out."""

from collections.abc import Mapping
from typing import Any

from governance.past_changes import Fate, Verdict

VERDICT_WORDS = {
    Verdict.BLOCKED: "blocked",
    Verdict.UNTOLD: "cannot be told",
    Verdict.WARNED: "let through with a warning",
    Verdict.PASSED: "let through",
}
FATE_WORDS = {
    Fate.BADLY: "went wrong",
    Fate.WELL: "went well",
    Fate.TOO_EARLY: "too early to tell",
    Fate.NOT_DONE: "not carried out",
}
MET_WORDS = {
    "confirmed": "an incident that was confirmed",
    "false_alarm": "an incident that was a false alarm",
    "expected": "an incident that was expected",
    "unsaid": "an incident about which nobody said",
    "nothing": "no incident",
}
# Hours below which it is at once, and from which on days are said.
MOMENT = 0.05
DAYS = 48


def headline(subject: str, result: Mapping[str, Any]) -> list[str]:
    """The two or three sentences that answer the question."""
    return _of_policy(result) if subject == "policy" else _of_monitor(result)


def _of_policy(result: Mapping[str, Any]) -> list[str]:
    side = result["proposed"]
    if not side["requests"]:
        return ["There is no change request of this kind and tier in the period."]
    blocked = _of_cells(side, Verdict.BLOCKED)
    said = [f"It would have blocked {blocked} of {_counted(side['requests'], 'past change')}."]
    said.append(_caught(side))
    if untold := _of_cells(side, Verdict.UNTOLD):
        said.append(f"Of {untold} it cannot be told: their evidence does not hold what it asks.")
    if short := side["short_of_signatures"]:
        done = _counted(side["carried_out"], "change that was", "changes that were")
        said.append(f"It would have asked for more signatures on {short} of {done} carried out.")
    return said


def _caught(side: Mapping[str, Any]) -> str:
    badly = sum(cells[Fate.BADLY] for cells in side["cells"].values())
    if not badly:
        return "None of them is known to have gone wrong later, so there was nothing to stop."
    stopped = side["shares"]["caught"]["hits"]
    later = f"Of the {badly} that later went wrong" if badly > 1 else "Of the one that went wrong"
    needless = side["shares"]["needless"]
    said = f"{later}, it would have stopped {stopped or 'none'}"
    if needless["of"]:
        said += f"; of the {needless['of']} that went well, {needless['hits'] or 'none'}"
    return f"{said}."


def _of_monitor(result: Mapping[str, Any]) -> list[str]:
    new, old = result["proposed"], result["present"]
    if not result["windows"]:
        return ["There is no window with a log in the period."]
    windows = _counted(new["windows"], "window")
    alarms = _counted(new["alarms"], "alarm")
    said = [f"It would have raised {alarms} over {windows}; the present settings, {old['alarms']}."]
    said.append(_found(new, old))
    false = new["met"]["false_alarm"]
    if false:
        said.append(f"{_counted(false, 'alarm')} would have met what people dismissed as false.")
    if new["met"]["nothing"]:
        others = _counted(new["met"]["nothing"], "alarm")
        said.append(f"{others} would have met no incident: nobody has judged them.")
    if new["untold"]:
        said.append(f"{_counted(new['untold'], 'window')} cannot be told any more.")
    return said


def _found(new: Mapping[str, Any], old: Mapping[str, Any]) -> str:
    of = new["found"]["of"]
    if not of:
        return "No incident in the period was confirmed, so nothing could be found or missed."
    confirmed = _counted(of, "confirmed incident")
    told = f"Of {confirmed} it would have found {new['hits']} and missed {new['misses']}"
    if (delay := new["delay_hours"]["median"]) is not None:
        told += f", with the alarm {since(delay)} (median)"
    if (before := old["delay_hours"]["median"]) is not None:
        told += f"; under the present settings {since(before)}"
    return f"{told}."


def since(hours: float) -> str:
    """When an alarm came, seen from the beginning of what it told."""
    if abs(hours) < MOMENT:
        return "at once"
    count, unit = (abs(hours), "hour") if abs(hours) < DAYS else (abs(hours) / 24, "day")
    shown = f"{count:.1f}".removesuffix(".0")
    plural = "" if shown == "1" else "s"
    return f"{shown} {unit}{plural} {'after' if hours > 0 else 'before'} it began"


def _of_cells(side: Mapping[str, Any], verdict: Verdict) -> int:
    return sum(int(count) for count in side["cells"][verdict].values())


def _counted(count: int, one: str, many: str = "") -> str:
    return f"{count:,} {one if count == 1 else many or one + 's'}"

"""A retraining in words: its steps, what they found, and the comparison. Pure."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from monitoring.models import Retraining, RetrainingStep
from monitoring.reads.retrainings import RetrainingSeen, StepSeen
from monitoring.states import RetrainingState, StepName, StepState
from monitoring.web.words import shown

TITLES = {
    StepName.COLLECT: "Collect data",
    StepName.VALIDATE: "Validate data",
    StepName.FEATURES: "Make features",
    StepName.TRAIN: "Train",
    StepName.EVALUATE: "Evaluate",
    StepName.REGISTER: "Register",
    StepName.CHALLENGE: "Challenge",
    StepName.REQUEST: "Ask for approval",
    StepName.DEPLOY: "Deploy",
    StepName.WATCH: "Watch",
}
LOOKS = {
    StepState.NEXT: ("circle-dashed", "unknown"),
    StepState.DUE: ("clock", "info"),
    StepState.RUNNING: ("refresh", "info"),
    StepState.WAITING: ("hourglass", "warning"),
    StepState.DONE: ("circle-check", "ok"),
    StepState.SKIPPED: ("circle-minus", "unknown"),
    StepState.FAILED: ("alert-octagon", "breach"),
    StepState.CANCELLED: ("circle-minus", "unknown"),
}
STATES = {StepState.NEXT: "not begun", StepState.DUE: "in the queue"}
NOTICES = {
    RetrainingState.RUNNING: ("info", "Under way"),
    RetrainingState.FAILED: ("breach", "A step failed"),
    RetrainingState.CANCELLED: ("unknown", "Cancelled"),
    RetrainingState.DONE: ("ok", "Done"),
    RetrainingState.ROLLED_BACK: ("warning", "Rolled back"),
}
MEASURES = {
    "roc_auc": ("Area under the ROC curve", ""),
    "brier": ("Brier score", ""),
    "error_rate": ("Wrong answers", "share"),
    "mae": ("Mean absolute error", ""),
    "bias": ("Bias", ""),
}
DIFFERENCES = {
    "brier_difference": "Difference of the Brier scores",
    "error_rate_difference": "Difference of wrong answers",
    "absolute_error_difference": "Difference of the absolute errors",
}
MOST_ROWS = 20  # the API has up to fifty
PARTS = {"hold_out": "Held-out rows", "latest": "Latest rows"}
VERDICTS = {"better": "better", "worse": "worse", "undecided": "undecided"}
Row = dict[str, Any]
CALIBRATION_WORDS = {"ece": "Calibration error", "brier": "Brier score", "log_loss": "Log loss"}


def title_of(name: str) -> str:
    return TITLES[StepName(name)]


def notice_of(seen: RetrainingSeen) -> Row:
    """How it stands, as a notice."""
    tone, title = NOTICES[RetrainingState(seen.retraining.state)]
    return {"tone": tone, "title": title, "text": _stands(seen)}


def _stands(seen: RetrainingSeen) -> str:
    if seen.retraining.note:
        return seen.retraining.note
    step = seen.now
    if step is None:
        return "Every step is done."
    return f"{title_of(step.name)}: {step.message or said_state(step.state)}"


def said_state(state: str) -> str:
    return STATES.get(StepState(state), str(state))


def where(seen: RetrainingSeen) -> str:
    """Where it is, in a few words for a list."""
    if seen.retraining.state in (RetrainingState.RUNNING, RetrainingState.FAILED) and seen.now:
        return f"{title_of(seen.now.name)}, {said_state(seen.now.state)}"
    return seen.retraining.get_state_display().replace("_", " ")


def steps_of(seen: RetrainingSeen) -> list[Row]:
    return [_step(one) for one in seen.steps]


def _step(seen: StepSeen) -> Row:
    step = seen.step
    icon, tone = LOOKS[StepState(step.state)]
    return {
        "step": step,
        "title": title_of(step.name),
        "state": said_state(step.state),
        "icon": icon,
        "tone": tone,
        "facts": list(_facts(step)),
        "lines": seen.lines,
        "more_lines": seen.more_lines,
        "open": step.state in (StepState.RUNNING, StepState.FAILED),
    }


def _facts(step: RetrainingStep) -> Iterator[tuple[str, str]]:
    numbers = step.numbers
    if step.name == StepName.COLLECT and "from" in numbers:
        rows = numbers["rows"]
        yield "Rows to train on", f"{rows['train']:,}"
        yield "Held out", f"{rows['hold_out']:,}"
        yield "Latest, kept back", f"{rows['latest']:,}"
        yield "Without an outcome", f"{numbers['without_outcome']:,}"
        yield "From", _day(numbers["from"])
        yield "Until", _day(numbers["until"])
    if step.name == StepName.VALIDATE and "checked" in numbers:
        yield "Asked", f"{numbers['checked']} checks of {numbers['suite']}"
        yield "Failed", str(numbers.get("failing_checks", 0))
    if step.name == StepName.FEATURES and "columns" in numbers:
        by_code = "by the version's own code" if numbers["by_code"] else "as they were logged"
        yield "Features", f"{len(numbers['columns'])}, {by_code}"
    if step.name == StepName.TRAIN and "parameters" in numbers:
        yield from _trained(numbers)
    if step.name == StepName.TRAIN and "learnt_from" in numbers:
        yield from _calibrated(numbers)
    if step.seconds:
        yield "Time in the sandbox", f"{step.seconds:,.0f} s"
    if step.attempts > 1:
        yield "Begun", f"{step.attempts} times"


def _day(text: str) -> str:
    return f"{datetime.fromisoformat(text):%-d %B %Y}" if text else "–"


def _trained(numbers: Row) -> Iterator[tuple[str, str]]:
    chosen = numbers["parameters"]
    told = ", ".join(f"{name} {value}" for name, value in sorted(chosen.items()))
    yield "Parameters", told or "as the code has them"
    if numbers.get("tried"):
        yield "Tried", f"{len(numbers['tried'])} combinations"


def _calibrated(numbers: Row) -> Iterator[tuple[str, str]]:
    """A recalibration, as far as it came: before and after on rows that no fit has seen."""
    yield "Map learnt from", f"{numbers['learnt_from']:,} rows"
    yield "Map judged by", f"{numbers['judged_by']:,} latest rows"
    compared = numbers.get("compared")
    if not compared:
        return
    before, after = compared["before"], compared["after"]
    for name, words in CALIBRATION_WORDS.items():
        old, new = before[name]["value"], after[name]["value"]
        yield words, f"{old:.4f} before, {new:.4f} after"


def failing_of(seen: RetrainingSeen) -> Row | None:
    """What the data suite found, if it found something."""
    step = seen.step(StepName.VALIDATE)
    numbers = step.numbers if step else {}
    if not numbers.get("failures"):
        return None
    shown_rows = numbers.get("shown", [])[:MOST_ROWS]
    names = [name for name in shown_rows[0] if name != "place"] if shown_rows else []
    return {
        "checks": [
            (one["column"] or "the table", one["check"], f"{one['rows']:,}")
            for one in numbers["failures"]
        ],
        "names": names,
        "rows": [[row.get(name, "") for name in names] for row in shown_rows],
    }


def comparison_of(seen: RetrainingSeen) -> list[Row]:
    """Both versions side by side, on held-out and on the latest rows."""
    step = seen.step(StepName.EVALUATE)
    numbers = step.numbers if step else {}
    return [_part(name, numbers[name]) for name in PARTS if name in numbers]


def _part(name: str, found: Row) -> Row:
    gap = found["difference"]
    rows = [
        (words, _said(found["champion"][key], unit), _said(found["challenger"][key], unit))
        for key, (words, unit) in MEASURES.items()
        if key in found["champion"]
    ]
    return {
        "title": f"{PARTS[name]}: {found['rows']:,}",
        "verdict": VERDICTS[found["verdict"]],
        "rows": rows,
        "difference": (DIFFERENCES[gap["measure"]], _said(gap, "")),
        "parts": [
            {
                "name": f"{one['field']}: {one['level']}",
                "rows": f"{one['n']:,}",
                "difference": _said(one, ""),
                "verdict": VERDICTS[one["verdict"]],
            }
            for one in found["parts"]
        ],
    }


def _said(one: Row, unit: str) -> Row:
    """A number with its interval, or why there is none."""
    low, high = one.get("low"), one.get("high")
    between = f"{shown(low, unit)} to {shown(high, unit)}" if low is not None else ""
    return {"value": shown(one["value"], unit), "interval": between or one.get("reason", "")}


def facts_of(seen: RetrainingSeen, retraining: Retraining) -> list[tuple[str, str]]:
    """What is known of it from the start."""
    who = retraining.asked_by.name if retraining.asked_by else "the policy"
    suite = f"version {retraining.suite.number}" if retraining.suite else "what the schema declares"
    return [
        ("Started by", who),
        ("Policy", f"version {retraining.policy.number}"),
        ("Retrained from", f"version {retraining.parent.number}"),
        ("Kind", seen.terms.kind),
        ("Data suite", suite),
        ("Time in the sandbox", f"{retraining.processor_seconds:,.0f} s"),
    ]

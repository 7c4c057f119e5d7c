"""What experiments say, in words and charts. Pure."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from monitoring.metrics.metric import SHARE
from monitoring.models import Experiment, ExperimentKind, ExperimentLook
from monitoring.reads.experiments import RATIO_ALPHA, Phase, Seen, deciding, finding_of
from monitoring.stats.experiments import Answer, Endpoint, endpoints_of, judged
from monitoring.stats.findings import Finding
from monitoring.stats.reference import Task
from monitoring.web.words import chance, shown, window_text

ANSWERS = {
    Answer.BETTER: ("ok", "Version {challenger} does better than version {champion}."),
    Answer.WORSE: ("breach", "Version {challenger} does worse than version {champion}."),
    Answer.DIFFERENT: ("warning", "Versions {challenger} and {champion} differ."),
    Answer.UNDECIDED: ("info", "No difference can be told yet."),
    "invalid": ("breach", "The comparison does not hold."),
    "": ("info", "Nothing has been seen yet."),
}
SHORT = {
    Answer.BETTER: "challenger better",
    Answer.WORSE: "challenger worse",
    Answer.DIFFERENT: "different",
    Answer.UNDECIDED: "undecided",
    "invalid": "does not hold",
    "": "not seen yet",
}
PAIRED_WORDS = {
    "agreement_share": ("Equal answers", SHARE),
    "cohen_kappa": ("Agreement beyond chance (Cohen's kappa)", ""),
    "error_rate_difference": ("Difference of wrong answers", SHARE),
    "mcnemar": ("The same, each row counted as its own (McNemar)", SHARE),
    "brier_difference": ("Difference of squared errors of the scores", ""),
    "score_difference": ("Difference of the scores", ""),
    "answer_difference": ("Difference of answers", "answer"),
    "absolute_error_difference": ("Difference of the sizes of errors", "answer"),
}
WORST = 15
DAY = timedelta(days=1)
Row = dict[str, Any]


def notice_of(seen: Seen) -> Row:
    """The answer as a notice: tone, title and why."""
    tone, words = ANSWERS[seen.answer]
    one = seen.experiment
    title = words.format(champion=one.champion.number, challenger=one.challenger.number)
    return {"tone": tone, "title": title, "text": seen.reason or _beside(seen)}


def short(seen: Seen) -> str:
    """The answer in two words."""
    return SHORT[seen.answer]


def facts_of(seen: Seen, value_unit: str) -> list[tuple[str, str]]:
    """How the experiment was declared, and how far it is."""
    one, look = seen.experiment, seen.look
    rows = look.champion_rows + look.challenger_rows if look else 0
    stopped = one.stopped_at
    facts = [
        ("Champion", f"version {one.champion.number}"),
        ("Challenger", f"version {one.challenger.number}"),
        ("What decides", endpoint_of(one).words),
        ("Time", window_text(one.starts_at, one.ends_at)),
        ("Rows", f"{rows:,} of {one.planned_rows:,} planned"),
        ("Traffic", _traffic(one, look)),
        ("Confidence", f"{100 * one.confidence:g}\u202f%"),
        ("Values in", value_unit),
        ("Declared", f"by {one.declared_by.name}, {one.declared_at:%Y-%m-%d %H:%M} UTC"),
        ("Stopped", f"{stopped:%Y-%m-%d %H:%M} UTC: {one.stop_reason}" if stopped else ""),
    ]
    return [(key, value) for key, value in facts if value]


def endpoint_of(experiment: Experiment) -> Endpoint:
    return endpoints_of(Task(experiment.model.task))[experiment.endpoint]


def chart_of(seen: Seen, unit: str) -> Row:
    """The difference that decides, with the interval that holds at every look."""
    found = [deciding(look, seen.experiment) for look in seen.looks]
    unit = _unit(endpoint_of(seen.experiment).unit, unit)
    return {
        "kind": "line",
        "x": [f"{look.as_of:%Y-%m-%d}" for look in seen.looks],
        "x_label": "Up to",
        "y_label": "Challenger − champion",
        "unit": unit,
        "series": [
            {
                "name": endpoint_of(seen.experiment).words,
                "y": [one["value"] if one else None for one in found],
                "low": [one["low"] if one else None for one in found],
                "high": [one["high"] if one else None for one in found],
                "n": [one["n"] if one else None for one in found],
            },
            {"name": "No difference", "muted": True, "y": [0.0 for _ in found]},
        ],
    }


def arms_of(seen: Seen, unit: str) -> list[Row]:
    """Every endpoint in both arms; what is for one look is told after the planned end only."""
    look, one = seen.look, seen.experiment
    if look is None or one.kind != ExperimentKind.SPLIT:
        return []
    over = seen.phase in (Phase.WAITING, Phase.CONCLUDED) and one.stopped_at is None
    known = endpoints_of(Task(one.model.task))
    return [_arm_row(look, endpoint, unit, one, over=over) for endpoint in known.values()]


def pairs_of(seen: Seen, unit: str) -> list[Row]:
    """What a shadow says on the rows that both answered."""
    if seen.look is None:
        return []
    return [
        {
            "words": words,
            "value": shown(row["value"], _unit(kind, unit)),
            "interval": _interval(row, _unit(kind, unit)),
            "n": f"{row['n']:,}",
            "chance": chance(row["p_value"]),
            "reason": row["reason"],
        }
        for name, (words, kind) in PAIRED_WORDS.items()
        if (row := finding_of(seen.look, name, looks="one")) is not None
    ]


def disagreements_of(seen: Seen) -> list[Row]:
    """The segments in which the answers differ most."""
    rows = [row for row in seen.look.findings if row["about"]] if seen.look else []
    ranked = sorted(rows, key=lambda row: -(row["effect"] or 0.0))[:WORST]
    return [
        {
            "about": row["about"],
            "value": shown(row["value"], SHARE),
            "interval": _interval(row, SHARE),
            "rest": shown(row["baseline"], SHARE),
            "n": f"{row['n']:,}",
            "chance": chance(row["parameters"].get("adjusted_p")),
        }
        for row in ranked
    ]


def _arm_row(
    look: ExperimentLook, endpoint: Endpoint, unit: str, one: Experiment, *, over: bool
) -> Row:
    found = finding_of(look, endpoint.name, looks="any") or {}
    once = finding_of(look, endpoint.name, looks="one") or {}
    arms: Mapping[str, Any] = found.get("arms", {"champion": {}, "challenger": {}})
    unit = _unit(endpoint.unit, unit)
    told = bool(found) and found["value"] is not None
    answer = judged(_finding(found), endpoint.better) if told else Answer.UNDECIDED
    return {
        "words": endpoint.words,
        "decides": endpoint.name == one.endpoint,
        "champion": _side(arms["champion"], unit),
        "challenger": _side(arms["challenger"], unit),
        "difference": shown(found.get("value"), unit),
        "interval": _interval(found, unit) if found else "",
        "once": _interval(once, unit) if over and once else "",
        "chance": chance(once.get("p_value")) if over else "",
        "answer": SHORT[answer] if told else found.get("reason", ""),
    }


def _side(arm: Mapping[str, Any], unit: str) -> Row:
    return {"value": shown(arm.get("value"), unit), "n": f"{arm.get('n', 0):,}"}


def _beside(seen: Seen) -> str:
    look, one = seen.look, seen.experiment
    found = deciding(look, one) if look else None
    if found is None or found["value"] is None:
        return ""
    unit = SHARE if endpoint_of(one).unit == "share" else ""
    name = endpoint_of(one).words
    told = f"{name}: challenger − champion {shown(found['value'], unit)}"
    return f"{told} ({_interval(found, unit)}), an interval that holds at every look."


def _traffic(one: Experiment, look: ExperimentLook | None) -> str:
    if one.kind == ExperimentKind.SHADOW:
        return "the challenger answers the champion's rows; its answers are not used"
    declared = f"{100 * (one.challenger_share or 0):g}\u202f% to the challenger"
    rows = look.champion_rows + look.challenger_rows if look else 0
    if look is None or not rows:
        return declared
    seen = f"{declared}; seen {shown(look.challenger_rows / rows, SHARE)}"
    found = finding_of(look, "traffic")
    likely = found["parameters"].get("always_valid_p") if found else None
    if likely is not None and likely < RATIO_ALPHA:
        return f"{seen}: not as declared (by chance {chance(likely)})"
    return seen


def _unit(kind: str, unit: str) -> str:
    return SHARE if kind in ("share", SHARE) else unit if kind in ("answer", "value") else ""


def _interval(row: Mapping[str, Any], unit: str) -> str:
    if row.get("low") is None or row.get("high") is None:
        return ""
    return f"{shown(row['low'], unit)} to {shown(row['high'], unit)}"


def _finding(row: Mapping[str, Any]) -> Finding:
    return Finding(row["measure"], row["value"], row["n"], low=row["low"], high=row["high"])

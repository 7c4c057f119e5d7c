"""What the machine found about an incident, in words. Pure."""

from typing import Any

from monitoring.reads.investigations import CauseRow, Investigated
from monitoring.web.words import chance, shown, window_text

EQUAL = " = "
FEATURES = (
    "Inputs that moved",
    (
        "How far each input moved away from the reference, times how much the model depends on it:"
        " its share of all inputs. It says where the inputs moved, not what they did to the model."
    ),
)
SEGMENTS = (
    "Parts of the data",
    (
        "How much of the change of the error each part makes. Mix: the part has become more or less"
        " frequent. Within: the model answers it worse or better than before. Below zero: it worked"
        " against the change."
    ),
)
FAULTS = (
    "Faults of the data",
    "How much of the change of the error is explained by rows with this fault.",
)


def told(found: Investigated) -> dict[str, Any]:
    """Groups of causes and the worst segments, as sentences and cells."""
    unit = found.error_unit
    groups = [
        _group(FEATURES, [_feature(one) for one in found.features]),
        _group(SEGMENTS, [_segment(one) for one in found.segments]),
        _group(FAULTS, [_fault(one) for one in found.faults]),
    ]
    return {
        "found": found,
        "window": window_text(found.window_start, found.window_end),
        "groups": [group for group in groups if group["rows"]],
        "worst": [
            {
                "name": one.name,
                "inside": shown(one.inside, unit),
                "others": shown(one.others, unit),
                "rows": one.rows,
                "chance": chance(one.adjusted_p),
            }
            for one in found.worst
        ],
        "error": "wrong answers" if unit == "share" else "mean error",
    }


def _group(words: tuple[str, str], rows: list[dict[str, Any]]) -> dict[str, Any]:
    title, meaning = words
    of = "Share of drift × importance" if title == FEATURES[0] else "Share of the error's change"
    return {"title": title, "meaning": meaning, "rows": rows, "of": of}


def _row(one: CauseRow, name: str, because: list[str]) -> dict[str, Any]:
    return {
        "name": name,
        "share": one.contribution,
        "bar": min(max(one.contribution, 0.0), 1.0),
        "because": "; ".join(text for text in because if text),
    }


def _feature(one: CauseRow) -> dict[str, Any]:
    said = one.evidence
    value, importance = said.get("value"), said.get("importance")
    measure = str(said.get("measure", "")).upper()
    because = [
        f"{measure} {shown(value)}" if value is not None else "",
        f"importance {shown(importance)}" if importance is not None else "",
    ]
    return _row(one, one.name, because)


def _segment(one: CauseRow) -> dict[str, Any]:
    said, change = one.evidence, one.evidence.get("change")
    mix, within = said.get("mix"), said.get("within")
    because = [
        f"mix {_share(mix, change)}, within {_share(within, change)}",
        _moved("rows", said.get("share_before"), said.get("share_after")),
    ]
    return _row(one, one.name.replace("=", EQUAL, 1), because)


def _fault(one: CauseRow) -> dict[str, Any]:
    said = one.evidence
    moved = _moved("rows", said.get("faulty_share_before"), said.get("faulty_share_after"))
    return _row(one, one.name, [moved])


def _moved(what: str, before: float | None, after: float | None) -> str:
    if before is None or after is None:
        return ""
    return f"{shown(before, 'share')} of {what} before, {shown(after, 'share')} now"


def _share(part: float | None, whole: float | None) -> str:
    return shown(part / whole, "share") if part is not None and whole else "–"

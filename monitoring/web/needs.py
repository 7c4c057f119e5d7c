"""What a dashboard lacks because a version's schema declares no field for it. Pure."""

from typing import Any

NEEDS: dict[str, tuple[tuple[str, str], ...]] = {
    "performance": (
        ("outcome", "No outcome is declared, so predictions cannot be held against what happened"),
    ),
    "drift": (),
    "fairness": (("group", "No group is declared, so no two groups can be compared"),),
    "calibration": (
        ("score", "No score is declared, so nothing says how sure the model was"),
        ("outcome", "No outcome is declared, so nobody knows which scores came true"),
    ),
    "operations": (
        ("latency", "No latency field is declared"),
        ("error", "No error field is declared"),
        ("bytes", "No size of requests is declared"),
        ("cpu", "No CPU use is declared"),
        ("memory", "No memory use is declared"),
        ("disk", "No disk use is declared"),
    ),
    "value": (("value", "No business value is declared"),),
}
WAITS = {
    "performance": "Performance needs outcomes: send them to /api/v1/models/…/outcomes.",
    "calibration": "Calibration needs outcomes: send them to /api/v1/models/…/outcomes.",
    "fairness": "Gaps between groups are measured over a quarter by default, because groups are"
    " small.",
    "drift": "A window is evaluated when it is over and the version has a reference.",
    "operations": "Windows of the service are an hour long; the first follows when one is over.",
    "value": "Send the value of each decision with its prediction.",
}


def missing_of(board: str, schema: Any, *, horizon: str) -> dict[str, Any]:
    """The roles that nobody declared, as sentences, and what an empty page waits for."""
    roles = {field.get("role") for field in schema.fields} if schema else set()
    sentences = [
        f"{text}; declare one with the role {role}."
        for role, text in NEEDS[board]
        if role not in roles
    ]
    wait = WAITS[board]
    if board in ("performance", "calibration"):
        wait += f" They are due {horizon} after the prediction."
    return {"sentences": sentences if schema else [], "wait": wait}

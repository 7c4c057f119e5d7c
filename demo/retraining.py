"""Retraining in the demonstration: Olga's policy, Rita's approval, and waiting for what it does."""

from typing import Any

from demo.cast import Cast

MODEL = "flight-delay"
TERMS: dict[str, Any] = {
    "triggers": [{"on": "performance", "windows": 2}, {"on": "drift", "windows": 3}],
    "combine": "any",
    "kind": "complete",
    "entry_point": "flight_training",
    "window_days": 150,
    "minimum_rows": 5_000,
    "cool_down_days": 60,
    "runs_per_month": 2,
    "processor_minutes": 60,
    "search": {"max_iter": [100, 200]},
    "replay": True,
    "watch_days": 14,
}
SUITE: dict[str, Any] = {
    "rows": {"minimum": 5_000},
    "unique": ["prediction_id"],
    "columns": {
        "temperature": {"dtype": "number", "minimum": -60, "maximum": 140, "missing_at_most": 0.1},
        "distance": {"dtype": "number", "minimum": 0, "maximum": 6_000, "required": True},
        "plane_age": {"dtype": "number", "minimum": 0, "maximum": 100, "missing_at_most": 0.3},
        "origin": {"dtype": "string", "among": ["EWR", "JFK", "LGA"], "required": True},
        "arrived_late": {"dtype": "integer", "among": ["0", "1"], "required": True},
    },
}


def set_policy(cast: Cast) -> str:
    """Olga says when flight-delay is retrained and what its data must look like; Rita approves."""
    suite = {"checks": SUITE, "reason": "What the flights of winter looked like."}
    cast.olga.post(f"/models/{MODEL}/data-suites", suite)
    policy = {"terms": TERMS, "reason": "The weather of spring is new to a winter's model."}
    made = cast.olga.post(f"/models/{MODEL}/retraining-policies", policy)
    path = f"/retraining-policies/{made['id']}"
    cast.olga.post(f"{path}/switch-on", {})
    signed = {
        "reason": "Nothing serves without my signature anyway.",
        "digest": made["digest"],
        "password": cast.passwords["rita"],
    }
    cast.rita.post(f"{path}/approve", signed)
    return str(made["says"])


def registered(cast: Cast) -> bool:
    """Whether it has made a version.

    Raises:
        RuntimeError: a step failed; the message is the step's.
    """
    found = _latest(cast)
    return found is not None and _done(found, "register")


def retrained(cast: Cast) -> Any:
    """Wait until a retraining has made a version and asked for its approval; the retraining.

    Raises:
        RuntimeError: a step failed; the message is the step's.
    """
    cast.until(lambda: _asked(cast), "the retraining")
    return _latest(cast)


def _asked(cast: Cast) -> bool:
    found = _latest(cast)
    return found is not None and _done(found, "request")


def _done(found: Any, name: str) -> bool:
    if found["state"] == "failed":
        failed = next(step for step in found["steps"] if step["state"] == "failed")
        raise RuntimeError(f"Retraining failed at {failed['name']}: {failed['message']}")
    return bool(next(step for step in found["steps"] if step["name"] == name)["state"] == "done")


def _latest(cast: Cast) -> Any:
    found = cast.olga.get(f"/models/{MODEL}/retrainings")
    return cast.olga.get(f"/retrainings/{found[0]['id']}") if found else None

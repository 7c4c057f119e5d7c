"""The end of version 0: Anna's policy, a notice that everybody agrees to, and the clean-up."""

from datetime import timedelta
from typing import Any

from demo.cast import Cast

MODEL = "flight-delay"
LICENCE = "Licence of the schedule data that version 0 learnt from"
# Both together: a version that can be gone back to is left alone.
TERMS: dict[str, Any] = {
    "match": "all",
    "rules": [
        {"rule": "superseded", "parameters": {"days": 0}},
        {"rule": "legal_basis", "parameters": {"days_before": 60}},
    ],
    "notice_days": 30,
    "rest_days": 90,
    "log_days": 365,
    "early_end": True,
}


def set_policy(cast: Cast) -> None:
    """Olga records when the licence ends; Anna proposes the policy, Rosa signs it."""
    fact = {
        "kind": "legal_basis",
        "ends_on": (cast.now + timedelta(days=45)).date().isoformat(),
        "source": LICENCE,
        "version": 0,
    }
    cast.olga.post(f"/models/{MODEL}/life-facts", fact)
    change = cast.anna.post(
        "/retirement-policies",
        {
            "scope": "model",
            "place": MODEL,
            "terms": TERMS,
            "reason": "What may not be used any more, and has a successor, should not lie about.",
        },
    )
    cast.sign_policy("rosa", change, "Thirty days are enough, and less where nobody objects.")


def agree(cast: Cast) -> Any:
    """Olga names version 1 in its place; whoever was told does not object. Returns the retirement,
    for which a change request has opened by itself."""
    found = _running(cast)
    path = f"/retirements/{found['id']}"
    read = cast.olga.put(f"{path}/replacement", {"version": 1})
    for name in read["silent"]:
        cast.named(name).post(f"{path}/no-objections", {})
    cast.until(lambda: cast.olga.get(path)["change_request"], "the request to retire version 0")
    return cast.olga.get(path)


def closed(cast: Cast, retirement: int) -> Any:
    """Wait until every step of the clean-up is verified; the retirement.

    Raises:
        RuntimeError: a step failed; the message is the step's.
    """
    path = f"/retirements/{retirement}"
    cast.until(lambda: _is_closed(cast.olga.get(path)), "the clean-up of version 0")
    return cast.olga.get(path)


def _is_closed(read: Any) -> bool:
    for step in read["steps"]:
        if step["state"] == "failed":
            raise RuntimeError(f"{step['title']} failed: {step['note']}")
    return bool(read["state"] == "closed")


def _running(cast: Cast) -> Any:
    def notices() -> list[Any]:
        return list(cast.olga.pages("/retirements", model=MODEL, state="notice"))

    cast.until(notices, "the notice for version 0")
    return notices()[0]

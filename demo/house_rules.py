"""The house sets its rules: promotions in two rounds, and a guideline that the team answers."""

from pathlib import Path
from typing import Any

from demo.cast import Cast
from demo.client import version_path

GUIDELINE = Path(__file__).with_name("guideline.yaml")
SLUG = "warnings-of-delay"
TWO_ROUNDS = [
    {"name": "Validation", "quorum": {"validator": 1}},
    {"name": "Decision", "quorum": {"reviewer": 1}},
]
ANSWERS: dict[int, dict[str, Any]] = {
    1: {
        "harmed": {
            "text": "Travellers who rush for a flight that is late after all, and those who were "
            "not warned and miss a connection; families and people who need help most of all."
        },
        "trade_off": {
            "choice": "announce",
            "reason": "A warning too many costs an hour, a warning too few costs a journey.",
        },
        "rejected": {
            "rejected": [{"candidate": "version:0", "reason": "Blind to the weather."}],
            "reason": "The same month of flights for both.",
        },
        "objection": {
            "yes": True,
            "reason": "Nobody is decided upon: the desk sells the seat either way.",
        },
    },
}
ANSWERS[2] = ANSWERS[1] | {
    "rejected": {
        "rejected": [{"candidate": "version:1", "reason": "It does not know spring and summer."}],
        "reason": "Both answered the same flights of the latest weeks.",
    }
}


def two_rounds(cast: Cast) -> None:
    """Anna proposes that nobody decides before somebody has validated; Rosa signs."""
    policy = cast.anna.get("/policies/promote/medium")
    change = cast.anna.post(
        "/policy-changes",
        {
            "kind": "promote",
            "risk_tier": "medium",
            "rounds": TWO_ROUNDS,
            "gates": policy["gates"],
            "reason": "A decision rests on a validation, so the validation comes first.",
        },
    )
    cast.sign_policy("rosa", change, "It costs no signature more, and nobody signs in the dark.")


def write_guideline(cast: Cast) -> None:
    """Olga writes what the team asks itself; Rita, who did not, puts it in force."""
    path = "/guidelines?team=flight-operations"
    made = cast.olga.post_yaml(path, GUIDELINE.read_bytes())
    _sign(cast, "rita", f"/guidelines/{SLUG}/sign", made["editions"][0]["digest"])


def answer_guideline(cast: Cast, model: str, version: int) -> None:
    """Olga answers for a version, Vera signs the answers."""
    path = f"{version_path(model, version)}/guidelines/{SLUG}"
    drafted = cast.olga.put(path, {"answers": ANSWERS[version]})
    _sign(cast, "vera", f"{path}/sign", drafted["digest"])


def _sign(cast: Cast, person: str, path: str, digest: str) -> None:
    body = {
        "digest": digest,
        "reason": "Read line by line; it says what we mean.",
        "password": cast.passwords[person],
    }
    cast.people[person].post(path, body)

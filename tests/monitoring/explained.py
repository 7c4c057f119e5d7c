"""A stored explanation of a logged prediction, and a stored importance, as the jobs write them."""

from typing import Any

from monitoring.models import Explanation, Importance
from registry.models import Version
from tests.monitoring import world

DIGEST = "d" * 64
SIZE = {"value": 0.12, "low": 0.11, "high": 0.13}
LOSS = {"value": 0.05, "low": 0.04, "high": 0.06}
PARTS = [
    {"feature": "temperature", "value": 31.0, "contribution": 0.25, "error": 0.0},
    {"feature": "carrier", "value": "AA", "contribution": -0.05, "error": 0.0},
]


def explanation(version: Version, robot: Any, owner: Any) -> Explanation:
    """Prediction f3 is in the log, and what it rests on is stored."""
    Version.objects.filter(pk=version.pk).update(artifact_digest="a" * 64)
    found = world.rows(10, start=world.START, hours=1)
    world.send(robot, version, found)
    return Explanation.objects.create(
        version=version,
        prediction_id="f3",
        at=found[3]["at"],
        origin="asked",
        asked_by=owner,
        state="done",
        artifact_digest="a" * 64,
        inputs_digest=DIGEST,
        background_digest=DIGEST,
        seed=1234567,
        method="exact",
        unit="share",
        answer=0.7,
        base=0.5,
        contributions=PARTS,
        gap=1e-12,
        tolerance=1e-6,
        digest=DIGEST,
        done_at=world.START,
    )


def importance(version: Version) -> Importance:
    """What the version goes by over its reference."""
    numbers = {
        "features": [
            {"feature": "carrier", "size": SIZE, "shuffled": LOSS},
            {
                "feature": "temperature",
                "size": {"value": 0.2, "low": 0.19, "high": 0.21},
                "shuffled": LOSS,
            },
        ],
        "loss": "log loss",
        "rows": 2000,
        "explained_rows": 200,
        "largest_gap": 1e-13,
        "tolerance": 1e-6,
        "note": "",
    }
    return Importance.objects.create(
        version=version,
        artifact_digest="a" * 64,
        reference_digest=DIGEST,
        state="done",
        method="exact",
        unit="share",
        numbers=numbers,
        digest=DIGEST,
        done_at=world.START,
    )

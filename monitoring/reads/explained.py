"""Stored contributions as numbers: of a version's reference, and of answers drawn in a window."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from monitoring.models import Explanation, ExplanationOrigin, ExplanationState, Importance
from monitoring.stats.columns import Floats
from registry.models import Version

MOST = 5_000


@dataclass(frozen=True)
class Explained:
    """Contributions, answers × features, and what tells whether they are the same ones."""

    features: tuple[str, ...]
    values: Floats
    method: str
    digest: str


def importance_of(version_id: int) -> Importance | None:
    """The newest importance of a version, of its present reference where there is one."""
    rows = Importance.objects.filter(version=version_id)
    return rows.order_by("-pk").first()


def reference_explained(version: Version) -> Explained | None:
    """The explained rows of the version's present reference; None before they are computed."""
    rows = Importance.objects.filter(
        version=version,
        state=ExplanationState.DONE,
        reference_digest=version.reference.digest,
        artifact_digest=version.artifact_digest,
    )
    found = rows.order_by("-pk").first()
    if found is None or found.contributions is None:
        return None
    names = tuple(one["feature"] for one in found.numbers["features"])
    values = np.frombuffer(bytes(found.contributions), "<f8").reshape(-1, len(names))
    return Explained(names, values, found.method, found.digest)


def window_explained(
    version: Version, start: datetime, end: datetime, features: tuple[str, ...]
) -> Explained:
    """Contributions of the answers that the policy drew in a window, in the order of `features`.

    Explanations that somebody asked for are left out: they are of answers that stood out.
    """
    rows = Explanation.objects.filter(
        version=version,
        origin=ExplanationOrigin.SAMPLED,
        state=ExplanationState.DONE,
        artifact_digest=version.artifact_digest,
        at__gte=start,
        at__lt=end,
    )
    found = list(
        rows.order_by("at", "prediction_id").values_list("contributions", "digest", "method")[:MOST]
    )
    values = [_row(parts, features) for parts, _, _ in found]
    kept = [one for one in values if one is not None]
    text = "".join(digest for _, digest, _ in found)
    array = np.array(kept, np.float64) if kept else np.zeros((0, len(features)))
    method = found[0][2] if found else ""
    return Explained(features, array, method, hashlib.sha256(text.encode()).hexdigest())


def _row(parts: list[dict[str, Any]], features: tuple[str, ...]) -> list[float] | None:
    by = {str(one["feature"]): float(one["contribution"]) for one in parts}
    return [by[name] for name in features] if set(features) <= set(by) else None

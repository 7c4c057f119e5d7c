"""Recalibrating: is calibration the trouble, which map mends it, and does it harm nobody?

Rules
    1. Enough outcomes: 200 of each class to learn from, 100 of each to judge by.
    2. Calibration is the trouble if the calibration error of the held-out scores is larger than
       sampling gives (p < 0.01) and by at least one point.
    3. The map is chosen inside the earlier rows: fitted on their first 70 %, judged by log loss on
       the rest; the simplest within one standard error of the best (platt, beta, isotonic). It is
       then fitted anew on all earlier rows.
    4. It is worth a version if on the later rows, which no fit has seen, the Brier score or the log
       loss is lower beyond its interval and neither higher beyond it, and the calibration error is
       lower.
    5. It harms nobody if no group's Brier score is higher beyond its interval (corrected for the
       number of groups).

Definitions
    Measures with intervals are those of `comparison` and `calibration`; rows of one day count as a
    cluster. Log loss in nats, scores at most 1e-6 near to 0 and 1.

Edge cases
    Too few outcomes or days: refused by rule 1; a group of fewer than 100 rows is not judged.

Example
    >>> refusal(Rows(np.zeros(0), np.zeros(0), np.zeros(0, int)), Rows(np.zeros(0), np.zeros(0),
    ...     np.zeros(0, int)))
    'Too few outcomes to learn from: 0 of one class and 0 of the other; 200 of each are needed.'

Source
    Hastie, Tibshirani and Friedman (2009), The Elements of Statistical Learning, 7.10, on the rule
    of one standard error; the modules named above, with theirs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from monitoring.stats import calibration_maps, comparison
from monitoring.stats.calibration import curve, expected_error
from monitoring.stats.calibration_maps import METHODS, NEAREST, applied
from monitoring.stats.columns import Counts, Floats
from monitoring.stats.comparison import CONFIDENCE, Answered
from monitoring.stats.experiments.clusters import clustered
from monitoring.stats.findings import Finding

FEWEST, FEWEST_LATER = 200, 100
SIGNIFICANT, SMALLEST_GAP = 0.01, 0.01
INNER = 0.7
FINE = 1_000


@dataclass(frozen=True)
class Rows:
    """Scores of the positive class, outcomes 0 or 1, and days, in order of time."""

    scores: Floats
    outcomes: Floats
    days: Counts
    parts: Mapping[str, list[str]] = field(default_factory=dict)

    def split(self, place: int) -> tuple["Rows", "Rows"]:
        early = Rows(self.scores[:place], self.outcomes[:place], self.days[:place])
        return early, Rows(self.scores[place:], self.outcomes[place:], self.days[place:])


def refusal(early: Rows, later: Rows) -> str:
    """Return why nothing is recalibrated, or an empty text: rules 1 and 2."""
    for rows, fewest, words in ((early, FEWEST, "learn from"), (later, FEWEST_LATER, "judge by")):
        positives = int(rows.outcomes.sum())
        negatives = rows.outcomes.size - positives
        if min(positives, negatives) < fewest:
            return (
                f"Too few outcomes to {words}: {positives:,} of one class and {negatives:,} of the "
                f"other; {fewest} of each are needed."
            )
    error = ece(later.scores, later.outcomes)
    gap, expected = error.value or 0.0, float(error.parameters["null_mean"] or 0.0)
    if (error.p_value or 0.0) >= SIGNIFICANT or (error.effect or 0.0) < SMALLEST_GAP:
        return (
            f"Calibration is not the trouble: the scores are {100 * gap:.1f} points off on average,"
            f" and {100 * expected:.1f} points come from sampling alone."
        )
    return ""


def chosen(early: Rows) -> tuple[str, dict[str, float]]:
    """Return the method of rule 3, and the log loss of each on the inner later rows."""
    first, second = early.split(int(INNER * early.scores.size))
    losses = {
        method: log_losses(
            applied(calibration_maps.fitted(method, first.scores, first.outcomes), second.scores),
            second.outcomes,
        )
        for method in METHODS
    }
    best = min(METHODS, key=lambda method: float(losses[method].mean()))
    for method in METHODS:
        gaps = losses[method] - losses[best]
        if float(gaps.mean()) <= float(gaps.std(ddof=1)) / len(gaps) ** 0.5:
            return method, {name: float(one.mean()) for name, one in losses.items()}
    return best, {name: float(one.mean()) for name, one in losses.items()}


def log_losses(chances: Floats, outcomes: Floats) -> Floats:
    """Return the log loss of each row."""
    kept = np.clip(chances, NEAREST, 1 - NEAREST)
    losses: Floats = -(outcomes * np.log(kept) + (1 - outcomes) * np.log1p(-kept))
    return losses


def ece(scores: Floats, outcomes: Floats) -> Finding:
    return expected_error(_histogram(scores, outcomes))


def compared(later: Rows, chances: Floats) -> dict[str, Any]:
    """Return every measure before and after on the later rows, and the verdict, as plain values."""
    answered = Answered(later.scores, chances, later.outcomes, later.days, later.parts)
    sides = comparison.side_by_side(answered, "binary")
    losses = [log_losses(one, later.outcomes) for one in (later.scores, chances)]
    gap = clustered(
        losses[1] - losses[0], later.days, planned=max(len(chances), 2), confidence=CONFIDENCE
    )[0]
    groups = [
        {"field": name, "level": level, **_plain(found), "worse": _worse(found)}
        for name, level, found in comparison.by_part(answered, "binary")
    ]
    found = {
        "rows": int(later.outcomes.size),
        "positives": int(later.outcomes.sum()),
        "before": _side(sides["champion"], later.scores, losses[0], later),
        "after": _side(sides["challenger"], chances, losses[1], later),
        "differences": {
            "brier": _plain(sides["difference"]["brier_difference"]),
            "log_loss": _plain(gap),
        },
        "groups": groups,
    }
    return found | {"refusal": _not_worth(found)}


def _side(found: dict[str, Finding], scores: Floats, losses: Floats, rows: Rows) -> dict[str, Any]:
    mean = clustered(losses, rows.days, planned=max(len(losses), 2), confidence=CONFIDENCE)[0]
    lines = curve(_histogram(scores, rows.outcomes))
    return {
        "brier": _plain(found["brier"]),
        "log_loss": _plain(mean),
        "roc_auc": _plain(found["roc_auc"]),
        "ece": _plain(ece(scores, rows.outcomes)),
        "reliability": [
            {"rows": int(n), "predicted": float(said), "observed": float(true)}
            for n, said, true in zip(lines.rows, lines.predicted, lines.observed, strict=True)
        ],
    }


def _not_worth(found: dict[str, Any]) -> str:
    """Rules 4 and 5."""
    gaps = found["differences"]
    if any(_worse_told(gap) for gap in gaps.values()):
        return "On the later rows the calibrated chances are worse than the scores."
    before, after = found["before"]["ece"]["value"], found["after"]["ece"]["value"]
    lower = before is not None and after is not None and after < before
    if not lower or not any(gap["high"] is not None and gap["high"] < 0 for gap in gaps.values()):
        return "On the later rows the calibrated chances are not clearly better than the scores."
    worse = [f"{one['field']} {one['level']}" for one in found["groups"] if one["worse"]]
    if worse:
        return f"It would make the chances worse for {', '.join(worse[:5])}."
    return ""


def _worse(gap: Finding) -> bool:
    return gap.low is not None and gap.low > 0


def _worse_told(gap: dict[str, Any]) -> bool:
    return gap["low"] is not None and gap["low"] > 0


def _plain(found: Finding) -> dict[str, Any]:
    return {
        "value": found.value,
        "low": found.low,
        "high": found.high,
        "n": found.n,
        "p_value": found.p_value,
    }


def _histogram(scores: Floats, outcomes: Floats) -> Counts:
    places = np.clip((scores * FINE).astype(np.int64), 0, FINE - 1)
    sides = [np.bincount(places[outcomes == side], minlength=FINE) for side in (0, 1)]
    return np.asarray(sides, np.int64)

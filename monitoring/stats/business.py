"""Business: what decisions were worth, against a target and against the reference.

Definition
    Value per decision is the mean of the declared business value (cost, revenue or any other) over
    the rows that have one; the total is its sum. Both have the normal interval from exact sums of
    values and squares. The effect is the difference to the target where one is declared, else to
    the reference; the total is compared with as many decisions of the reference. Each predicted
    class, and each prediction and outcome, is compared with the same of the reference.

Example
    >>> business(Profile("d"), Profile("d"))["value_total"].reason
    'no row has a business value; declare a field with the role value'

Source
    Cochran (1977), Sampling Techniques, chapter 2.
"""

import math
from dataclasses import dataclass, replace
from urllib.parse import unquote

from monitoring.stats.findings import Finding, undefined
from monitoring.stats.intervals import normal_finding, welch_p
from monitoring.stats.profiles import Profile

PER_DECISION, TOTAL = "value_per_decision", "value_total"
ROUNDING = 1e-9  # relative: constant values of the same size are no change
NO_VALUE = "no row has a business value; declare a field with the role value"


@dataclass(frozen=True)
class Worth:
    """Decisions with a value, their mean value, and its standard error."""

    n: int
    mean: float
    error: float


def business(
    reference: Profile, current: Profile, *, target: float | None = None
) -> dict[str, Finding]:
    """Return value per decision and total value of a window."""
    now, usual = worth_of(current), worth_of(reference)
    if now is None:
        return {name: undefined(name, n=0, reason=NO_VALUE) for name in (PER_DECISION, TOTAL)}
    mean = _compared(_finding(PER_DECISION, now, 1.0), now, usual, target, 1.0)
    total_target = None if target is None else target * now.n
    return {
        PER_DECISION: mean,
        TOTAL: _compared(_finding(TOTAL, now, now.n), now, usual, total_target, now.n),
    }


def by_decision(profile: Profile, *, reference: Profile | None = None) -> dict[str, Finding]:
    """Return value per decision by predicted class, and by "prediction, outcome".

    Tested against the same decisions of the reference where one is given.
    """
    found = {}
    for key in _keys(profile):
        worth = _worth(profile, [key])
        if worth is None or key == "value/":
            continue
        name = ", ".join(unquote(part) for part in key.split("/")[1:])
        alone = _finding(PER_DECISION, worth, 1.0)
        usual = _worth(reference, [key]) if reference else None
        found[name] = _compared(alone, worth, usual, None, 1.0) if reference else alone
    return found


def worth_of(profile: Profile) -> Worth | None:
    """Return the worth of all rows: the sums by predicted class, each row once; None for none."""
    return _worth(profile, [key for key in _keys(profile) if key.count("/") == 1])


def _keys(profile: Profile) -> list[str]:
    return [
        key for key in profile.sums if key.startswith("value/") and not key.endswith(("^2", "#"))
    ]


def _worth(profile: Profile, keys: list[str]) -> Worth | None:
    keys = [key for key in keys if key in profile.sums]
    n = round(sum(float(profile.sums[f"{key}#"]) for key in keys))
    if not n:
        return None
    mean = sum(float(profile.sums[key]) for key in keys) / n
    squares = sum(float(profile.sums[f"{key}^2"]) for key in keys) / n
    return Worth(n, mean, float((max(squares - mean * mean, 0.0) / max(n - 1, 1)) ** 0.5))


def _finding(measure: str, worth: Worth, times: float) -> Finding:
    return normal_finding(measure, worth.mean * times, worth.error * times, worth.n)


def _compared(
    found: Finding, now: Worth, usual: Worth | None, target: float | None, times: float
) -> Finding:
    if now.n < 2:
        return replace(found, reason="one decision has no spread to judge it by")
    if target is not None:
        baseline, m, other = target, 0, (0.0, 2)
    elif usual is not None and usual.n > 1:
        baseline, m, other = usual.mean * times, usual.n, (usual.error * times, usual.n)
    else:
        return replace(found, reason="neither a target nor a reference has a value")
    effect = now.mean * times - baseline
    against = {"reference_n": m} if target is None else {"target": target}
    same = math.isclose(found.value or 0.0, baseline, rel_tol=ROUNDING)
    return replace(
        found,
        p_value=1.0 if same else welch_p(effect, (now.error * times, now.n), other),
        baseline=baseline,
        effect=effect,
        parameters={**found.parameters, **against},
    )

"""Phases: a reference for the hours that a window holds, where the reference has a season.

Definition
    A scheme maps a moment to a phase: none (1), weekend (2), weekday (7), hour (24), weekend x hour
    (48), hour of the week (168). The coarsest scheme is chosen whose phases leave no season within
    them, for any field. The season left is the sum over the scheme's phases of the contingency
    chi-square, finer phases x cells, at every finer grain; it counts only if it is significant
    (corrected for grains and fields) **and** its effect sqrt((chi2 - degrees) / rows) is at least
    0.1, as a shift of the mean by a tenth of a standard deviation has. Schemes whose phases the
    reference has not seen often enough to tell a season from an odd day are left out.

    A window is compared with the reference as it would be over the same phases. With window shares
    w and reference rows m by phase, the mixed reference's shares are sum w p, and their sampling
    noise is that of

        m' = 1 / (sum w^2 / m)

    rows: the mixed reference is scaled to m' rows, so that every test that takes it for a sample of
    m' rows is honest. Phases that the reference never saw take the whole reference's share.

Example
    >>> from datetime import UTC, datetime
    >>> phase_of(datetime(2026, 1, 3, 5, tzinfo=UTC), Scheme.WEEKEND_HOUR)  # a Saturday
    29

Source
    Cochran (1954), Biometrics 10:417, on adding chi-squares over strata; Kish (1965), Survey
    Sampling, section 11.7, on the effective size of a weighted sample.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

import numpy as np
from scipy import special

from monitoring.stats.columns import Counts, Floats
from monitoring.stats.exact import Exact, exact
from monitoring.stats.null import RARE
from monitoring.stats.profiles import Profile, merge

HOURS = 168
DAY = 24
SATURDAY = 5
# A scheme too fine costs power, one too coarse breaks the promise: so not a strict test.
ALPHA = 0.05
SMALLEST_EFFECT = 0.1


class Scheme(StrEnum):
    """How a moment is mapped to a phase, coarsest first."""

    NONE = "none"
    WEEKEND = "weekend"
    WEEKDAY = "weekday"
    HOUR = "hour"
    WEEKEND_HOUR = "weekend_hour"
    WEEK_HOUR = "week_hour"


SIZES = {
    Scheme.NONE: 1,
    Scheme.WEEKEND: 2,
    Scheme.WEEKDAY: 7,
    Scheme.HOUR: 24,
    Scheme.WEEKEND_HOUR: 48,
    Scheme.WEEK_HOUR: HOURS,
}
# How many days a reference must span before a scheme's phases have been seen often enough.
DAYS_NEEDED = {
    Scheme.NONE: 0.0,
    Scheme.WEEKEND: 14.0,
    Scheme.WEEKDAY: 21.0,
    Scheme.HOUR: 3.0,
    Scheme.WEEKEND_HOUR: 14.0,
    Scheme.WEEK_HOUR: 21.0,
}


@dataclass(frozen=True)
class Residue:
    """The season that a scheme leaves inside its phases: of the field where it is largest."""

    scheme: Scheme
    field: str
    p_value: float
    effect: float


@dataclass(frozen=True)
class Choice:
    """The scheme chosen, and what every allowed scheme up to it leaves unexplained."""

    scheme: Scheme
    residues: tuple[Residue, ...]
    reason: str


@dataclass(frozen=True)
class Mixed:
    """A reference over the phases of one window, scaled to `rows`, its effective size.

    `unseen` is the share of the window's rows whose phase the reference never saw.
    """

    profile: Profile
    rows: int
    weights: Mapping[int, float]
    unseen: float


def phase_of(moment: datetime, scheme: Scheme) -> int:
    """Return the phase of a moment, from 0; weeks begin on Monday, in the moment's own time."""
    return phase_of_hour(moment.weekday() * DAY + moment.hour, scheme)


def phase_of_hour(hour: int, scheme: Scheme) -> int:
    """Return the phase of an hour of the week, 0 on Monday at midnight."""
    if scheme is Scheme.NONE:
        return 0
    day, clock = divmod(hour % HOURS, DAY)
    if scheme in {Scheme.WEEKEND, Scheme.WEEKDAY}:
        return day if scheme is Scheme.WEEKDAY else int(day >= SATURDAY)
    if scheme is Scheme.HOUR:
        return clock
    return clock + DAY * (day >= SATURDAY) if scheme is Scheme.WEEKEND_HOUR else hour % HOURS


def choose_scheme(counts: Mapping[str, Counts], *, days: float) -> Choice:
    """Return the coarsest scheme that leaves no season in any field.

    `counts` maps a field to its reference counts by hour of the week, shape (168, cells); `days` is
    how long the reference spans. Where no allowed scheme explains all, the finest allowed.
    """
    allowed = [scheme for scheme in Scheme if days >= DAYS_NEEDED[scheme]]
    residues: list[Residue] = []
    for scheme in allowed:
        left = worst_residue(counts, scheme)
        residues.append(left)
        if left.effect < SMALLEST_EFFECT or left.p_value > ALPHA:
            return Choice(scheme, tuple(residues), _why(residues))
    best = min(residues, key=lambda residue: residue.effect)
    reason = f"No scheme that {days:g} days can show explains {best.field}; this leaves least."
    return Choice(best.scheme, tuple(residues), reason)


def worst_residue(counts: Mapping[str, Counts], scheme: Scheme) -> Residue:
    """Return the largest season that a scheme leaves; p-values are corrected for the fields."""
    found = [_residue(name, table, scheme) for name, table in counts.items()]
    certain = [left for left in found if left.p_value * len(found) <= ALPHA] or found
    if not certain:
        return Residue(scheme, "", 1.0, 0.0)
    worst = max(certain, key=lambda left: left.effect)
    return Residue(scheme, worst.field, min(1.0, worst.p_value * len(found)), worst.effect)


def reference_for(rows_by_phase: Mapping[int, int], by_phase: Mapping[int, Profile]) -> Mixed:
    """Return the reference over the phases of a window.

    `rows_by_phase` counts the window's rows, `by_phase` holds the reference's profiles. ValueError
    where the reference has no rows at all. A window without rows gets the whole reference.
    """
    sizes = {phase: profile.rows for phase, profile in by_phase.items() if profile.rows}
    whole = sum(sizes.values())
    if not whole:
        raise ValueError("The reference has no rows; freeze one before comparing with it.")
    weights, unseen = _weights(rows_by_phase, sizes)
    rows = round(1 / sum(share**2 / sizes[phase] for phase, share in weights.items()))
    factors = {phase: rows * share / sizes[phase] for phase, share in weights.items()}
    return Mixed(mixed(by_phase, factors), rows, weights, unseen)


def mixed_counts(rows: Sequence[int] | Counts, tables: Counts) -> Counts:
    """Return one field's reference counts over a window's phases, tables (phases, cells).

    The counts add up to the effective size.
    """
    sizes = {phase: int(total) for phase, total in enumerate(tables.sum(axis=1)) if total}
    if not sizes:
        return np.zeros(tables.shape[1], np.int64)
    weights, _ = _weights(dict(enumerate(int(count) for count in rows)), sizes)
    effective = 1 / sum(share**2 / sizes[phase] for phase, share in weights.items())
    shares = sum(share * tables[phase] / sizes[phase] for phase, share in weights.items())
    return rounded(np.asarray(shares, dtype=np.float64) * effective)


def mixed(by_phase: Mapping[int, Profile], factors: Mapping[int, float]) -> Profile:
    """Return the sum of profiles, each times its factor; counts are rounded only after adding."""
    whole = merge([by_phase[phase] for phase in factors])
    counts = {key: np.zeros(table.shape) for key, table in whole.counts.items()}
    sums: dict[str, Exact] = dict.fromkeys(whole.sums, Exact())
    for phase, factor in factors.items():
        for key, table in by_phase[phase].counts.items():
            counts[key] += table * factor
        for key, number in by_phase[phase].sums.items():
            sums[key] += exact(float(number) * factor)
    kept = {key: rounded(table) for key, table in counts.items()}
    return Profile(whole.bins, kept, sums, whole.extremes, whole.unseen)


def rounded(amounts: Floats) -> Counts:
    """Return whole counts with the amounts' rounded total: the largest remainders go up."""
    whole = np.floor(amounts)
    spare = int(round(float(amounts.sum())) - whole.sum())
    flat = whole.ravel()
    order = np.argsort(-(amounts - whole).ravel(), kind="stable")
    flat[order[: max(spare, 0)]] += 1
    counts: Counts = flat.reshape(amounts.shape).astype(np.int64)
    return counts


def _weights(rows: Mapping[int, int], sizes: Mapping[int, int]) -> tuple[dict[int, float], float]:
    """Return the weight of each phase of the reference, and the share of unseen phases."""
    total, whole = sum(rows.values()), sum(sizes.values())
    if not total:
        return {phase: size / whole for phase, size in sizes.items()}, 0.0
    seen = {phase: count / total for phase, count in rows.items() if count and phase in sizes}
    unseen = max(0.0, 1 - sum(seen.values()))
    if unseen < 1e-12:
        return seen, 0.0
    weights = {phase: seen.get(phase, 0.0) + unseen * size / whole for phase, size in sizes.items()}
    return weights, unseen


def _residue(name: str, table: Counts, scheme: Scheme) -> Residue:
    """Return the season inside a scheme's phases, looked for at every grain that is finer."""
    finer = [grain for grain in Scheme if SIZES[grain] > SIZES[scheme]]
    found = [_at_grain(name, table, scheme, grain) for grain in finer]
    corrected = [replace(left, p_value=min(1.0, left.p_value * len(found))) for left in found]
    certain = [left for left in corrected if left.p_value <= ALPHA]
    if certain:
        return max(certain, key=lambda left: left.effect)
    return min(corrected, key=lambda left: left.p_value, default=Residue(scheme, name, 1.0, 0.0))


def _at_grain(name: str, table: Counts, scheme: Scheme, grain: Scheme) -> Residue:
    hours = range(HOURS)
    phases = np.array([phase_of_hour(hour, scheme) for hour in hours])
    grains = np.array([phase_of_hour(hour, grain) for hour in hours])
    statistic, degrees = 0.0, 0
    for phase in range(SIZES[scheme]):
        inside = grains[phases == phase]
        summed = np.zeros((SIZES[grain], table.shape[1]), np.int64)
        np.add.at(summed, inside, table[phases == phase])
        part, freedom = _heterogeneity(summed)
        statistic, degrees = statistic + part, degrees + freedom
    effect = max(statistic - degrees, 0.0) / max(int(table.sum()), 1)
    p_value = float(special.chdtrc(degrees, statistic)) if degrees else 1.0
    return Residue(scheme, name, p_value, effect**0.5)


def _heterogeneity(table: Counts) -> tuple[float, int]:
    """Return chi-square and degrees of freedom of hours x cells, the rare cells as one."""
    kept = table[table.sum(axis=1) > 0]
    if kept.shape[0] < 2:
        return 0.0, 0
    totals = kept.sum(axis=0)
    rare = totals * (kept.sum(axis=1).mean() / max(totals.sum(), 1)) < RARE
    cells = np.column_stack([kept[:, ~rare], kept[:, rare].sum(axis=1)])
    cells = cells[:, cells.sum(axis=0) > 0]
    expected = np.outer(cells.sum(axis=1), cells.sum(axis=0)) / cells.sum()
    statistic = float(((cells - expected) ** 2 / expected).sum())
    return statistic, (cells.shape[0] - 1) * (cells.shape[1] - 1)


def _why(residues: Sequence[Residue]) -> str:
    last = residues[-1]
    if len(residues) == 1:
        return f"No season beyond an effect of {SMALLEST_EFFECT:g} is left without phases."
    before = residues[0]
    return (
        f"Without phases {before.field} has a season of effect {before.effect:.2g}; "
        f"{last.scheme.value} leaves {last.effect:.2g}."
    )

"""Fields to draw windows from, at the level of counts: no row is ever made.

A numeric field's bins are quantiles of its own reference, whatever its tails: their true shares are
spacings of a uniform sample, which is a Dirichlet draw, and the reference's counts over them are
equal by construction. A mass point is a bin of its own. A categorical field's categories are those
that its reference happened to hold; the rest of its levels are "unseen".
"""

from dataclasses import dataclass, replace

import numpy as np

from monitoring.stats.columns import Counts, Floats
from monitoring.stats.edges import QUANTILES

DECILES = 10
NULL_SHARE = 0.02
WEEKEND = 0.6


@dataclass(frozen=True)
class Field:
    """True shares and reference counts over the frozen cells; the last cell is null.

    Of a categorical field the last but one is "unseen". `shares` has shape (phases, cells),
    `reference` too.
    """

    shares: Floats
    reference: Counts
    numeric: bool
    masses: int = 0

    @property
    def labels(self) -> list[str]:
        return [str(place) for place in range(self.shares.shape[1])]


def numeric_field(
    rng: np.random.Generator, m: int, *, mass: float = 0.0, null: float = 0.0
) -> Field:
    """A numeric field without season: quantile bins, perhaps a mass point (first), null (last)."""
    masses, nulls = rng.multinomial(m, [mass, null, 1 - mass - null])[:2]
    rest = m - int(masses) - int(nulls)
    bins = min(QUANTILES, max(rest, 1))
    gaps = np.diff(np.arange(bins + 1) * rest // bins)
    spacings = rng.dirichlet(gaps) * (1 - mass - null)
    point = ([mass], [int(masses)]) if mass else ([], [])
    shares = np.array([*point[0], *spacings, null])
    reference = np.array([*point[1], *gaps, nulls], np.int64)
    return Field(shares[None], reference[None], numeric=True, masses=len(point[0]))


def categorical_field(
    rng: np.random.Generator,
    m: int,
    levels: int,
    *,
    null: float = 0.0,
    shares: Floats | None = None,
) -> Field:
    """A categorical field whose levels have shares like 1, 1/2, 1/3, …, or those given."""
    usual = 1 / np.arange(1, levels + 1) if shares is None else shares
    true = np.append(usual / usual.sum() * (1 - null), null)
    drawn = rng.multinomial(m, true)
    kept = np.append(drawn[:-1] > 0, False)
    hidden = 1 - true[kept].sum() - null
    return Field(
        np.array([[*true[kept], max(hidden, 0.0), null]]),
        np.array([[*drawn[kept], 0, drawn[-1]]], np.int64),
        numeric=False,
    )


def seasonal(rng: np.random.Generator, field: Field, m: int) -> Field:
    """The same field with another weekend: shares by day of the week, the reference drawn again."""
    cells = field.shares.shape[1]
    tilt = 1 + WEEKEND * np.linspace(-1, 1, cells)
    shares = np.repeat(field.shares, 7, axis=0)
    shares[5:] *= tilt
    shares /= shares.sum(axis=1, keepdims=True)
    reference = rng.multinomial(m // 7, shares)
    return replace(field, shares=shares, reference=reference.astype(np.int64))


def windows(rng: np.random.Generator, field: Field, n: int, looks: int) -> Counts:
    """Windows without any change, one after another through the phases, shape (looks, cells)."""
    phases = np.arange(looks) % field.shares.shape[0]
    drawn: Counts = rng.multinomial(n, field.shares[phases]).astype(np.int64)
    return drawn


def deciles(field: Field, counts: Counts) -> Counts:
    """The cells on which a numeric field's PSI is measured: deciles, mass points, null."""
    bins = counts.shape[-1] - 1 - field.masses
    place = np.arange(bins) * min(DECILES, bins) // bins
    starts = np.flatnonzero(np.diff(place, prepend=-1))
    plain = counts[..., field.masses : field.masses + bins]
    parts = [np.add.reduceat(plain, starts, axis=-1), counts[..., : field.masses], counts[..., -1:]]
    return np.concatenate(parts, axis=-1)

"""Nothing changes: how many false alarms does a model raise in 90 days?"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from scipy import stats

from benchmarks.calibrate.fields import (
    NULL_SHARE,
    Field,
    categorical_field,
    deciles,
    numeric_field,
    seasonal,
    windows,
)
from benchmarks.calibrate.monitors import (
    INPUTS,
    MONITORS,
    Contingency,
    Outcome,
    auc_alarm,
    run,
    scores,
)
from monitoring.stats import null
from monitoring.stats.columns import Counts
from monitoring.stats.multiplicity import DEFAULT_BUDGET, split_budget
from monitoring.stats.phases import HOURS, SIZES, Scheme, choose_scheme, mixed_counts, phase_of_hour
from monitoring.stats.sequential import AT_ONCE, OpenAfter
from monitoring.stats.verdict import Verdict, is_alerting

LOOKS = 13
REFERENCE_DAYS = 28.0
SHOWN = 5


@dataclass(frozen=True)
class Setting:
    """One cell of the grid."""

    reference: int
    window: int
    fields: int
    levels: int
    season: bool
    mass: bool


@dataclass
class Tally:
    """What was seen over a number of looks, and what the budget allows over as many.

    `significant` counts alarms that the first key alone would open, `alarms` those of both keys. An
    alarm is open until two clean windows (`verdict.is_alerting`): one odd reference that makes
    every window of a quarter look wrong is one alarm. `windows` counts such windows one by one.
    """

    quarters: float = 0.0
    windows: int = 0
    significant: int = 0
    alarms: int = 0
    by_measure: dict[str, int] = field(default_factory=dict)

    @property
    def declared(self) -> float:
        return self.quarters * DEFAULT_BUDGET.false_alarms

    @property
    def ceiling(self) -> int:
        """The upper end of the 95 % band around the declared number (Poisson)."""
        return most(self.declared)

    @property
    def kept(self) -> bool:
        """Whether the first key alone already keeps the budget within the band."""
        return self.significant <= self.ceiling

    @property
    def broken(self) -> list[str]:
        """The monitors that spend more than their own share of the budget, by the first key."""
        share = most(self.declared / len(MONITORS))
        return [measure for measure, count in self.by_measure.items() if count > share]

    def add(self, other: "Tally") -> None:
        self.quarters += other.quarters
        self.windows += other.windows
        self.significant += other.significant
        self.alarms += other.alarms
        for measure, count in other.by_measure.items():
            self.by_measure[measure] = self.by_measure.get(measure, 0) + count


def most(declared: float) -> int:
    """The upper end of the 95 % band around a declared number."""
    return int(stats.poisson.ppf(0.975, declared)) if declared else 0


def grid(*, quick: bool) -> Iterator[Setting]:
    """The settings of the null suite; the quick one leaves out the largest."""
    sizes = ((1_000, 10_000), (100, 10_000)) if quick else _ALL_SIZES
    counts, levels = ((5, 25), (2, 20)) if quick else ((5, 25, 200), (2, 5, 20, 500))
    for combination in itertools.product(*sizes, counts, levels, (False, True), (False, True)):
        yield Setting(*combination)


_ALL_SIZES = ((1_000, 10_000, 100_000), (100, 1_000, 10_000, 100_000))


def quarter(setting: Setting, seed: int, *, contingency: Contingency = null.contingency) -> Tally:
    """One model's 13 looks: a week each, or with a season a day each, out of 90."""
    rng = np.random.default_rng(seed)
    made = [_field(rng, setting, place) for place in range(setting.fields)]
    per_day = 1.0 if setting.season else 1 / 7
    alpha = split_budget(dict.fromkeys(MONITORS, per_day))
    scheme = chosen(made) if setting.season else Scheme.NONE
    drawn = [windows(rng, one, setting.window, LOOKS) for one in made]
    tally = Tally(quarters=LOOKS / (per_day * DEFAULT_BUDGET.days))
    said: dict[str, list[Outcome]] = {measure: [] for measure in MONITORS}
    for look in range(LOOKS):
        references = [_reference(one, scheme, look % 7) for one in made]
        currents = [counts[look] for counts in drawn]
        for measure in INPUTS:
            found = run(
                measure, made, references, currents, alpha=alpha[measure], contingency=contingency
            )
            said[measure].append(found)
    said["roc_auc"] = _performance(rng, setting, alpha["roc_auc"])
    for measure, outcomes in said.items():
        _count(tally, measure, outcomes)
    return tally


def chosen(made: list[Field]) -> Scheme:
    """The scheme that the reference of these fields shows; a day's rows lie in one hour here."""
    tables = {}
    for place, one in enumerate(made[:SHOWN]):
        cells = deciles(one, one.reference) if one.numeric else one.reference
        tables[str(place)] = np.zeros((HOURS, cells.shape[1]), np.int64)
        tables[str(place)][::24] = cells
    return choose_scheme(tables, days=REFERENCE_DAYS).scheme


def _field(rng: np.random.Generator, setting: Setting, place: int) -> Field:
    """Half of the fields are numeric; some have nulls, and some a mass point if there are any."""
    missing = NULL_SHARE if place % 4 == 0 else 0.0
    if place % 2:
        plain = categorical_field(rng, setting.reference, setting.levels, null=missing)
    else:
        mass = (0.8 if place % 6 == 0 else 0.02) if setting.mass else 0.0
        plain = numeric_field(rng, setting.reference, mass=mass, null=missing)
    return seasonal(rng, plain, setting.reference) if setting.season else plain


def _reference(one: Field, scheme: Scheme, day: int) -> Counts:
    """The reference that a window of one day is compared with; weeks have the whole reference."""
    if scheme is Scheme.NONE:
        total: Counts = one.reference.sum(axis=0)
        return total
    mine = phase_of_hour(24 * day, scheme)
    same = [phase_of_hour(24 * other, scheme) == mine for other in range(7)]
    tables = np.zeros((SIZES[scheme], one.reference.shape[1]), np.int64)
    tables[mine] = one.reference[same].sum(axis=0)
    rows = np.zeros(SIZES[scheme], np.int64)
    rows[mine] = 1
    return mixed_counts(rows, tables)


def _performance(rng: np.random.Generator, setting: Setting, alpha: float) -> list[Outcome]:
    known = scores(rng, setting.reference, 1.0)
    return [auc_alarm(known, scores(rng, setting.window, 1.0), alpha=alpha) for _ in range(LOOKS)]


def _count(tally: Tally, measure: str, outcomes: list[Outcome]) -> None:
    significant = openings([one.significant for one in outcomes])
    tally.windows += sum(one.significant for one in outcomes)
    tally.significant += significant
    tally.alarms += openings([bool(one.alarms) for one in outcomes])
    tally.by_measure[measure] = tally.by_measure.get(measure, 0) + significant


def openings(bad: list[bool]) -> int:
    """How many alarms open over these windows: at one bad window, closed after two clean ones."""
    return openings_after(bad, AT_ONCE)


def openings_after(bad: list[bool], open_after: OpenAfter) -> int:
    """How many alarms open over these windows, opened after k of n, closed after two clean ones."""
    said = [Verdict.BREACH if one else Verdict.OK for one in bad]
    count, start, before = 0, 0, False
    for end in range(1, len(said) + 1):
        now = is_alerting(said[start:end], open_after=open_after)
        count += now and not before
        before = now
        # What lies before n clean windows without an alarm says nothing any more.
        if not now and not any(bad[max(start, end - open_after[1]) : end]):
            start = end
    return count


def margins(results: dict[Setting, Tally]) -> dict[str, Tally]:
    """The tallies of all settings that share one value, by what they share."""
    totals: dict[str, Tally] = {"all": Tally()}
    for setting, tally in results.items():
        totals["all"].add(tally)
        for name in ("reference", "window", "fields", "levels", "season", "mass"):
            key = f"{name} {getattr(setting, name)}"
            totals.setdefault(key, Tally()).add(tally)
    return dict(sorted(totals.items(), key=lambda pair: _order(pair[0])))


def _order(key: str) -> tuple[str, float]:
    """Sort numbers by size."""
    name, _, value = key.partition(" ")
    return name, float(value) if value.isdigit() else 0.0

"""The results as Markdown, as in docs/calibration.md."""

from collections.abc import Iterable, Iterator, Sequence

from benchmarks.calibrate.looks import Looks
from benchmarks.calibrate.power import Power
from benchmarks.calibrate.quiet import Tally, most
from benchmarks.calibrate.tails import LEVELS, Tail

GOAL = 0.95


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def quiet_table(margins: dict[str, Tally]) -> str:
    head = (
        "settings",
        "quarters",
        "declared",
        "95 % to",
        "windows",
        "first key",
        "both keys",
        "",
    )
    return table(head, (_quiet_row(name, tally) for name, tally in margins.items()))


def _quiet_row(name: str, tally: Tally) -> list[str]:
    kept = "kept" if tally.kept else "**broken**"
    numbers = (tally.ceiling, tally.windows, tally.significant, tally.alarms)
    shown = [f"{tally.quarters:.0f}", f"{tally.declared:.0f}", *map(str, numbers)]
    return [name, *shown, kept]


def measures_table(tally: Tally) -> str:
    head = ("monitor", "declared", "95 % to", "first key", "")
    share = tally.declared / max(len(tally.by_measure), 1)
    rows = []
    for measure, count in tally.by_measure.items():
        kept = "**broken**" if measure in tally.broken else "kept"
        rows.append([measure, f"{share:.0f}", str(most(share)), str(count), kept])
    return table(head, rows)


def power_table(found: Sequence[Power]) -> str:
    head = ("change", "reference n", "first window", "within two", "95 %", "goal", "found by")
    return table(head, (_power_row(one) for one in found))


def _power_row(one: Power) -> list[str]:
    low, high = one.interval
    ranked = sorted(one.by_measure.items(), key=lambda pair: -pair[1])
    return [
        one.name,
        f"{one.reference:,}",
        f"{one.first / one.runs:.1%}",
        f"{one.second / one.runs:.1%}",
        f"{low:.1%} to {high:.1%}",
        "met" if one.second >= GOAL * one.runs else "**missed**",
        ", ".join(f"{name} {count / one.runs:.0%}" for name, count in ranked[:3]),
    ]


def looks_table(found: Sequence[Looks]) -> str:
    head = (
        "window, alarm at",
        "reference n",
        "window n",
        "alpha for one window",
        "alpha used",
        "quarters",
        "declared",
        "bound",
        "seen",
    )
    return table(head, (_looks_row(one) for one in found))


def _looks_row(one: Looks) -> list[str]:
    return [
        one.name,
        f"{one.reference:,}",
        f"{one.rows:,}",
        f"{one.single:.2g}",
        f"{one.alpha:.2g}",
        str(one.quarters),
        f"{one.declared:.1f}",
        f"{one.bound:.1f}",
        str(one.seen),
    ]


def tails_table(found: Iterable[Tail]) -> str:
    head = ("test", "reference n", "window n", "drawn", *(f"p ≤ {level:g}" for level in LEVELS))
    return table(head, _tail_rows(found))


def _tail_rows(found: Iterable[Tail]) -> Iterator[list[str]]:
    for one in found:
        ratios = [f"{ratio:.2f}" for ratio in one.ratios]
        yield [one.name, f"{one.reference:,}", f"{one.window:,}", f"{one.drawn:,}", *ratios]

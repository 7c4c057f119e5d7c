"""Measure: what the table says of one measure before anything is compared."""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Measure:
    """A measure, its formula in one line, and the names of its comparisons (`Seen.measure`).

    `beside` says what a measure without an oracle is held against (simulation, identity, counts
    by hand), or what another command compares it with.
    """

    name: str
    definition: str
    compared: tuple[str, ...] = ()
    beside: str = ""
    source: str = ""
    module: str = ""
    test: str = ""


def subject(source: str, module: str, test: str, *measures: Measure) -> tuple[Measure, ...]:
    """Return measures of one module: its source and tests are theirs where they name no other."""
    return tuple(
        replace(
            one,
            source=one.source or source,
            module=one.module or module,
            test=one.test or test,
        )
        for one in measures
    )

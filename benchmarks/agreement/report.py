"""The table as Markdown: what the catalogue declares beside what was seen."""

from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version

from benchmarks.agreement.catalogue import Measure
from benchmarks.agreement.seen import Seen
from benchmarks.markdown import table

BEGIN, END = "<!-- agreement: written by make agreement -->", "<!-- agreement: end -->"
HEADERS = (
    *("measure", "definition", "source", "code", "tested in"),
    *("oracle", "cases", "largest difference", "bound"),
)
LIBRARIES = {"SciPy": "scipy", "NumPy": "numpy", "scikit-learn": "scikit-learn", "River": "river"}
CODE = "monitoring/stats"
TESTS = "tests/stats"


def tabled(measures: Iterable[Measure], seen: Sequence[Seen]) -> str:
    """Return the whole table, measures in the order of the catalogue.

    Raises:
        ValueError: something was compared that the catalogue does not name, or the reverse.
    """
    known: dict[str, list[Seen]] = {}
    for one in seen:
        known.setdefault(one.measure, []).append(one)
    rows = [row for measure in measures for row in _rows(measure, known)]
    if known:
        raise ValueError(f"The catalogue does not name {sorted(known)}.")
    return table(HEADERS, rows)


def _rows(measure: Measure, known: dict[str, list[Seen]]) -> list[tuple[str, ...]]:
    """Return the rows of one measure; `known` loses what they show."""
    missing = [name for name in measure.compared if name not in known]
    if missing:
        raise ValueError(f"{measure.name} names comparisons that were not made: {missing}.")
    found = [(name, one) for name in measure.compared for one in known.pop(name)]
    shown = [_compared(measure, name, one) for name, one in found]
    if measure.beside:
        shown.append((measure.beside, "–", "–", "–"))
    head = _head(measure)
    return [(*(head if not place else ("",) * len(head)), *row) for place, row in enumerate(shown)]


def _head(measure: Measure) -> tuple[str, ...]:
    path = f"{CODE}/{measure.module}.py"
    return (
        f"**{measure.name}**",
        measure.definition,
        measure.source,
        f"[`{measure.module}`](../{path})",
        f"[`{measure.test}`](../{TESTS}/{measure.test}.py)",
    )


def _compared(measure: Measure, name: str, one: Seen) -> tuple[str, str, str, str]:
    part = "" if name in {measure.name, one.oracle} else f"{name}: "
    largest = f"{one.largest:.1e}" if one.kept else f"**{one.largest:.1e}**"
    return f"{part}{versioned(one.oracle)}", f"{one.cases:,}", largest, _bound(one)


def _bound(one: Seen) -> str:
    if one.kind == "reported":
        return f"reported, up to {one.allowed:.1e}; {one.used:.0%} of it used"
    return f"{one.allowed:.0e}" if one.kind == "same" else f"{one.allowed:.0e}, stated"


def versioned(oracle: str) -> str:
    """Return the oracle with the version of its library behind the name."""
    for name, package in LIBRARIES.items():
        if name in oracle:
            return oracle.replace(name, f"{name} {version(package)}", 1)
    return oracle


def written(page: str, body: str) -> str:
    """Return the page with the table between its markers anew.

    Raises:
        ValueError: the page has no markers.
    """
    if BEGIN not in page or END not in page:
        raise ValueError(f"The page has no place for the table: {BEGIN} … {END}")
    before, rest = page.split(BEGIN, 1)
    return f"{before}{BEGIN}\n\n{body.strip()}\n\n{END}{rest.split(END, 1)[1]}"


def summary(seen: Sequence[Seen]) -> str:
    """Return in one paragraph how many comparisons held, and the largest difference by kind."""
    kinds: Mapping[str, list[Seen]] = {
        kind: [one for one in seen if one.kind == kind] for kind in ("same", "reported", "near")
    }
    exact = max((one.largest for one in kinds["same"]), default=0.0)
    used = {kind: max((one.used for one in kinds[kind]), default=0.0) for kind in kinds}
    broken = [one.measure for one in seen if not one.kept]
    return (
        f"{len(seen)} comparisons, {sum(one.cases for one in seen):,} cases. Same definition "
        f"({len(kinds['same'])}): largest difference {exact:.1e}. Within the bound that the "
        f"finding reports ({len(kinds['reported'])}): at most {used['reported']:.0%} of it. Within "
        f"a stated tolerance ({len(kinds['near'])}): at most {used['near']:.0%} of it. "
        f"Broken: {', '.join(broken) or 'none'}."
    )

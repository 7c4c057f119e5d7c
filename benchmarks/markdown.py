"""Results as Markdown: tables, and the part of a page that a command writes anew."""

from collections.abc import Sequence

BEGIN, END = "<!-- {}: written by make bench -->", "<!-- {}: end -->"


def table(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table; every cell is one line, and a bar in it is no border.

    Raises:
        ValueError: a row has more or fewer cells than there are headers.
    """
    lines = [_line(headers), _line(["---"] * len(headers))]
    for row in rows:
        if len(row) != len(headers):
            raise ValueError(f"A row has {len(row)} cells, the table {len(headers)} columns: {row}")
        lines.append(_line(row))
    return "\n".join(lines)


def replaced(page: str, name: str, body: str) -> str:
    """The page with the part called `name` written anew; at its end where it has none yet."""
    begin, end = BEGIN.format(name), END.format(name)
    part = f"{begin}\n\n{body.strip()}\n\n{end}"
    if begin not in page:
        return f"{page.rstrip()}\n\n{part}\n"
    before, rest = page.split(begin, 1)
    return f"{before}{part}{rest.split(end, 1)[1]}"


def seconds(value: float) -> str:
    """CPU time with three significant digits: 38.7 s, 0.741 s, 7.8 ms."""
    if value < 0.1:
        return f"{1_000 * value:.3g} ms"
    return f"{value:.0f} s" if value >= 100 else f"{value:.3g} s"


def mebibytes(value: float) -> str:
    return f"{value / 2**20:,.0f} MiB"


def times(ratio: float) -> str:
    """How many times: 52 ×, 3.4 ×."""
    return f"{ratio:,.0f} ×" if ratio >= 10 else f"{ratio:.1f} ×"


def _line(cells: Sequence[object]) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"

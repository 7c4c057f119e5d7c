"""Why an upload is not taken: a status, a stable code, a sentence, and the rows it is about."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

SHOWN = 100


class UploadRefused(Exception):
    """The upload is not taken, and nothing of it was stored."""

    def __init__(self, status: int, code: str, detail: str, **extra: Any) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.extra = status, code, detail, extra


@dataclass
class Reasons:
    """What is wrong with which rows: all counted, the first hundred told one by one.

    Row numbers start at 0 and count rows, not lines. `whole` says that a complaint is about a
    column or the file, which no good row can make up for.
    """

    first: list[dict[str, Any]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    rows: set[int] = field(default_factory=set)
    whole: bool = False

    def add(self, row: int | None, name: str, code: str, message: str) -> None:
        self.counts[code] += 1
        if row is None:
            self.whole = True
        else:
            self.rows.add(row)
        if len(self.first) < SHOWN:
            self.first.append({"row": row, "field": name, "code": code, "message": message})

    def __bool__(self) -> bool:
        return bool(self.counts)

    def refusal(self, rows: int) -> UploadRefused:
        """The 422 that tells all of it."""
        return UploadRefused(
            422,
            "rows_rejected",
            f"{len(self.rows) or 'All'} of {rows} rows cannot be accepted; nothing was stored. "
            "Mend them and send the batch again, or ask for mode=partial to store the others.",
            errors=self.first,
            counts=dict(self.counts),
            rejected=len(self.rows),
            rows=rows,
        )

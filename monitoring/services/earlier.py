"""Earlier rows of a prediction log: what was stored first stays, so later rows must not differ.

Looked at are the batches that overlap in time, the newest first, up to a number of rows: sending
again after a failure comes soon, and a request must not read a whole log. What lies further back is
found when the batch is folded, where the first row counts and the others are duplicates.
"""

from datetime import datetime

import pyarrow as pa

from monitoring.gateways import duckdb
from monitoring.models import Batch, BatchKind

MOST_ROWS = 500_000
MOST_BATCHES = 50


def contradicted(
    *, version_id: int, table: pa.Table, id_column: str, first_at: datetime, last_at: datetime
) -> list[str]:
    """The ids of rows that are stored already with other values, in the order of the table."""
    names = _overlapping(version_id, first_at, last_at)
    known = duckdb.ids_changed(table, names, id_column) if names else set()
    return [one for one in table.column(id_column).to_pylist() if one in known]


def _overlapping(version_id: int, first_at: datetime, last_at: datetime) -> list[str]:
    found = Batch.objects.filter(
        version_id=version_id,
        kind=BatchKind.PREDICTIONS,
        first_at__lte=last_at,
        last_at__gte=first_at,
    ).order_by("-pk")
    names, rows = [], 0
    for path, count in found.values_list("path", "rows")[:MOST_BATCHES]:
        rows += count
        if rows > MOST_ROWS:
            break
        names.append(path)
    return names

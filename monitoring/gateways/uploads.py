"""Uploads: bytes as somebody sent them become a typed table, or a refusal that says why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import Message

import numpy as np
import pyarrow as pa

from monitoring.gateways import rows
from monitoring.gateways.columns import typed
from monitoring.gateways.decoding import LARGEST_BODY, decoded
from monitoring.gateways.parquet import read_parquet
from monitoring.gateways.refusals import Reasons, UploadRefused
from registry.schemas import Field

FORMATS = {
    "application/json": "json",
    "application/x-ndjson": "ndjson",
    "application/jsonl": "ndjson",
    "text/csv": "csv",
    "application/vnd.apache.parquet": "parquet",
    "application/x-parquet": "parquet",
}


@dataclass(frozen=True)
class Upload:
    """The rows that can be stored, and what is wrong with the others."""

    table: pa.Table
    sent: int
    reasons: Reasons


def parse(
    body: bytes, *, content_type: str, encoding: str, fields: Sequence[Field], now: datetime
) -> Upload:
    """The rows of an upload, typed as `fields` say; rows with faults are left out and told.

    Raises:
        UploadRefused: the body as a whole cannot be taken (400, 413, 415 or 422).
    """
    kind = _format(content_type)
    if len(body) > LARGEST_BODY:
        raise UploadRefused(413, "body_bytes", "A body has at most 64 MiB; send smaller batches.")
    plain = decoded(body, encoding)
    if not plain:
        raise UploadRefused(400, "empty", "The body is empty.")
    sheet = _sheet(kind, plain, fields)
    sent = sheet.rows if isinstance(sheet, rows.Sheet) else sheet.num_rows
    if not sent:
        raise UploadRefused(422, "empty", "The batch holds no row.")
    reasons = Reasons()
    table = typed(sheet, fields, reasons, now=now)
    return Upload(_without(table, reasons), sent, reasons)


def _format(content_type: str) -> str:
    message = Message()
    message["content-type"] = content_type
    found = FORMATS.get(message.get_content_type())
    if found is None:
        known = ", ".join(sorted(FORMATS))
        raise UploadRefused(
            415, "format", f"Content-Type {content_type[:60]!r} is not taken; send {known}."
        )
    charset = message.get_content_charset("utf-8")
    if charset not in {"utf-8", "utf8", "us-ascii"}:
        raise UploadRefused(415, "charset", f"Send UTF-8, not {charset[:20]!r}.")
    return found


def _sheet(kind: str, plain: bytes, fields: Sequence[Field]) -> rows.Sheet | pa.Table:
    if kind == "json":
        return rows.from_json(plain)
    if kind == "ndjson":
        return rows.from_ndjson(plain)
    if kind == "csv":
        return rows.from_csv(plain, fields)
    table = read_parquet(plain)
    names = table.column_names
    if len(set(names)) != len(names):
        raise UploadRefused(422, "ambiguous", "Two columns have the same name.")
    rows.checked_names(names)
    return table


def _without(table: pa.Table, reasons: Reasons) -> pa.Table:
    if not reasons.rows:
        return table
    kept = np.ones(table.num_rows, dtype=bool)
    kept[sorted(reasons.rows)] = False
    return table.filter(pa.array(kept))

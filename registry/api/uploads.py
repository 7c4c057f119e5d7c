"""A large body as a file: streamed, bounded, gone afterwards."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from accounts.api.problems import Problem

CHUNK = 1024 * 1024


class ParquetParser(BaseParser):
    """Leaves the body where it is: the view streams it."""

    media_type = "application/vnd.apache.parquet"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Mapping[str, Any]:
        return {"body": stream}


@contextmanager
def body_as_file(request: Request, *, most: int) -> Iterator[Path]:
    """The request's body in a file of its own.

    Raises:
        Problem: 415 for a coded body, 413 for one larger than `most`, 400 for none or half of one.
    """
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise Problem(415, "unsupported_media_type", "Send the Parquet file as it is, not packed.")
    with tempfile.NamedTemporaryFile(prefix="ombud-", suffix=".upload") as kept:
        size = 0
        body = request.data.get("body") if isinstance(request.data, Mapping) else None
        while body and (piece := body.read(CHUNK)):
            size += len(piece)
            if size > most:
                raise Problem(413, "too_large", f"At most {most // 2**20} MiB; sample it.")
            kept.write(piece)
        kept.flush()
        _check_size(request, size)
        yield Path(kept.name)


def _check_size(request: Request, size: int) -> None:
    promised = request.headers.get("Content-Length", "")
    if not size or (promised.isdigit() and int(promised) != size):
        raise Problem(400, "body_incomplete", f"{size} of {promised or 'no'} bytes arrived.")

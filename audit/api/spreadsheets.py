"""Lists as CSV for spreadsheets: `?format=csv`, where a view offers it.

What a person or a model wrote must not become a formula in somebody's spreadsheet: such text gets
an apostrophe in front. Numbers stay numbers.
"""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from typing import Any

from rest_framework.pagination import CursorPagination
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

FORMAT = "csv"
MOST_ROWS = 10_000
# What makes a spreadsheet compute, also as the wide signs of East Asian keyboards.
FORMULA = tuple("=+-@\t\r\n\0＝＋－＠")  # noqa: RUF001 - the wide signs are meant


def cell(value: Any) -> Any:
    """A value as a spreadsheet may have it."""
    if isinstance(value, Mapping | list | tuple):
        return json.dumps(value, ensure_ascii=False, default=str)
    if isinstance(value, str) and value.startswith(FORMULA):
        return f"'{value}"
    return "" if value is None else value


def written(columns: Iterable[str], rows: Iterable[Mapping[str, Any]]) -> bytes:
    """A CSV file with a header line."""
    names = list(columns)
    sink = io.StringIO(newline="")
    lines = csv.writer(sink)
    lines.writerow([cell(name) for name in names])
    lines.writerows([cell(row.get(name)) for name in names] for row in rows)
    return sink.getvalue().encode()


class SpreadsheetRenderer(BaseRenderer):
    """A list, in the columns of its view's serializer; problems stay problem+json."""

    media_type = "text/csv"
    format = FORMAT
    charset = "utf-8"

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        context = renderer_context or {}
        if context["response"].status_code >= 400:
            return json.dumps(data, default=str).encode()
        columns = context["view"].get_serializer_class()().fields
        return written(columns, data["results"])


class SpreadsheetPages(CursorPagination):
    """Pages of a list; as CSV one long page, with the address of the next one in `Link`."""

    page_size_query_param = "page_size"
    max_page_size = 200

    def get_page_size(self, request: Request) -> int | None:
        self.as_file = request.accepted_renderer.format == FORMAT
        return MOST_ROWS if self.as_file else super().get_page_size(request)

    def get_paginated_response(self, data: Any) -> Response:
        answer = super().get_paginated_response(data)
        if self.as_file:
            answer["Content-Disposition"] = 'attachment; filename="ombud.csv"'
            if following := self.get_next_link():
                answer["Link"] = f'<{following}>; rel="next"'
        return answer

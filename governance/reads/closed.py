"""Laying out paper without looking outside the document. Imported only where PDF is made."""

from typing import Any

from weasyprint import CSS, HTML  # type: ignore[import-untyped]
from weasyprint.urls import URLFetcher  # type: ignore[import-untyped]


class NotFetched(Exception):
    """A document named something outside itself."""


class Closed(URLFetcher):  # type: ignore[misc]
    """Fetches nothing, from anywhere: the style sheet is handed over, not linked."""

    def fetch(self, url: str, headers: Any = None) -> Any:
        raise NotFetched(url)


def laid_out(html: str, style: str) -> bytes:
    """The page as tagged PDF with this style sheet."""
    page = HTML(string=html, base_url="ombud:/", url_fetcher=Closed(), media_type="print")
    sheet = CSS(string=style, url_fetcher=Closed())
    return bytes(page.write_pdf(stylesheets=[sheet], pdf_variant="pdf/ua-1") or b"")

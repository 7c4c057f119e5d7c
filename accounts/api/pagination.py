from audit.api.spreadsheets import SpreadsheetPages


class NewestFirst(SpreadsheetPages):
    """Pages by cursor: stable while rows arrive; `page_size` up to 200."""

    ordering = "-pk"

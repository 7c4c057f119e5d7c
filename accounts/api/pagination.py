from rest_framework.pagination import CursorPagination


class NewestFirst(CursorPagination):
    """Pages by cursor: stable while rows arrive; `page_size` up to 200."""

    ordering = "-pk"
    page_size_query_param = "page_size"
    max_page_size = 200

"""Purges as pages and the API show them."""

from typing import Any

from django.db.models import QuerySet

from registry.models import Purge


def visible(user: Any) -> QuerySet[Purge]:
    """The purges that the person may see, the latest first."""
    rows = Purge.objects.visible_to(user).select_related("archive__version__model")
    return rows.defer("archive__documents", "archive__manifest").order_by("-pk")

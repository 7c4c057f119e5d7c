"""Who reads the trail. Nobody writes it but `audit.record`."""

from typing import Any


def can_read_trail(actor: Any) -> bool:
    """Everyone reads what concerns their teams; the queryset decides which rows these are."""
    return bool(actor.is_authenticated)


def can_export_trail(actor: Any) -> bool:
    """An export proves itself only as a whole, so it is for those who may read the whole."""
    return bool(actor.is_authenticated and actor.reads_everything)

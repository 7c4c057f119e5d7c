"""Who reads the trail. Nobody writes it but `audit.record`."""

from typing import Any


def can_read_trail(actor: Any) -> bool:
    """Everyone reads what concerns their teams; the queryset decides which rows these are."""
    return bool(actor.is_authenticated)

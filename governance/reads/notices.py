"""What a person was told lately of roll-backs and of watches that broke."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from governance.models import WatchNotice

SHOWN_FOR = timedelta(days=14)


def notices_for(user: Any) -> list[WatchNotice]:
    """The newest first; one query."""
    since = timezone.now() - SHOWN_FOR
    return list(WatchNotice.objects.filter(person=user, at__gte=since).order_by("-pk")[:20])

from typing import TYPE_CHECKING, Any, Self

from django.db import models

if TYPE_CHECKING:
    from audit.models import Event, VolumeEvent


class EventQuerySet(models.QuerySet["Event"]):
    def visible_to(self, user: Any) -> Self:
        """Auditors and administrators see the whole trail; others what concerns their teams."""
        if user.reads_everything:
            return self
        return self.filter(team_id__in=user.team_ids)


class VolumeEventQuerySet(models.QuerySet["VolumeEvent"]):
    def visible_to(self, user: Any) -> Self:
        """As the chain's events: everything for auditors, one's teams' for others."""
        if user.reads_everything:
            return self
        return self.filter(team_id__in=user.team_ids)

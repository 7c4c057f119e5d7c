"""Who sees auditors' papers: auditors all of them; a model's team what was shared with it."""

from typing import TYPE_CHECKING, Any, Self

from django.apps import apps
from django.db import models
from django.db.models import Exists, OuterRef

from accounts.policies import is_auditor
from accounts.querysets import of_teams

if TYPE_CHECKING:
    from governance.models import Bundle, Sample, SampleItem


class SampleQuerySet(models.QuerySet["Sample"]):
    def visible_to(self, user: Any) -> Self:
        return self.all() if is_auditor(user) else self.none()


class SampleItemQuerySet(models.QuerySet["SampleItem"]):
    def visible_to(self, user: Any) -> Self:
        """Items about which something was shared, of the person's teams; all for auditors."""
        if is_auditor(user):
            return self.all()
        entries = apps.get_model("governance", "SampleEntry").objects
        shared = Exists(entries.filter(item=OuterRef("pk"), shared=True))
        return self.filter(shared).filter(of_teams(user, "model__team_id"))


class BundleQuerySet(models.QuerySet["Bundle"]):
    def visible_to(self, user: Any) -> Self:
        return self.all() if is_auditor(user) else self.none()

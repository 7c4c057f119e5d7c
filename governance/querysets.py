from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django.apps import apps
from django.db import models
from django.db.models import Count, Exists, F, IntegerField, OuterRef, Q, Subquery
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, Coalesce

from accounts.models import Membership
from accounts.querysets import of_teams
from registry.models import Contribution

if TYPE_CHECKING:
    from governance.models import Card, ChangeRequest, StatusRow


class CardQuerySet(models.QuerySet["Card"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(of_teams(user, "version__model__team_id"))


class ChangeRequestQuerySet(models.QuerySet["ChangeRequest"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(of_teams(user, "model__team_id"))

    def signable_by(self, user: Any, roles: Iterable[str]) -> Self:
        """Open requests that still need a signature of one of the user's `roles`, and may have
        theirs: not asked for by them, no hand in the version, not signed yet."""
        hand = Contribution.objects.filter(version=OuterRef("version"), person=user.pk)
        mine = _signatures().filter(person=user.pk, signed_digest=OuterRef("digest"))
        wanted = Q(pk__in=[])
        for role in roles:
            teams = [team for team, held in user.held if held == role]
            needs = Q(quorum__has_key=role, **{f"missing_{role}__gt": 0})
            wanted |= needs & (Q() if None in teams else Q(model__team_id__in=teams))
        return (
            self.filter(state="open")
            .exclude(requested_by=user.pk)
            .annotate(**{f"missing_{role}": _missing(role) for role in roles})
            .filter(wanted, ~Exists(hand), ~Exists(mine))
        )


def _signatures() -> Any:
    return apps.get_model("governance", "SignOff").objects.filter(request=OuterRef("pk"))


def _missing(role: str) -> Any:
    """How many signatures of `role` over the current digest the quorum still asks for."""
    signed = (
        _signatures()
        .filter(role=role, decision="approve", signed_digest=OuterRef("digest"))
        .order_by()
        .values("request")
        .annotate(signatures=Count("pk"))
        .values("signatures")
    )
    asked = Cast(KeyTextTransform(role, F("quorum")), IntegerField())
    return Coalesce(asked, 0) - Coalesce(Subquery(signed), 0)


class StatusRowQuerySet(models.QuerySet["StatusRow"]):
    def visible_to(self, user: Any) -> Self:
        """Visible rows, found without asking for the user's roles first: one query in all."""
        of_team = Q(team_id=OuterRef("model__team_id")) | Q(team_id__isnull=True)
        return self.filter(Exists(Membership.objects.filter(of_team, user=user.pk)))

    def latest_rows(self) -> Self:
        """The answer in force of every model and environment."""
        return self.order_by("model_id", "environment", "-valid_from", "-pk").distinct(
            "model_id", "environment"
        )

    def at(self, moment: datetime) -> Self:
        return self.filter(valid_from__lte=moment)

"""Teams: made and renamed. Their short name stays, because addresses and groups name it."""

from django.core.exceptions import ValidationError
from django.core.validators import validate_slug
from django.db import transaction

from accounts.events import AccountEvent
from accounts.models import Team, User
from accounts.services.administrators import require_administrator
from audit.record import record


@transaction.atomic
def create_team(*, actor: User, name: str, slug: str) -> Team:
    """Make a team.

    Raises:
        Refused: no administrator.
        ValueError: no name or short name, or another team has it.
    """
    require_administrator(actor)
    _check_name(name)
    _check_slug(slug)
    team = Team.objects.create(name=name.strip(), slug=slug)
    record(actor, AccountEvent.TEAM_CREATED, team)
    return team


@transaction.atomic
def rename_team(*, actor: User, team_id: int, name: str) -> Team:
    """Give a team another name.

    Raises:
        Refused: no administrator.
        ValueError: no name, or another team has it.
    """
    team = Team.objects.select_for_update(no_key=True).get(pk=team_id)
    require_administrator(actor)
    before, after = team.name, name.strip()
    if before == after:
        return team
    _check_name(name, team)
    team.name = after
    team.save(update_fields=["name"])
    record(actor, AccountEvent.TEAM_RENAMED, team, before=before, after=after)
    return team


def _check_name(name: str, team: Team | None = None) -> None:
    if not name.strip() or len(name.strip()) > 80 or "\0" in name:
        raise ValueError("Say the team's name in 1 to 80 characters.")
    others = Team.objects.exclude(pk=team.pk) if team else Team.objects.all()
    if others.filter(name__iexact=name.strip()).exists():
        raise ValueError("Another team has this name.")


def _check_slug(slug: str) -> None:
    try:
        validate_slug(slug)
    except ValidationError as error:
        raise ValueError("A short name has letters, digits and hyphens only.") from error
    if len(slug) > 80 or slug != slug.lower():
        raise ValueError("A short name is in small letters, 80 at the most.")
    if Team.objects.filter(slug=slug).exists():
        raise ValueError("Another team has this short name.")

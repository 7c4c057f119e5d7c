"""What would be orphaned if somebody's account were closed."""

from dataclasses import dataclass

from django.db.models import QuerySet

from accounts.models import Team, User
from governance.models import ChangeRequest, Finding
from governance.reads.inbox import requests_waiting_for
from governance.states import FindingState
from monitoring.models import Incident
from monitoring.states import IncidentState
from registry.models import Model

MOST = 50


@dataclass(frozen=True)
class OwnedInTeam:
    """What somebody owns in one team, and who there could take it."""

    team: Team
    models: list[Model]
    findings: list[Finding]
    incidents: list[Incident]
    takers: list[User]


@dataclass(frozen=True)
class OpenWork:
    """`waiting`: requests that this person may sign now; they stay open for others."""

    owned: list[OwnedInTeam]
    waiting: list[ChangeRequest]
    waiting_count: int

    @property
    def count(self) -> int:
        return sum(len(one.models) + len(one.findings) + len(one.incidents) for one in self.owned)


def open_work(person: User) -> OpenWork:
    """Owned models, findings and incidents that are not over, by team; requests to sign."""
    models = list(Model.objects.filter(owner=person).select_related("team").order_by("name"))
    findings = list(_findings(person).select_related("model__team").order_by("pk"))
    incidents = list(_incidents(person).select_related("model__team").order_by("pk"))
    teams = {one.team for one in models}
    teams |= {one.model.team for one in findings} | {one.model.team for one in incidents}
    waiting = requests_waiting_for(person)
    return OpenWork(
        owned=[
            OwnedInTeam(
                team,
                [one for one in models if one.team_id == team.pk],
                [one for one in findings if one.model.team_id == team.pk],
                [one for one in incidents if one.model.team_id == team.pk],
                _takers(team, person),
            )
            for team in sorted(teams, key=lambda one: one.name)
        ],
        waiting=list(waiting.select_related("version__model").order_by("pk")[:MOST]),
        waiting_count=waiting.count(),
    )


def owns_anything(person: User) -> bool:
    return (
        Model.objects.filter(owner=person).exists()
        or _findings(person).exists()
        or _incidents(person).exists()
    )


def models_concerned(person: User, team_id: int) -> list[int]:
    """Keys of the models of a team that the person owns, or owns a finding or incident of."""
    keys = set(Model.objects.filter(owner=person, team_id=team_id).values_list("pk", flat=True))
    for rows in (_findings(person), _incidents(person)):
        keys |= set(rows.filter(model__team_id=team_id).values_list("model_id", flat=True))
    return sorted(keys)


def _findings(person: User) -> QuerySet[Finding]:
    return Finding.objects.filter(owner=person).exclude(state=FindingState.CLOSED)


def _incidents(person: User) -> QuerySet[Incident]:
    return Incident.objects.filter(owner=person).exclude(state=IncidentState.RESOLVED)


def _takers(team: Team, person: User) -> list[User]:
    rows = User.objects.filter(memberships__team=team, is_active=True, kind="person")
    return list(rows.exclude(pk=person.pk).distinct().order_by("name")[:500])

"""Effective challenge of the teams that a person may look at."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.http import Http404
from django.shortcuts import get_object_or_404

from accounts.models import Team
from audit.models import Event
from governance.challenge_figures import Changes, Decided, Figures, figures_of, hidden_because
from governance.events import GovernanceEvent
from governance.models import (
    ChallengeSwitch,
    ChangeRequest,
    Decision,
    EntryKind,
    EvidenceKind,
    EvidenceOpening,
    RequestEntry,
    SignOff,
)
from governance.policies import can_see_challenge, can_switch_challenge
from governance.reads.past_changes import aftermath
from governance.reads.switches import newest_switches

PERIODS = (90, 180, 365)
OVERTURNED_WITHIN = timedelta(days=90)
# Signatures that one answer is computed from; a year of a large installation.
MOST = 20_000
OVERTURNING = frozenset({"rolled_back", "suspended", "contradicted", "returned"})


@dataclass(frozen=True)
class TeamChallenge:
    """One team: whether it is counted, since when, and its figures or why there are none."""

    team: Team
    switch: ChallengeSwitch | None
    since: datetime | None
    until: datetime
    hidden: str
    figures: Figures | None
    may_switch: bool

    @property
    def on(self) -> bool:
        return self.since is not None


def teams_seen(user: Any) -> list[Team]:
    """The teams whose figures the person may look at."""
    return [team for team in Team.objects.order_by("name") if can_see_challenge(user, team.pk)]


def days_of(said: str) -> int:
    """One of the periods there are; a year if none of them is named."""
    return next((one for one in PERIODS if said == str(one)), PERIODS[-1])


def team_to_switch(user: Any, slug: str) -> Team:
    """A team that the person is of, or looks at; 404 where it is neither."""
    team = get_object_or_404(Team, slug=slug)
    if team.pk not in user.team_ids and not can_see_challenge(user, team.pk):
        raise Http404
    return team


def challenge_of(user: Any, *, days: int, now: datetime) -> list[TeamChallenge]:
    """Every team that the person may look at. A fixed number of queries.

    Counted are signatures on requests that were submitted while it was on: of others nobody
    noted what was opened.
    """
    teams = teams_seen(user)
    switches = newest_switches([team.pk for team in teams])
    start = now - timedelta(days=days)
    since = {pk: max(start, row.switched_at) for pk, row in switches.items() if row.on}
    decided = _decided(since, now)
    figures = _figures(decided, since, now)
    return [
        _line(user, team, switches.get(team.pk), since.get(team.pk), now, decided, figures)
        for team in teams
    ]


def _line(
    user: Any,
    team: Team,
    switch: ChallengeSwitch | None,
    since: datetime | None,
    now: datetime,
    decided: dict[int, list[Decided]],
    figures: dict[int, Figures],
) -> TeamChallenge:
    hidden = "Switched off: nothing is recorded, and nothing is shown."
    if since is not None:
        hidden = hidden_because(decided[team.pk])
    shown = None if hidden else figures[team.pk]
    may_switch = can_switch_challenge(user, team.pk)
    return TeamChallenge(team, switch, since, now, hidden, shown, may_switch)


def _decided(since: dict[int, datetime], now: datetime) -> dict[int, list[Decided]]:
    """Signatures by team, each with what its person had opened by then. Two queries."""
    found: dict[int, list[Decided]] = defaultdict(list)
    if not since:
        return found
    rows = SignOff.objects.filter(
        request__model__team__in=since, signed_at__gte=min(since.values()), signed_at__lte=now
    )
    signed = list(rows.select_related("request__model").order_by("-pk")[:MOST])
    opened = _opened({row.request_id for row in signed})
    for row in signed:
        team = row.request.model.team_id
        if row.request.submitted_at >= since[team]:
            found[team].append(_one(row, opened[row.request_id, row.person_id]))
    return found


def _one(row: SignOff, opened: dict[str, datetime]) -> Decided:
    return Decided(
        request=row.request_id,
        person=row.person_id,
        approves=row.decision == Decision.APPROVE,
        submitted_at=row.request.submitted_at,
        signed_at=row.signed_at,
        opened={kind: at for kind, at in opened.items() if at <= row.signed_at},
    )


def _opened(request_ids: Collection[int]) -> dict[tuple[int, int], dict[str, datetime]]:
    rows = EvidenceOpening.objects.filter(request__in=request_ids)
    found: dict[tuple[int, int], dict[str, datetime]] = defaultdict(dict)
    for request, person, kind, at in rows.values_list("request", "person", "kind", "opened_at"):
        found[request, person][kind] = at
    return found


def _figures(
    decided: dict[int, list[Decided]], since: dict[int, datetime], now: datetime
) -> dict[int, Figures]:
    """Of the teams with enough decisions only."""
    shown = {team: told for team, told in decided.items() if not hidden_because(told)}
    asked = changes_asked(shown.values())
    changes = _changes(shown, since, now)
    return {
        team: figures_of(told, asked=asked, changes=changes[team], kinds=EvidenceKind.values)
        for team, told in shown.items()
    }


def changes_asked(decided: Iterable[Sequence[Decided]]) -> set[int]:
    """Requests of which somebody who signed them wanted something changed: they asked for it, or
    set other conditions."""
    signers = {(str(one.request), one.person) for told in decided for one in told}
    rows = Event.objects.filter(
        event=GovernanceEvent.CONDITIONS_SET,
        subject_type=ChangeRequest._meta.label_lower,
        subject_id__in={request for request, _ in signers},
    )
    set_by = rows.values_list("subject_id", "actor")
    asked = RequestEntry.objects.filter(
        kind=EntryKind.CHANGE_ASKED, request__in={int(request) for request, _ in signers}
    ).values_list("request_id", "person_id")
    told = {(str(pk), person) for pk, person in set_by}
    told |= {(str(pk), person) for pk, person in asked}
    return {int(pk) for pk, _ in told & signers}


def _changes(
    teams: Collection[int], since: dict[int, datetime], now: datetime
) -> dict[int, Changes]:
    """What became of the changes that were carried out."""
    rows = ChangeRequest.objects.filter(
        model__team__in=teams, executed_at__isnull=False, executed_at__lte=now
    ).select_related("model", "version")
    done = [
        row for row in rows.order_by("-pk")[:MOST] if row.submitted_at >= since[row.model.team_id]
    ]
    old = [row for row in done if row.executed_at and row.executed_at + OVERTURNED_WITHIN <= now]
    signs = aftermath(old, OVERTURNED_WITHIN)
    return {team: _change(team, done, old, signs) for team in teams}


def _change(
    team: int, done: Sequence[ChangeRequest], old: Sequence[ChangeRequest], signs: Any
) -> Changes:
    ours = [row for row in old if row.model.team_id == team]
    overturned = [row for row in ours if {sign.what for sign in signs[row.pk]} & OVERTURNING]
    recent = sum(row.model.team_id == team for row in done) - len(ours)
    return Changes(len(ours), len(overturned), recent)

"""Back-tests: a person asks what a proposal would have done; a job computes it from the past."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import Team, User
from accounts.policies import require
from audit.record import record
from governance.events import GovernanceEvent
from governance.jobs.monitor_trials import planned_windows
from governance.models import BackTest, BackTestState, BackTestSubject
from governance.policies import can_try_policy
from governance.reads.evidence import current_policy
from governance.reads.past_changes import past_requests
from governance.refusals import Incomplete, NoSuchStep
from governance.trials import (
    LONGEST,
    LONGEST_LOOK,
    MOST_REQUESTS,
    MOST_WINDOWS,
    signatures_of,
    stored,
    what_is_wrong,
)
from ledger import claims
from monitoring.jobs.trying import everything_of
from monitoring.models import Monitor
from monitoring.policies import can_try
from monitoring.services.monitors import MonitorInvalid, proposed

KIND = "governance.back_test"
MOST_WAITING = 10
ONLY_WHO_DECIDES = (
    "Administrators and auditors try a policy on everybody's past; validators, reviewers and risk "
    "officers on their team's."
)
ONLY_THE_TEAM = "People of the model's team and auditors try other settings of its monitors."


@dataclass(frozen=True)
class Past:
    """Which past is looked at: both days are included."""

    since: date
    until: date
    within_days: int = 30

    @property
    def start(self) -> datetime:
        return datetime.combine(self.since, time(), tzinfo=UTC)

    @property
    def end(self) -> datetime:
        return datetime.combine(self.until, time(), tzinfo=UTC) + timedelta(days=1)


@dataclass(frozen=True)
class Policy:
    """A proposed approval policy."""

    kind: str
    risk_tier: str
    quorum: dict[str, int]
    gates: list[dict[str, Any]]


@transaction.atomic
def ask_policy_trial(
    *, actor: User, policy: Policy, past: Past, team: Team | None = None, reason: str = ""
) -> BackTest:
    """Have a proposed policy run over the requests of a period.

    Raises:
        Refused: the actor decides neither about policies nor about this team's changes.
        Incomplete: the policy or the period makes no sense, or there are too many requests.
        NoSuchStep: many that the actor asked for are still being computed.
    """
    require(can_try_policy(actor, team.pk if team else None), ONLY_WHO_DECIDES)
    _check_past(past)
    if wrong := what_is_wrong(policy.kind, policy.risk_tier, policy.quorum, policy.gates):
        raise Incomplete(*wrong)
    row = BackTest(
        subject=BackTestSubject.POLICY,
        team=team,
        kind=policy.kind,
        risk_tier=policy.risk_tier,
        proposal={"quorum": policy.quorum, "gates": policy.gates},
        present=_present(policy),
        **_common(actor, past, reason),
    )
    _refuse_many_requests(row)
    return _asked(actor, row)


@transaction.atomic
def ask_monitor_trial(
    *, actor: User, monitor: Monitor, changes: dict[str, Any], past: Past, reason: str = ""
) -> BackTest:
    """Have other settings of a monitor run over the stored windows of a period.

    Raises:
        Refused: the actor is neither of the model's team nor an auditor.
        Incomplete: the settings or the period make no sense, or there are too many windows.
        NoSuchStep: many that the actor asked for are still being computed.
    """
    require(can_try(actor, monitor), ONLY_THE_TEAM)
    _check_past(past)
    try:
        tried = proposed(monitor=monitor, changes=changes)
    except MonitorInvalid as refusal:
        raise Incomplete(refusal.field, str(refusal)) from refusal
    row = BackTest(
        subject=BackTestSubject.MONITOR,
        team=monitor.model.team,
        monitor=monitor,
        proposal=stored(everything_of(tried)),
        present=stored(everything_of(monitor)),
        **_common(actor, past, reason),
    )
    if (count := planned_windows(row, tried)) > MOST_WINDOWS:
        message = f"{count:,} windows; at most {MOST_WINDOWS:,}: choose a shorter period."
        raise Incomplete("since", message)
    return _asked(actor, row)


def _common(actor: User, past: Past, reason: str) -> dict[str, Any]:
    return {
        "since": past.start,
        "until": past.end,
        "within_days": past.within_days,
        "reason": reason.strip()[:400],
        "asked_by": actor,
        "printed_name": actor.name,
    }


def _present(policy: Policy) -> dict[str, Any]:
    """The policy in force, which the proposal is shown beside; empty if there is none."""
    row = current_policy(policy.kind, policy.risk_tier)
    return {"number": row.number, "quorum": signatures_of(row), "gates": row.gates} if row else {}


def _check_past(past: Past) -> None:
    if past.until < past.since:
        raise Incomplete("until", "Not before the first day.")
    if past.until > timezone.now().date():
        raise Incomplete("until", "Not after today.")
    if past.end - past.start > LONGEST:
        raise Incomplete("since", "At most three years.")
    if not 1 <= past.within_days <= LONGEST_LOOK:
        raise Incomplete("within_days", f"1 to {LONGEST_LOOK} days.")


def _refuse_many_requests(row: BackTest) -> None:
    rows = past_requests(
        kind=row.kind,
        risk_tier=row.risk_tier,
        since=row.since,
        until=row.until,
        team_id=row.team.pk if row.team else None,
    )
    if (count := rows.count()) > MOST_REQUESTS:
        message = f"{count:,} requests; at most {MOST_REQUESTS:,}: choose a shorter period."
        raise Incomplete("since", message)


def _asked(actor: User, row: BackTest) -> BackTest:
    waiting = BackTest.objects.filter(asked_by=actor, state=BackTestState.REQUESTED)
    if waiting.count() >= MOST_WAITING:
        raise NoSuchStep(f"{MOST_WAITING} of yours are being computed: wait for one of them.")
    row.save(force_insert=True)
    claims.enqueue(kind=KIND, key=str(row.pk), subject_id=row.pk)
    record(
        actor,
        GovernanceEvent.BACK_TEST_ASKED,
        row,
        about=row.about,
        proposal=row.proposal,
        since=row.since,
        until=row.until,
        reason=row.reason,
    )
    row.refresh_from_db()
    return row

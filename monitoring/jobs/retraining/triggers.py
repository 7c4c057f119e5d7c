"""Whether a policy wants to retrain: read from stored verdicts and counts, never measured anew.

Every trigger that fires belongs to an episode: the run of breaching windows that it saw, the time
since the last retraining. An episode is answered once. Any number of beats may look at once.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Sum

from monitoring.models import MonitorKind, Profile, Retraining, RetrainingPolicy, Run
from monitoring.reads.windows import ALL_ROWS
from monitoring.retraining_terms import Combine, Trigger, stored
from monitoring.stats.verdict import Verdict
from registry.models import Version
from registry.reads.deployments import serving_now
from registry.states import DeploymentRole

KINDS: dict[str, tuple[str, ...]] = {
    Trigger.PERFORMANCE: (
        MonitorKind.PERFORMANCE,
        MonitorKind.CALIBRATION,
        MonitorKind.CONCEPT,
    ),
    Trigger.DRIFT: (MonitorKind.DRIFT, MonitorKind.NOVELTY),
}
LOOKED_BACK = 60
CALM = (Verdict.OK, Verdict.WARNING)


@dataclass(frozen=True)
class Fired:
    """One episode of a trigger, and why it fired, in a sentence."""

    key: str
    reason: str


@dataclass(frozen=True)
class Streak:
    """Windows in a row, up to the latest, that breach a limit of one monitor."""

    monitor_id: int
    name: str
    since: datetime
    windows: int


def champion_of(model_id: int) -> Version | None:
    """Who serves as champion in production now."""
    for one in serving_now(model_id):
        if one.role == DeploymentRole.CHAMPION:
            return Version.objects.select_related("model").get(pk=one.version_id)
    return None


def fired_by(policy: RetrainingPolicy, champion: Version, now: datetime) -> list[Fired]:
    """The episodes that no retraining has answered; nothing where the combination is not met."""
    terms = stored(policy.terms)
    last = _last(policy.model_id)
    by_trigger = [list(_fired(trigger, policy, champion, last, now)) for trigger in terms.triggers]
    if terms.combine == Combine.ALL and not all(by_trigger):
        return []
    found = [one for fired in by_trigger for one in fired]
    # One that is new makes it a new occasion, also where all are needed.
    used = set(policy.episodes.values_list("key", flat=True))
    return [] if all(one.key in used for one in found) else found


def _last(model_id: int) -> Retraining | None:
    return Retraining.objects.filter(model_id=model_id).order_by("-started_at", "-pk").first()


def _fired(
    trigger: dict[str, Any],
    policy: RetrainingPolicy,
    champion: Version,
    last: Retraining | None,
    now: datetime,
) -> Iterator[Fired]:
    on = trigger["on"]
    if on == Trigger.SCHEDULE:
        yield from _by_schedule(trigger, policy, last, now)
    elif on == Trigger.OUTCOMES:
        yield from _by_outcomes(trigger, champion, last)
    else:
        yield from _by_verdicts(trigger, champion, last)


def _by_schedule(
    trigger: dict[str, Any], policy: RetrainingPolicy, last: Retraining | None, now: datetime
) -> Iterator[Fired]:
    began = last.started_at if last else policy.on_since
    days = trigger["every_days"]
    if began is not None and now >= began + timedelta(days=days):
        since = f"since {began:%-d %B %Y}"
        yield Fired(f"schedule:{last.pk if last else 0}", f"{days} days have passed {since}.")


def _by_outcomes(
    trigger: dict[str, Any], champion: Version, last: Retraining | None
) -> Iterator[Fired]:
    hours = Profile.objects.filter(version=champion, segment=ALL_ROWS)
    if last is not None:
        hours = hours.filter(hour__gte=last.up_to)
    count = hours.aggregate(total=Sum("labelled"))["total"] or 0
    if count >= trigger["rows"]:
        key = f"outcomes:{champion.pk}:{last.pk if last else 0}"
        yield Fired(key, f"{count:,} outcomes have come in since the last retraining.")


def _by_verdicts(
    trigger: dict[str, Any], champion: Version, last: Retraining | None
) -> Iterator[Fired]:
    for streak in streaks_of(champion, KINDS[trigger["on"]]):
        # Data up to the last retraining were in it: what breached before has its answer.
        answered = last is not None and last.parent_id == champion.pk
        if answered and last is not None and streak.since <= last.up_to:
            continue
        if streak.windows >= trigger["windows"]:
            key = f"{trigger['on']}:{champion.pk}:{streak.monitor_id}:{streak.since:%Y%m%d%H}"
            yield Fired(key, _words(streak, champion))


def _words(streak: Streak, champion: Version) -> str:
    many = "One window" if streak.windows == 1 else f"{streak.windows} windows in a row"
    since = f"since {streak.since:%-d %B %Y}"
    return f"{many} of version {champion.number} breached “{streak.name}” {since}."


def streaks_of(version: Version, kinds: tuple[str, ...]) -> Iterator[Streak]:
    """Of every enabled monitor of these kinds: the breaches in a row up to its latest window.

    Windows with too little data neither count nor break a row.
    """
    runs = Run.objects.filter(
        version=version, latest=True, monitor__kind__in=kinds, monitor__enabled=True
    )
    named = runs.order_by("monitor_id", "-window_end").values_list(
        "monitor_id", "monitor__name", "verdict", "window_end"
    )
    by_monitor: dict[int, list[tuple[str, str, datetime]]] = {}
    for monitor_id, name, verdict, end in named:
        by_monitor.setdefault(monitor_id, []).append((name, verdict, end))
    for monitor_id, rows in by_monitor.items():
        yield from _streak(monitor_id, rows[:LOOKED_BACK])


def _streak(monitor_id: int, rows: list[tuple[str, str, datetime]]) -> Iterator[Streak]:
    breached: list[datetime] = []
    for _, verdict, end in rows:
        if verdict in CALM:
            break
        if verdict == Verdict.BREACH:
            breached.append(end)
    if breached:
        yield Streak(monitor_id, rows[0][0], breached[-1], len(breached))

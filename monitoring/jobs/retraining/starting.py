"""Starting a retraining, or saying once why it is not started."""

import calendar
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Sum
from django.utils import timezone

from accounts.models import User
from audit.record import SYSTEM, record
from monitoring.events import MonitoringEvent
from monitoring.jobs.retraining import pipeline
from monitoring.jobs.retraining.triggers import Fired, champion_of, fired_by
from monitoring.models import (
    DataSuite,
    Retraining,
    RetrainingEpisode,
    RetrainingPolicy,
    RetrainingRefusal,
    RetrainingStep,
)
from monitoring.retraining_terms import stored
from monitoring.states import PolicyState, RetrainingState, StepName
from registry.models import Model, Version

LIVE = (RetrainingState.RUNNING, RetrainingState.FAILED)


def look_after() -> None:
    """Start what is due, and look at what waits; any number of beats may."""
    consider_policies()
    pipeline.look_after()


def consider_policies() -> int:
    """Start what is due by the policies that are on; returns how many were started."""
    policies = RetrainingPolicy.objects.filter(state=PolicyState.ON).select_related("model")
    return sum(_consider(policy, timezone.now()) for policy in policies.order_by("pk"))


def _consider(policy: RetrainingPolicy, now: datetime) -> int:
    champion = champion_of(policy.model_id)
    if champion is None:
        return 0
    fired = fired_by(policy, champion, now)
    if not fired:
        return 0
    return int(begin(policy_id=policy.pk, fired=fired, now=now) is not None)


def begin(
    *, policy_id: int, fired: list[Fired], now: datetime, actor: User | None = None
) -> Retraining | None:
    """Make the retraining and its first job; None where it was made already or is refused.

    Two beats at once: the lock lets the second one find the episode answered; the constraint would
    refuse it too.
    """
    try:
        with transaction.atomic():
            return _begin(policy_id, fired, now, actor)
    except IntegrityError:
        return None


def _begin(
    policy_id: int, fired: list[Fired], now: datetime, actor: User | None
) -> Retraining | None:
    policy = RetrainingPolicy.objects.select_related("model").get(pk=policy_id)
    Model.objects.select_for_update(no_key=True).get(pk=policy.model_id)
    policy.refresh_from_db(fields=["state"])
    champion = champion_of(policy.model_id)
    used = RetrainingEpisode.objects.filter(policy=policy, key__in=[one.key for one in fired])
    new = {one.key for one in fired} - set(used.values_list("key", flat=True))
    if policy.state != PolicyState.ON or champion is None or not new:
        return None
    refusal = refusal_of(policy, now, by_hand=actor is not None)
    if refusal is not None:
        _refuse(policy, fired, *refusal)
        return None
    return _create(policy, champion, [one for one in fired if one.key in new], now, actor)


def refusal_of(
    policy: RetrainingPolicy, now: datetime, *, by_hand: bool = False
) -> tuple[str, str] | None:
    """Why none may start now: its cause and the sentence; None where it may.

    A person need not wait for the end of the rest; the budget binds everybody.
    """
    terms = stored(policy.terms)
    mine = Retraining.objects.filter(model_id=policy.model_id)
    live = mine.filter(state__in=LIVE).first()
    if live is not None:
        return "under_way", _under_way(live)
    last = mine.order_by("-started_at").first()
    rest = timedelta(days=terms.cool_down_days)
    if last is not None and not by_hand and now < last.started_at + rest:
        until = f"{last.started_at + rest:%-d %B %Y}"
        return "cool_down", f"The policy rests until {until}, after the last retraining."
    month = mine.filter(started_at__gte=now.replace(day=1, hour=0, minute=0, second=0))
    if month.count() >= terms.runs_per_month:
        return "runs", f"The retrainings of {_month(now)} are used up: {terms.runs_per_month}."
    spent = (month.aggregate(total=Sum("processor_seconds"))["total"] or 0) / 60
    if spent >= terms.processor_minutes:
        allowed = f"{terms.processor_minutes} processor minutes of {_month(now)}"
        return "minutes", f"The {allowed} are used up."
    return None


def _under_way(live: Retraining) -> str:
    if live.state == RetrainingState.FAILED:
        return "The last retraining failed and waits for somebody to retry or cancel it."
    return "A retraining is under way."


def _month(now: datetime) -> str:
    return f"{calendar.month_name[now.month]} {now.year}"


def _refuse(policy: RetrainingPolicy, fired: list[Fired], cause: str, text: str) -> None:
    """Once for an episode and cause, however often somebody looks."""
    key = fired[0].key
    _, made = RetrainingRefusal.objects.get_or_create(
        policy=policy, key=key, cause=cause, defaults={"text": text[:300]}
    )
    if made:
        reasons = [one.reason for one in fired]
        event = MonitoringEvent.RETRAINING_REFUSED
        record(SYSTEM, event, policy, number=policy.number, because=text, reasons=reasons)


def _create(
    policy: RetrainingPolicy,
    champion: Version,
    fired: list[Fired],
    now: datetime,
    actor: User | None,
) -> Retraining:
    reasons = [one.reason for one in fired]
    retraining = Retraining.objects.create(
        model_id=policy.model_id,
        policy=policy,
        parent=champion,
        suite=DataSuite.objects.filter(model_id=policy.model_id).order_by("-number").first(),
        terms=policy.terms,
        reasons=reasons,
        asked_by=actor,
        up_to=now,
    )
    RetrainingEpisode.objects.bulk_create(
        RetrainingEpisode(policy=policy, retraining=retraining, key=one.key) for one in fired
    )
    RetrainingStep.objects.bulk_create(
        RetrainingStep(retraining=retraining, name=name, place=place)
        for place, name in enumerate(StepName)
    )
    pipeline.enqueue(retraining.steps.get(name=StepName.COLLECT))
    facts = {"policy": policy.number, "champion": champion.number, "up_to": now}
    event = MonitoringEvent.RETRAINING_STARTED
    record(actor or SYSTEM, event, retraining, reasons=reasons, **facts)
    return retraining

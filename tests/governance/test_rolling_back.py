"""Rolling back: by request, by the watch after a deployment, twice at once, and where it cannot."""

import signal
import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from accounts.policies import Refused
from audit.models import Event
from governance.jobs.findings import Found, raise_finding
from governance.jobs.follow import follow_verdicts
from governance.jobs.rolling_back import by_watch
from governance.models import ApprovalPolicy, ChangeRequest, Clearance, RollBack, Watch, WatchNotice
from governance.reads.rollbacks import targets
from governance.reads.watches import looked_at, report
from governance.services.clearance import reinstate_clearance
from governance.services.rollbacks import NotEligible, ask_to_roll_back
from ledger import claims
from ledger.models import Job
from monitoring.models import IncidentEntry, Measurement, Monitor, Run
from registry.jobs.bytes_now import BytesNow
from registry.models import Deployment, Version
from registry.states import Stage
from tests.governance.conftest import (
    Unchanged,
    ask,
    carry_out,
    critical_incident,
    promoted,
    sign,
)
from tests.registry.test_deviations_under_load import killed


def policy_says(kind: str, **told: Any) -> None:
    """The watch of the policy in force, with these parameters."""
    policy = ApprovalPolicy.objects.get(kind=kind, risk_tier="medium", current=True)
    for gate in policy.gates:
        if gate["gate"] == "watched_after":
            gate["parameters"].update(told)
    policy.save()


def automatic(**more: Any) -> None:
    policy_says("promote", automatic=True, **more)


@pytest.fixture
def pair(one: Version, two: Version, olga: Any, vera: Any, rita: Any) -> tuple[Version, Version]:
    """Version 1 was champion until version 2 took over, which is watched."""
    promoted(one, olga, vera, rita)
    promoted(two, olga, vera, rita)
    one.refresh_from_db()
    return one, two


def champion() -> int:
    running = Deployment.objects.get(ended_at__isnull=True, role="champion")
    return running.version.number


def breached(version: Version, value: float = 0.41) -> Measurement:
    """A guard-rail's monitor says breach for a window after the deployment."""
    now = timezone.now()
    monitor = Monitor.objects.get(model=version.model, kind="performance")
    run = Run.objects.create(
        monitor=monitor,
        version=version,
        window_start=now - timedelta(hours=1),
        window_end=now,
        config_digest="c" * 64,
        verdict="breach",
        rows=500,
        profile_digest="p" * 64,
        library_version="1",
    )
    return Measurement.objects.create(
        run=run,
        monitor=monitor,
        version=version,
        window_end=now,
        metric="roc_auc",
        value=value,
        low=value - 0.02,
        high=value + 0.02,
        n=500,
        breach=0.6,
        verdict="breach",
    )


def work_off() -> Watch:
    """What the ledger holds of broken watches, done as a worker does it."""
    for job in Job.objects.filter(kind="governance.roll_back", state="due"):
        claim = claims.claim(job_id=job.pk)
        if claim is not None:
            by_watch(claim)
    return Watch.objects.filter(state="broken").latest("pk")


def test_one_request_and_one_signature_bring_the_former_champion_back_in_seconds(
    pair: Any, olga: Any, rita: Any
) -> None:
    one, two = pair
    request = ask_to_roll_back(actor=olga, model_id=one.model_id, number=1)
    start = time.perf_counter()
    sign(rita, request)
    carry_out(request)
    took = time.perf_counter() - start
    print(f"rolled back {took:.2f} s after the signature was asked for")  # noqa: T201 - measured
    assert request.state == "executed", request.error
    assert champion() == 1
    assert took < 5
    row = RollBack.objects.get()
    assert (row.left, row.to, row.request_id, row.automatic) == (two, one, request.pk, False)
    assert Clearance.objects.get(until__isnull=True).version_id == one.pk
    assert Event.objects.filter(event="governance.roll_back.executed").count() == 1
    assert WatchNotice.objects.filter(roll_back=row, person=rita).count() == 1


def test_every_earlier_version_is_listed_and_says_what_keeps_it(
    pair: Any, flights: Any, olga: Any
) -> None:
    one, _ = pair
    assert [(t.number, t.eligible) for t in targets(flights, "production")] == [(1, True)]
    Version.objects.filter(pk=one.pk).update(stage=Stage.ARCHIVED)
    target = targets(flights, "production")[0]
    assert not target.eligible
    assert "restore its archive" in target.obstacles[0]
    with Unchanged(), pytest.raises(NotEligible):
        ask_to_roll_back(actor=olga, model_id=flights.pk, number=1)


def test_a_stranger_and_a_reviewer_ask_for_nothing(pair: Any, sam: Any, rita: Any) -> None:
    for person in (sam, rita):
        with Unchanged(), pytest.raises(Refused):
            ask_to_roll_back(actor=person, model_id=pair[0].model_id, number=1)


def test_other_bytes_do_not_serve_again(
    pair: Any, olga: Any, rita: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from governance.jobs import execute

    other = BytesNow("differ", "Its files are not those that were hashed and approved.")
    monkeypatch.setattr(execute, "read_bytes", lambda _: other)
    request = ask_to_roll_back(actor=olga, model_id=pair[0].model_id, number=1)
    sign(rita, request)
    carry_out(request)
    assert request.state == "failed"
    assert "not those that were hashed" in request.error
    assert champion() == 2
    assert not RollBack.objects.exists()


def test_a_champion_is_watched_for_as_long_as_the_policy_says(pair: Any) -> None:
    watch = Watch.objects.get(version=pair[1])
    assert watch.former is not None
    assert (watch.version.number, watch.former.number, watch.hours) == (2, 1, 168)
    assert watch.until - watch.started_at == timedelta(hours=168)
    follow_verdicts()
    assert Watch.objects.get(state="cut_short").version.number == 1


def test_where_the_policy_asks_a_broken_guard_rail_opens_a_request(pair: Any, rita: Any) -> None:
    breached(pair[1])
    follow_verdicts()
    watch = work_off()
    assert watch.outcome == "asked"
    request = ChangeRequest.objects.get(kind="roll_back")
    assert (request.state, request.version, request.requested_by.name) == ("open", pair[0], "Ombud")
    assert champion() == 2
    sign(rita, request)
    carry_out(request)
    assert champion() == 1


def test_where_the_policy_allows_it_is_rolled_back_by_itself_exactly_once(
    one: Version, two: Version, olga: Any, vera: Any, rita: Any
) -> None:
    automatic()
    promoted(one, olga, vera, rita)
    promoted(two, olga, vera, rita)
    measured = breached(two)
    incident = critical_incident(two, kind="performance")
    for _ in range(2):
        follow_verdicts()
        watch = work_off()
    assert (watch.outcome, champion()) == ("rolled_back", 1)
    row = RollBack.objects.get()
    assert row.watch == watch
    assert row.incident == incident
    told = Event.objects.get(event="governance.watch.broken").data
    assert "promote of a medium-risk model" in told["policy"]
    assert told["measurement"]["incident"] == incident.pk or measured.pk
    assert IncidentEntry.objects.filter(incident=incident, text__contains="rolled back").exists()
    assert {one.person.name for one in row.notices.all()} >= {"Olga", "Rita"}
    assert Clearance.objects.get(until__isnull=True).state == "cleared"
    # What was rolled back to is watched as well, and people decide what comes next.
    again = Watch.objects.get(version=one, state="watching")
    assert (again.version, again.automatic) == (one, False)


def test_a_number_worse_than_the_former_champions_breaks_the_watch(
    one: Version, two: Version, olga: Any, vera: Any, rita: Any
) -> None:
    automatic()
    promoted(one, olga, vera, rita)
    row = breached(one, 0.80)
    Measurement.objects.filter(pk=row.pk).update(verdict="ok")
    promoted(two, olga, vera, rita)
    mine = breached(two, 0.70)
    Measurement.objects.filter(pk=mine.pk).update(verdict="ok")
    follow_verdicts()
    watch = work_off()
    assert watch.breach is not None
    assert watch.breach["rail"] == "former"
    assert champion() == 1


@pytest.mark.parametrize(("what", "then"), [("suspend", "suspended"), ("keep", "cleared")])
def test_a_former_champion_with_a_grave_finding_stays_where_it_is(
    one: Version, two: Version, olga: Any, vera: Any, rita: Any, what: str, then: str
) -> None:
    automatic(when_not_possible=what)
    promoted(one, olga, vera, rita)
    promoted(two, olga, vera, rita)
    found = Found("validation", "critical", "It leaks the outcome", "Seen in the training data.")
    raise_finding(actor=vera, model=one.model, version=one, found=found)
    breached(two)
    follow_verdicts()
    watch = work_off()
    assert watch.outcome == "not_possible"
    assert "It leaks the outcome" in watch.said
    assert champion() == 2
    assert not RollBack.objects.exists()
    assert Clearance.objects.get(version=two, until__isnull=True).state == then


def test_a_former_champion_that_was_suspended_stays_where_it_is(
    one: Version, two: Version, olga: Any, vera: Any, rita: Any
) -> None:
    automatic()
    promoted(one, olga, vera, rita)
    critical = critical_incident(one)
    follow_verdicts()
    type(critical).objects.filter(pk=critical.pk).update(state="resolved")
    promoted(two, olga, vera, rita)
    breached(two)
    follow_verdicts()
    watch = work_off()
    assert watch.outcome == "not_possible"
    assert "suspended when it served last" in watch.said


def test_a_former_champion_that_a_reviewer_let_serve_on_may_come_back(
    one: Version, two: Version, flights: Any, olga: Any, vera: Any, rita: Any
) -> None:
    promoted(one, olga, vera, rita)
    critical_incident(one)
    follow_verdicts()
    reinstate_clearance(
        actor=rita,
        version_id=one.pk,
        environment="production",
        reason="Weaker is better than none meanwhile",
    )
    promoted(two, olga, vera, rita)
    one.refresh_from_db()
    assert [(t.number, t.obstacles) for t in targets(flights, "production")] == [(1, ())]
    request = ask_to_roll_back(actor=olga, model_id=flights.pk, number=1)
    sign(rita, request)
    carry_out(request)
    assert champion() == 1
    follow_verdicts()
    standing = Clearance.objects.get(version=one, until__isnull=True)
    assert standing.state == "cleared", "what was decided does not suspend it a second time"
    critical_incident(one, kind="performance")
    follow_verdicts()
    assert Clearance.objects.get(version=one, until__isnull=True).state == "suspended"


def test_a_watch_that_saw_nothing_says_so_and_does_not_say_passed(pair: Any) -> None:
    watch = Watch.objects.get(version=pair[1])
    Watch.objects.filter(pk=watch.pk).update(until=timezone.now(), rows=0)
    follow_verdicts()
    watch.refresh_from_db()
    assert watch.state == "quiet"
    assert "Nothing was seen" in report(watch.looked)
    assert "pass" not in report(watch.looked)


def test_a_watch_waits_for_its_rows_but_not_for_ever(pair: Any) -> None:
    watch = Watch.objects.get(version=pair[1])
    Watch.objects.filter(pk=watch.pk).update(until=timezone.now(), rows=10)
    follow_verdicts()
    watch.refresh_from_db()
    assert watch.state == "watching"
    Watch.objects.filter(pk=watch.pk).update(
        started_at=timezone.now() - timedelta(hours=4 * watch.hours)
    )
    follow_verdicts()
    watch.refresh_from_db()
    assert watch.state == "quiet"
    assert looked_at(watch)["rows"] == 0


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_while_rolling_back_leaves_nothing_half(
    one: Version, two: Version, olga: Any, vera: Any, rita: Any
) -> None:
    automatic()
    promoted(one, olga, vera, rita)
    promoted(two, olga, vera, rita)
    breached(two)
    follow_verdicts()
    job = Job.objects.get(kind="governance.roll_back")
    events = Event.objects.count()
    code = (
        "import os, signal\n"
        "from governance.jobs import rolling_back\n"
        "from ledger import claims\n"
        "rolling_back.clearance.grant = lambda **_: os.kill(os.getpid(), signal.SIGKILL)\n"
        f"rolling_back.by_watch(claims.claim(job_id={job.pk}))\n"
    )
    assert killed(code) == -signal.SIGKILL
    assert champion() == 2
    assert not RollBack.objects.exists()
    assert Event.objects.count() == events
    Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    again = claims.claim(job_id=job.pk)
    assert again is not None
    by_watch(again)
    assert champion() == 1
    assert RollBack.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_person_and_the_automaton_at_the_same_instant_roll_back_once(
    one: Version, two: Version, olga: Any, vera: Any, rita: Any
) -> None:
    automatic()
    promoted(one, olga, vera, rita)
    promoted(two, olga, vera, rita)
    request = ask(olga, one, kind="roll_back")
    sign(rita, request)
    breached(two)
    follow_verdicts()
    gate = threading.Barrier(2)

    def together(do: Any) -> None:
        try:
            gate.wait(10)
            do()
        finally:
            connection.close()

    def person() -> None:
        carry_out(ChangeRequest.objects.get(pk=request.pk))

    both = [threading.Thread(target=together, args=[do]) for do in (person, work_off)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join(30)
    assert champion() == 1
    assert RollBack.objects.count() == 1
    request.refresh_from_db()
    watch = Watch.objects.get(deployment__version=two)
    assert (request.state, watch.outcome) in {
        ("executed", "overtaken"),
        ("failed", "rolled_back"),
    }

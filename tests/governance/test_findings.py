"""Findings and waivers: the life cycle as a table, closing by another, lapsing by themselves."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.policies import Refused
from audit.models import Event
from audit.record import SYSTEM
from governance.gates import Facts, evaluate
from governance.jobs.daily import lapse_waivers
from governance.jobs.findings import Found
from governance.jobs.findings import raise_finding as found_by_check
from governance.models import Finding, FindingEntry, Waiver
from governance.policies import can_decide_waiver
from governance.reads.findings import waivers_waiting_for
from governance.reads.inbox import waiting_for
from governance.refusals import GatesNotPassed, Incomplete, NoSuchStep, WrongPassword
from governance.services.findings import NewFinding, change_finding, move, note, raise_finding
from governance.services.waivers import ask_waiver, decide_waiver, withdraw_waiver
from governance.states import (
    FINDING_MOVES,
    FINDING_VERBS,
    WAIVER_MOVES,
    WAIVER_VERBS,
    FindingState,
    IllegalFindingMove,
    IllegalWaiverMove,
    WaiverState,
    move_finding,
    move_waiver,
)
from tests.conftest import PASSWORD, person
from tests.governance.conftest import Unchanged, ask, critical_incident

SOON = timedelta(days=30)


def raised(actor, model, severity="high", **more):
    said = NewFinding(
        kind=more.pop("kind", "validation"),
        severity=severity,
        title=more.pop("title", "Night flights are missing"),
        text=more.pop("text", "The reference has none."),
        **more,
    )
    return raise_finding(actor=actor, model_id=model.pk, said=said)


def step(actor, finding, verb, text="Because"):
    return move(actor=actor, finding_id=finding.pk, verb=verb, text=text)


def asked(actor, model, finding, days=30):
    return ask_waiver(
        actor=actor,
        model_id=model.pk,
        finding_id=finding.pk,
        reason="No night flights in winter",
        expires_on=timezone.now().date() + timedelta(days=days),
    )


def decided(actor, waiver, decision="grant", password=PASSWORD):
    return decide_waiver(
        actor=actor, waiver_id=waiver.pk, decision=decision, reason="Yes", password=password
    )


@pytest.mark.parametrize("state", list(FindingState))
@pytest.mark.parametrize("verb", FINDING_VERBS)
def test_every_state_and_verb_of_a_finding(state, verb):
    if (state, verb) in FINDING_MOVES:
        assert move_finding(state, verb) == FINDING_MOVES[state, verb]
    else:
        with pytest.raises(IllegalFindingMove, match="from here one can"):
            move_finding(state, verb)


@pytest.mark.parametrize("state", list(WaiverState))
@pytest.mark.parametrize("verb", WAIVER_VERBS)
def test_every_state_and_verb_of_a_waiver(state, verb):
    if (state, verb) in WAIVER_MOVES:
        assert move_waiver(state, verb) == WAIVER_MOVES[state, verb]
    else:
        with pytest.raises(IllegalWaiverMove):
            move_waiver(state, verb)


@pytest.mark.parametrize("state", list(FindingState))
@pytest.mark.parametrize("verb", FINDING_VERBS)
def test_the_service_walks_the_same_table(state, verb, flights, olga, vera, rita):
    finding = raised(vera, flights)
    closed = {"closed_by": vera, "closed_at": timezone.now(), "resolution": "x"}
    Finding.objects.update(
        state=state, proposed_by=olga, **(closed if state == FindingState.CLOSED else {})
    )
    if (state, verb) in FINDING_MOVES:
        assert step(rita, finding, verb).state == FINDING_MOVES[state, verb]
    else:
        with Unchanged(), pytest.raises(NoSuchStep):
            step(rita, finding, verb)


def test_a_finding_goes_its_way_and_every_step_is_told(flights, one, olga, vera):
    finding = raised(vera, flights, version=1)
    assert (finding.owner, finding.state) == (olga, "open")
    assert finding.due_on == timezone.now().date() + timedelta(days=30)
    step(olga, finding, "start")
    step(olga, finding, "propose", "The reference has them now")
    closed = step(vera, finding, "close", "Seen in the new reference")
    assert (closed.state, closed.closed_by, closed.resolution) == (
        "closed",
        vera,
        "Seen in the new reference",
    )
    opened = step(vera, finding, "reopen", "They are gone again")
    assert (opened.state, opened.closed_by, opened.resolution) == ("reopened", None, "")
    moved = Event.objects.filter(event="governance.finding.moved").order_by("sequence")
    assert [e.data["verb"] for e in moved] == ["start", "propose", "close", "reopen"]
    verbs = FindingEntry.objects.exclude(verb="own").values_list("verb", flat=True)
    assert list(verbs) == ["raise", "start", "propose", "close", "reopen"]


def test_who_owns_or_mended_it_does_not_close_it(flights, olga, vera, rita, team):
    finding = raised(rita, flights, owner_email="vera@example.org")
    step(rita, finding, "start")
    step(vera, finding, "propose")
    for person_ in (vera, rita, olga):
        with Unchanged(), pytest.raises(Refused):
            step(person_, finding, "close")
    other = person("walter", ("validator", team))
    assert step(other, finding, "close").state == "closed"


def test_a_former_owner_does_not_close_it_either(flights, vera, rita, olga):
    finding = raised(rita, flights, owner_email="vera@example.org")
    change_finding(
        actor=rita, finding_id=finding.pk, owner_email="olga@example.org", reason="Holidays"
    )
    step(olga, finding, "start")
    step(olga, finding, "propose")
    with Unchanged(), pytest.raises(Refused):
        step(vera, finding, "close")
    assert step(rita, finding, "close").closed_by == rita


def test_the_database_refuses_a_closing_by_the_owner(flights, olga, vera):
    finding = raised(vera, flights)
    for closer in (olga, vera):
        with pytest.raises(IntegrityError), transaction.atomic():
            Finding.objects.filter(pk=finding.pk).update(
                state="closed",
                closed_by=closer,
                closed_at=timezone.now(),
                proposed_by=vera,
                resolution="x",
            )
    with pytest.raises(IntegrityError), transaction.atomic():
        Finding.objects.filter(pk=finding.pk).update(state="forgotten")


def test_who_mends_it_does_not_make_it_lighter(flights, olga, vera):
    finding = raised(vera, flights)
    with Unchanged(), pytest.raises(Refused):
        change_finding(actor=olga, finding_id=finding.pk, severity="low", reason="Not so bad")
    changed = change_finding(actor=vera, finding_id=finding.pk, severity="low", reason="Rare")
    assert changed.severity == "low"


@pytest.mark.parametrize("name", ["adam", "sam", "anna"])
def test_who_is_not_of_the_team_raises_and_moves_nothing(name, flights, vera, request):
    finding = raised(vera, flights)
    stranger = request.getfixturevalue(name)
    with Unchanged(), pytest.raises(Refused):
        raised(stranger, flights)
    with Unchanged(), pytest.raises(Refused):
        step(stranger, finding, "start")
    assert Finding.objects.count() == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "gossip"},
        {"severity": "huge"},
        {"title": " "},
        {"text": "x" * 4001},
        {"version": 77},
        {"owner_email": "sam@example.org"},
        {"link": {"kind": "incident", "id": 1}},
        {"link": {"kind": "gossip", "id": 1}},
    ],
)
def test_a_finding_says_what_where_and_who(wrong, flights, vera, sam):
    with Unchanged(), pytest.raises(Incomplete):
        raised(vera, flights, **wrong)


def test_evidence_is_linked_and_only_of_the_same_model(flights, one, vera):
    incident = critical_incident(one)
    finding = raised(vera, flights, link={"kind": "incident", "id": incident.pk})
    entry = FindingEntry.objects.get(verb="raise")
    assert (entry.link_kind, entry.link_id) == ("incident", incident.pk)
    linked = note(
        actor=vera,
        finding_id=finding.pk,
        text="Here too",
        link={"kind": "incident", "id": incident.pk},
    )
    assert (linked.verb, linked.link_label) == ("link", "Temperature drifted")


def test_a_check_finds_the_same_thing_once_while_it_is_open(flights, vera, rita, olga):
    found = Found(kind="shadow", severity="critical", title="Alias", text="Moved", key="alias")
    first = found_by_check(actor=SYSTEM, model=flights, found=found)
    assert found_by_check(actor=SYSTEM, model=flights, found=found) == first
    assert (first.raised_by, first.owner) == (None, olga)
    step(olga, first, "start")
    step(olga, first, "propose")
    step(rita, first, "close")
    assert found_by_check(actor=SYSTEM, model=flights, found=found) != first


def facts(**more):
    base = {
        "kind": "promote",
        "environment": "production",
        "role": "champion",
        "task": "binary",
        "version": 1,
        "stage": "candidate",
        "artifact_digest": "",
        "files": (),
        "schema_fields": 0,
        "reference_rows": 0,
        "card_share": 0.0,
        "card_missing": (),
        "monitors": {},
        "incidents": (),
        "numbers": (),
        "champion": None,
        "champion_numbers": (),
    }
    return Facts(**{**base, **more})


@pytest.mark.parametrize(
    ("parameters", "severity", "passed"),
    [
        ({}, "critical", False),
        ({}, "high", True),
        ({"severity": "high"}, "high", False),
        ({"severity": "low"}, "medium", False),
    ],
)
def test_the_gate_looks_at_findings_from_a_severity_on(parameters, severity, passed):
    gate = {"gate": "no_open_findings", "mode": "prevent", "parameters": parameters}
    (answer,) = evaluate([gate], facts(findings=((severity, "F-1 Gap"),)))
    assert answer.passed is passed
    assert passed or "F-1 Gap" in answer.message


def test_an_open_critical_finding_prevents_a_promotion_until_it_is_waived(
    flights, one, olga, vera, rosa
):
    finding = raised(vera, flights, "critical")
    with Unchanged(), pytest.raises(GatesNotPassed, match="Night flights"):
        ask(olga, one)
    decided(rosa, asked(vera, flights, finding))
    assert ask(olga, one).state == "open"


def test_a_finding_of_another_version_does_not_prevent_it(flights, one, two, olga, vera):
    raised(vera, flights, "critical", version=2)
    assert ask(olga, one).state == "open"


def test_a_waiver_is_granted_by_another_with_a_signature(flights, olga, vera, rosa, rita):
    finding = raised(vera, flights)
    waiver = asked(vera, flights, finding)
    for person_ in (vera, olga, rita):
        with Unchanged(), pytest.raises(Refused):
            decided(person_, waiver)
    with pytest.raises(WrongPassword):
        decided(rosa, waiver, password="guess")
    assert Event.objects.first().event == "governance.proof.failed"
    granted = decided(rosa, waiver)
    assert (granted.state, granted.printed_name, granted.method) == ("granted", "Rosa", "password")
    assert len(granted.signed_digest) == 64
    with Unchanged(), pytest.raises(NoSuchStep):
        decided(rosa, waiver)


def test_a_reviewer_decides_where_no_grave_finding_is_concerned(flights, vera, rita):
    waiver = asked(vera, flights, raised(vera, flights, "low"))
    assert decided(rita, waiver, "refuse").state == "refused"


def test_who_owns_the_finding_does_not_grant_its_waiver(flights, vera, rosa):
    finding = raised(vera, flights, owner_email="rosa@example.org")
    waiver = asked(vera, flights, finding)
    with Unchanged(), pytest.raises(Refused):
        decided(rosa, waiver)


def test_a_waiver_lapses_by_itself_on_its_day(flights, vera, rosa):
    waiver = asked(vera, flights, raised(vera, flights), days=1)
    decided(rosa, waiver)
    assert lapse_waivers(today=timezone.now().date()) == 0
    tomorrow = timezone.now().date() + timedelta(days=1)
    assert lapse_waivers(today=tomorrow) == 1
    assert lapse_waivers(today=tomorrow) == 0
    waiver.refresh_from_db()
    assert (waiver.state, waiver.ended_at is not None) == ("lapsed", True)
    event = Event.objects.first()
    assert (event.event, event.actor_name) == ("governance.waiver.lapsed", "Ombud")


def test_one_waiver_at_a_time_for_one_finding_and_a_day_ahead(flights, vera, rosa):
    finding = raised(vera, flights)
    waiver = asked(vera, flights, finding)
    with Unchanged(), pytest.raises(NoSuchStep):
        asked(vera, flights, finding)
    for days in (0, 400):
        with Unchanged(), pytest.raises(Incomplete):
            asked(vera, flights, finding, days=days)
    assert withdraw_waiver(actor=vera, waiver_id=waiver.pk, reason="No need").state == "withdrawn"
    assert asked(vera, flights, finding).state == "asked"


@pytest.mark.parametrize("severity", ["low", "critical"])
@pytest.mark.parametrize("owner", ["olga", "rosa", "rita"])
def test_the_desk_shows_exactly_the_waivers_that_the_policy_lets_one_decide(
    severity, owner, flights, olga, vera, rita, rosa, adam, sam, anna, robot
):
    finding = raised(vera, flights, severity, owner_email=f"{owner}@example.org")
    waiver = asked(vera, flights, finding)
    people = (olga, vera, rita, rosa, adam, sam, anna, robot)
    shown = [p.name for p in people if waiver in waivers_waiting_for(p)]
    assert shown == [p.name for p in people if can_decide_waiver(p, waiver)]
    assert [waiting_for(p) for p in people if p.name in shown] == [1] * len(shown)


def test_the_database_refuses_a_waiver_of_ones_own(flights, vera):
    waiver = asked(vera, flights, raised(vera, flights))
    with pytest.raises(IntegrityError), transaction.atomic():
        Waiver.objects.filter(pk=waiver.pk).update(state="granted", decided_by=vera)
    with pytest.raises(IntegrityError), transaction.atomic():
        Waiver.objects.filter(pk=waiver.pk).update(finding=None)

"""A proposed policy over the past: what it would have blocked, missed, and not told."""

from datetime import date, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import Membership
from accounts.policies import Refused
from accounts.roles import Role
from audit.chain import sha256_of
from audit.models import Event
from governance.models import BackTest, ChangeRequest, ClaimCheck, Clearance
from governance.refusals import Incomplete, NoSuchStep
from governance.services.back_tests import Past, Policy, ask_monitor_trial, ask_policy_trial
from ledger import runner
from ledger.models import Job
from monitoring.models import Incident, Monitor
from tests.governance.conftest import (
    Unchanged,
    ask,
    critical_incident,
    promoted,
    sign,
    version_of,
)

DAY = timedelta(days=1)


def gate(name, mode="prevent", **parameters):
    return {"gate": name, "mode": mode, "parameters": parameters}


STAGE = gate("stage")
AUC = gate("within_limits", metric="auc", at_least=0.71)


def policy(*gates, quorum=None, kind="promote", tier="medium"):
    return Policy(kind, tier, quorum or {"validator": 1, "reviewer": 1}, [STAGE, *gates])


def last_year(**more):
    today = timezone.now().date()
    return Past(today - timedelta(days=365), today, **more)


def ago(request_or_version, days):
    """Moves what was carried out into the past, as tests may."""
    row = ChangeRequest.objects.filter(version=request_or_version).latest("pk")
    at = timezone.now() - days * DAY
    ChangeRequest.objects.filter(pk=row.pk).update(submitted_at=at, decided_at=at, executed_at=at)
    row.refresh_from_db()
    return row


def done(row):
    job = Job.objects.get(kind="governance.back_test", key=str(row.pk))
    runner.run(job_id=job.pk)
    row.refresh_from_db()
    assert row.state == "done", (row.error, Job.objects.get(pk=job.pk).error)
    return row


@pytest.fixture
def past(one, two, olga, vera, rita):
    """Version 1, with AUC .70, had an incident after 5 days; version 2, with .72, went well."""
    promoted(one, olga, vera, rita)
    first = ago(one, 200)
    promoted(two, olga, vera, rita)
    second = ago(two, 100)
    incident = critical_incident(one)
    Incident.objects.filter(pk=incident.pk).update(opened_at=first.executed_at + 5 * DAY)
    return first, second


def line(row, request):
    return next(one for one in row.result["rows"] if one["request"] == request.pk)


def test_what_went_badly_is_caught_and_what_went_well_is_let_through(past, anna):
    row = done(ask_policy_trial(actor=anna, policy=policy(AUC), past=last_year()))
    first, second = past
    assert line(row, first)["verdict"] == "blocked"
    assert line(row, first)["fate"] == "badly"
    assert line(row, first)["signs"][0]["what"] == "incident"
    assert (line(row, second)["verdict"], line(row, second)["fate"]) == ("passed", "well")
    shares = row.result["proposed"]["shares"]
    assert (shares["caught"]["hits"], shares["caught"]["of"]) == (1, 1)
    assert (shares["needless"]["hits"], shares["needless"]["of"]) == (0, 1)
    assert shares["caught"]["low"] < 1 == shares["caught"]["high"]
    present = row.result["present"]
    assert present["cells"]["passed"]["badly"] + present["cells"]["warned"]["badly"] == 1


def test_a_milder_limit_misses_it(past, anna):
    mild = gate("within_limits", metric="auc", at_least=0.5)
    row = done(ask_policy_trial(actor=anna, policy=policy(mild), past=last_year()))
    assert row.result["proposed"]["cells"]["passed"] == {
        "badly": 1,
        "well": 1,
        "too_early": 0,
        "not_done": 0,
    }


def test_a_false_alarm_is_no_sign_and_later_than_the_days_looked_at_neither(past, anna):
    Incident.objects.update(resolution="false_alarm")
    row = done(ask_policy_trial(actor=anna, policy=policy(AUC), past=last_year()))
    assert line(row, past[0])["fate"] == "well"
    Incident.objects.update(resolution="confirmed")
    row = done(ask_policy_trial(actor=anna, policy=policy(AUC), past=last_year(within_days=4)))
    assert line(row, past[0])["fate"] == "well"


def test_roll_backs_suspensions_and_contradicted_claims_are_signs(past, one, two, olga, rita):
    Incident.objects.update(state="resolved", resolved_at=timezone.now())
    back = ask(olga, one, kind="roll_back")
    at = past[1].executed_at
    ChangeRequest.objects.filter(pk=back.pk).update(state="executed", executed_at=at + DAY)
    Clearance.objects.filter(version=two).update(until=at + 2 * DAY)
    Clearance.objects.create(
        version=two, environment="production", state="suspended", since=at + 2 * DAY
    )
    claim = two.card.revisions.latest("number").claims.first()
    ClaimCheck.objects.create(claim=claim, state="contradicted", reason="Far off.", at=at + 3 * DAY)
    row = done(ask_policy_trial(actor=rita, policy=policy(), past=last_year(), team=one.model.team))
    said = [sign["what"] for sign in line(row, past[1])["signs"]]
    assert said == ["rolled_back", "suspended", "contradicted"]
    # Version 1 was not the one that was rolled back.
    assert [sign["what"] for sign in line(row, past[0])["signs"]] == ["incident"]


def test_signatures_that_were_not_there_are_counted_and_not_held_against_it(past, anna):
    quorum = {"reviewer": 2, "validator": 1, "risk_officer": 1}
    row = done(ask_policy_trial(actor=anna, policy=policy(quorum=quorum), past=last_year()))
    assert line(row, past[0])["lacking"] == {"reviewer": 1, "risk_officer": 1}
    assert row.result["proposed"]["short_of_signatures"] == 2
    assert row.result["proposed"]["lacking"] == {"reviewer": 2, "risk_officer": 2}
    assert line(row, past[0])["verdict"] == "passed"


def test_what_the_frozen_evidence_does_not_hold_is_told_as_such(past, anna):
    row = done(
        ask_policy_trial(actor=anna, policy=policy(gate("archive_verified")), past=last_year())
    )
    assert {one["verdict"] for one in row.result["rows"]} == {"untold"}
    assert row.result["proposed"]["gates"][1]["untold"] == 2
    assert row.result["proposed"]["shares"]["caught"]["of"] == 0
    assert row.result["proposed"]["shares"]["caught"]["value"] is None


def test_requests_that_were_not_carried_out_and_fresh_ones_are_apart(
    past, one, olga, vera, rita, anna
):
    three = version_of(one.model, 3, olga, auc=0.73)
    sign(vera, ask(olga, three), decision="reject")
    four = version_of(one.model, 4, olga, auc=0.73)
    promoted(four, olga, vera, rita)
    row = done(ask_policy_trial(actor=anna, policy=policy(AUC), past=last_year()))
    fates = {one["version"]: one["fate"] for one in row.result["rows"]}
    assert fates == {1: "badly", 2: "well", 3: "not_done", 4: "too_early"}


def test_only_the_kind_tier_team_and_period_asked_for_are_looked_at(
    past, anna, vera, team, other_team
):
    def requests(**more):
        said = {"policy": policy(), "past": last_year()} | more
        row = ask_policy_trial(actor=anna, **said)
        return len(done(row).result["rows"])

    assert requests() == 2
    assert requests(team=team) == 2
    assert requests(team=other_team) == 0
    assert requests(policy=policy(tier="high")) == 0
    assert requests(policy=policy(kind="roll_back")) == 0
    today = timezone.now().date()
    assert requests(past=Past(today - timedelta(days=150), today)) == 1


def test_the_same_past_has_the_same_input_digest_and_another_one_not(past, anna):
    def digest():
        row = done(ask_policy_trial(actor=anna, policy=policy(AUC), past=last_year()))
        return row.input_digest

    before = digest()
    assert digest() == before
    Incident.objects.update(resolution="false_alarm")
    assert digest() != before


def test_it_is_on_the_trail_and_is_written_once(past, anna):
    row = done(ask_policy_trial(actor=anna, policy=policy(AUC), past=last_year(), reason="Why"))
    asked = Event.objects.get(event="governance.back_test.asked")
    assert asked.actor_name == anna.name
    told = Event.objects.get(event="governance.back_test.done").data
    assert told["result"] == row.result_digest == sha256_of(row.result)
    for change in ({"result": {}}, {"reason": "Another"}, {"proposal": {}}):
        with pytest.raises(IntegrityError), transaction.atomic():
            BackTest.objects.filter(pk=row.pk).update(**change)
    with pytest.raises(IntegrityError), transaction.atomic():
        BackTest.objects.filter(pk=row.pk).delete()


def test_what_was_asked_cannot_be_changed_before_it_is_done(past, anna):
    row = ask_policy_trial(actor=anna, policy=policy(AUC), past=last_year())
    with pytest.raises(IntegrityError), transaction.atomic():
        BackTest.objects.filter(pk=row.pk).update(proposal={"quorum": {}, "gates": []})


@pytest.mark.parametrize(
    ("proposal", "field"),
    [
        (policy(gate("no such gate")), "gates.1.gate"),
        (policy(gate("stage", "perhaps")), "gates.1.mode"),
        (Policy("promote", "medium", {"reviewer": 1}, []), "gates"),
        (policy(gate("card_complete", minimum="half")), "gates.1.parameters.minimum"),
        (policy(quorum={"developer": 1}), "quorum"),
        (policy(quorum={"reviewer": 0}), "quorum"),
        (policy(kind="sell"), "kind"),
        (policy(tier="none"), "kind"),
    ],
)
def test_what_cannot_be_a_policy_is_not_tried(past, anna, proposal, field):
    with Unchanged(), pytest.raises(Incomplete) as refused:
        ask_policy_trial(actor=anna, policy=proposal, past=last_year())
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("past_", "field"),
    [
        (Past(date(2026, 2, 1), date(2026, 1, 1)), "until"),
        (Past(date(2026, 1, 1), date(2999, 1, 1)), "until"),
        (Past(date(2010, 1, 1), date(2026, 1, 1)), "since"),
        (Past(date(2026, 1, 1), date(2026, 2, 1), within_days=0), "within_days"),
    ],
)
def test_a_period_that_makes_no_sense_is_refused(past, anna, past_, field):
    with Unchanged(), pytest.raises(Incomplete) as refused:
        ask_policy_trial(actor=anna, policy=policy(), past=past_)
    assert refused.value.field == field


def test_more_requests_than_one_looks_at_are_refused(past, anna, monkeypatch):
    monkeypatch.setattr("governance.services.back_tests.MOST_REQUESTS", 1)
    with Unchanged(), pytest.raises(Incomplete, match="2 requests"):
        ask_policy_trial(actor=anna, policy=policy(), past=last_year())


def test_who_has_many_being_computed_waits(past, anna):
    for _ in range(10):
        ask_policy_trial(actor=anna, policy=policy(), past=last_year())
    with Unchanged(), pytest.raises(NoSuchStep, match="wait"):
        ask_policy_trial(actor=anna, policy=policy(), past=last_year())


def test_a_warning_is_a_sign_only_if_somebody_confirmed_it(past, anna):
    Incident.objects.update(severity="warning")
    row = done(ask_policy_trial(actor=anna, policy=policy(AUC), past=last_year()))
    assert line(row, past[0])["fate"] == "well"
    Incident.objects.update(resolution="confirmed")
    row = done(ask_policy_trial(actor=anna, policy=policy(AUC), past=last_year()))
    assert line(row, past[0])["fate"] == "badly"


def test_builders_and_strangers_try_no_policy(past, olga, sam, robot, rita, team):
    for person, whose in ((olga, team), (sam, team), (robot, team), (rita, None)):
        with Unchanged(), pytest.raises(Refused):
            ask_policy_trial(actor=person, policy=policy(), past=last_year(), team=whose)


def test_a_team_sees_its_own_and_whoever_reads_everything_all(past, anna, adam, rita, sam, team):
    everybody = ask_policy_trial(actor=anna, policy=policy(), past=last_year())
    ours = ask_policy_trial(actor=rita, policy=policy(), past=last_year(), team=team)
    assert set(BackTest.objects.visible_to(anna)) == {everybody, ours}
    assert set(BackTest.objects.visible_to(adam)) == {everybody, ours}
    assert set(BackTest.objects.visible_to(rita)) == {ours}
    assert not BackTest.objects.visible_to(sam).exists()


def test_a_number_of_requests_costs_a_fixed_number_of_queries(
    past, one, olga, vera, rita, anna, django_assert_num_queries
):
    from governance.reads.past_changes import past_changes, past_requests

    span = last_year()

    def look():
        rows = past_requests(
            kind="promote", risk_tier="medium", since=span.start, until=span.end, team_id=None
        )
        return past_changes(list(rows.select_related("model", "version")), within=30 * DAY)

    with django_assert_num_queries(9):
        assert len(look()) == 2
    for number in (3, 4):
        promoted(version_of(one.model, number, olga, auc=0.8), olga, vera, rita)
    with django_assert_num_queries(9):
        assert len(look()) == 4


def test_a_back_test_that_fails_says_why(past, anna, monkeypatch):
    row = ask_policy_trial(actor=anna, policy=policy(), past=last_year())
    monkeypatch.setattr("governance.jobs.policy_trials.MOST_REQUESTS", 1)
    runner.run(job_id=Job.objects.get(kind="governance.back_test", key=str(row.pk)).pk)
    row.refresh_from_db()
    assert (row.state, row.result) == ("failed", None)
    assert "choose a shorter period" in row.error
    assert Event.objects.filter(event="governance.back_test.failed").count() == 1


def test_strangers_and_machines_try_no_monitor(past, one, sam, robot, anna):
    monitor = Monitor.objects.filter(model=one.model).first()
    for person in (sam, robot, anna):
        with Unchanged(), pytest.raises(Refused):
            ask_monitor_trial(
                actor=person, monitor=monitor, changes={"breach": 0.1}, past=last_year()
            )


def test_an_auditor_who_is_also_of_a_team_may_still_only_try(past, adam, team):
    Membership.objects.create(user=adam, role=Role.REVIEWER, team=team)
    adam = type(adam).objects.get(pk=adam.pk)
    assert ask_policy_trial(actor=adam, policy=policy(), past=last_year(), team=team).pk

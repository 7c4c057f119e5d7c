"""Approvals under conditions: checked by Ombud, lapsing by themselves, waived by nobody alone."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from audit.models import Event
from governance.conditions import (
    MOST,
    BrokenBy,
    Measured,
    Seen,
    Terms,
    Unclear,
    judge,
    says,
    terms_of,
    terms_of_all,
)
from governance.jobs.conditions import check_conditions
from governance.jobs.follow import follow_verdicts
from governance.models import Clearance, Condition, StatusRow
from governance.refusals import ClearanceNotSo, GatesNotPassed, Incomplete
from governance.services.clearance import reinstate_clearance, suspend_clearance
from governance.services.requests import set_conditions
from monitoring.models import Incident, Measurement, Monitor, Profile, Run
from tests.governance.conftest import (
    Unchanged,
    ask,
    carry_out,
    critical_incident,
    promoted,
    sign,
)

RATIO = "demographic_parity_ratio"
FAIR = {"kind": "measure", "metric": RATIO, "field": "race", "at_least": 0.8}
NOW = timezone.now()


@pytest.fixture
def watched(flights):
    return Monitor.objects.create(
        model=flights, name="Groups", kind="fairness", metric=RATIO, window_hours=13 * 168
    )


def measured(monitor, version, value, *, low=None, high=None, weeks_ago=0, **more):
    until = timezone.now() - timedelta(weeks=weeks_ago)
    run = Run.objects.create(
        monitor=monitor,
        version=version,
        window_start=until - timedelta(weeks=13),
        window_end=until,
        verdict=more.get("verdict", "ok"),
        config_digest="a",
        profile_digest="b",
        library_version="1",
    )
    return Measurement.objects.create(
        run=run,
        monitor=monitor,
        version=version,
        window_end=until,
        metric=more.get("metric", RATIO),
        field=more.get("field", "race"),
        value=value,
        low=low,
        high=high,
        n=500,
        verdict=more.get("verdict", "ok"),
    )


def state_of(version):
    return Clearance.objects.get(version=version, until__isnull=True).state


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ({"kind": "luck"}, "The kind of a condition is one of measure, traffic, days, incidents."),
        ({"kind": "days", "days": 0}, "days is a whole number above 0"),
        ({"kind": "days", "days": True}, "days is a whole number above 0"),
        ({"kind": "days", "days": 10**6}, "days is a whole number from 1 to 1,825"),
        ({"kind": "days", "days": 3, "metric": "psi"}, "has no 'metric'; it has days"),
        ({"kind": "traffic", "at_most": 1.0}, "a share of the traffic between 0 and 1"),
        ({"kind": "traffic"}, "a share of the traffic between 0 and 1"),
        ({"kind": "incidents", "severity": "mild"}, "severity is one of warning, critical"),
        ({"kind": "measure", "metric": "luck", "at_most": 1}, "No monitor measures 'luck'"),
        ({"kind": "measure", "metric": "psi"}, "Give a limit: at_least, at_most, or both"),
        ({"kind": "measure", "metric": "psi", "at_most": float("nan")}, "at_most is a number"),
        ({"kind": "measure", "metric": "psi", "at_most": "0.2"}, "at_most is a number"),
        ({"kind": "measure", "metric": "psi", "at_most": 1, "at_least": 2}, "nothing could hold"),
        ({**FAIR, "broken_by": "mood"}, "broken_by is one of value, interval"),
        ({**FAIR, "field": "x" * 121}, "field is a text of at most 120 characters"),
    ],
)
def test_what_is_no_condition_is_named(raw, words):
    with pytest.raises(Unclear, match=words.replace("(", r"\(").split("; it")[0]):
        terms_of(raw)


def test_a_request_has_few_conditions_and_none_twice():
    with pytest.raises(Unclear, match="At most 10"):
        terms_of_all([{**FAIR, "at_least": 0.1 * n} for n in range(MOST + 1)])
    with pytest.raises(Unclear, match="twice"):
        terms_of_all([FAIR, FAIR])
    with pytest.raises(Unclear, match="Only one condition of kind days"):
        terms_of_all([{"kind": "days", "days": 3}, {"kind": "days", "days": 4}])


@pytest.mark.parametrize(
    "raw",
    [FAIR, {"kind": "days", "days": 30}, {"kind": "traffic", "at_most": 0.05}],
)
def test_terms_are_the_same_after_they_were_stored(raw):
    terms = terms_of(raw)
    assert terms_of(terms.as_json()) == terms


def test_conditions_are_sentences():
    assert says(terms_of(FAIR), "Groups, over 13 weeks") == (
        "The ratio of selection rates of race stays at least 0.8 (Groups, over 13 weeks)."
    )
    share = says(terms_of({"kind": "traffic", "at_most": 0.05}))
    assert share == "It answers at most 5 % of the traffic."
    assert says(terms_of({"kind": "days", "days": 30})) == "For 30 days."


@pytest.mark.parametrize(
    ("broken_by", "value", "high", "holds"),
    [
        ("value", 0.81, 0.9, True),
        ("value", 0.79, 0.9, False),
        ("interval", 0.79, 0.9, True),
        ("interval", 0.70, 0.79, False),
        ("interval", 0.79, None, False),
    ],
)
def test_a_limit_is_broken_by_the_value_or_by_the_whole_interval(broken_by, value, high, holds):
    terms = Terms(terms_of(FAIR).kind, RATIO, "race", at_least=0.8, broken_by=BrokenBy(broken_by))
    one = Measured(value, 0.6, high, 500, "race", NOW)
    assert judge(terms, Seen(NOW, NOW, measured=(one,))).holds is holds


def test_days_are_over_on_their_last_instant():
    terms = terms_of({"kind": "days", "days": 30})
    end = NOW + timedelta(days=30)
    assert judge(terms, Seen(end - timedelta(seconds=1), NOW)).holds is True
    assert judge(terms, Seen(end, NOW)).holds is False


def test_a_version_that_is_approved_under_a_condition_is_conditional(
    one, watched, olga, vera, rita
):
    promoted(one, olga, vera, rita, conditions=[FAIR, {"kind": "days", "days": 30}])
    assert state_of(one) == "conditional"
    answer = StatusRow.objects.latest("pk").answer
    told = answer["clearance"]
    assert told["state"] == answer["champion"]["clearance"] == "conditional"
    assert [c["text"] for c in told["conditions"]] == [
        "The ratio of selection rates of race stays at least 0.8 (Groups, over 13 weeks).",
        "For 30 days.",
    ]


def test_what_is_measured_is_held_against_the_limit(one, watched, olga, vera, rita):
    promoted(one, olga, vera, rita, conditions=[FAIR])
    assert check_conditions() == 0
    assert Condition.objects.get().holds is None
    measured(watched, one, 0.92, low=0.85, high=0.99)
    assert check_conditions() == 0
    row = Condition.objects.get()
    assert row.holds is True
    assert row.said.startswith("Measured 0.92 (95 % interval 0.85 to 0.99), 500 rows until ")
    assert StatusRow.objects.latest("pk").answer["clearance"]["conditions"][0]["holds"] is True


def test_a_broken_condition_suspends_at_once_and_says_why(one, watched, olga, vera, rita):
    promoted(one, olga, vera, rita, conditions=[FAIR])
    measured(watched, one, 0.92, weeks_ago=1)
    measured(watched, one, 0.65, low=0.57, high=0.74)
    follow_verdicts()
    row = Condition.objects.get()
    assert (row.state, row.holds) == ("lapsed", False)
    assert state_of(one) == "suspended"
    told = StatusRow.objects.latest("pk").answer["clearance"]
    assert "A condition of CR-" in told["reasons"][-1]
    assert "Measured 0.65 (95 % interval 0.57 to 0.74)" in told["reasons"][-1]
    event = Event.objects.get(event="governance.condition.lapsed")
    assert event.data["terms"]["at_least"] in (0.8, "0.8")
    follow_verdicts()
    assert Event.objects.filter(event="governance.condition.lapsed").count() == 1


def test_other_fields_groups_and_windows_without_enough_rows_break_nothing(
    one, watched, olga, vera, rita
):
    promoted(one, olga, vera, rita, conditions=[FAIR])
    measured(watched, one, 0.92, weeks_ago=3)
    measured(watched, one, 0.10, field="sex", weeks_ago=2)
    measured(watched, one, 0.10, verdict="insufficient_data", weeks_ago=1)
    assert check_conditions() == 0
    assert state_of(one) == "conditional"


def test_without_a_field_every_field_has_to_hold(one, watched, olga, vera, rita):
    promoted(one, olga, vera, rita, conditions=[{k: v for k, v in FAIR.items() if k != "field"}])
    row = measured(watched, one, 0.92)
    Measurement.objects.create(
        run=row.run,
        monitor=watched,
        version=one,
        window_end=row.window_end,
        metric=RATIO,
        field="race = black",
        value=0.1,
        n=5,
        verdict="ok",
    )
    assert check_conditions() == 0
    Measurement.objects.create(
        run=row.run,
        monitor=watched,
        version=one,
        window_end=row.window_end,
        metric=RATIO,
        field="sex",
        value=0.7,
        n=500,
        verdict="ok",
    )
    assert check_conditions() == 1
    assert "in sex" in Condition.objects.get().said


def test_a_monitor_that_is_switched_off_breaks_what_it_checked(one, watched, olga, vera, rita):
    promoted(one, olga, vera, rita, conditions=[FAIR])
    Monitor.objects.filter(pk=watched.pk).update(enabled=False)
    assert check_conditions() == 1
    assert Condition.objects.get().said == "Nobody measures it: its monitor is off or gone."
    assert state_of(one) == "suspended"


def test_days_lapse_by_themselves(one, olga, vera, rita):
    promoted(one, olga, vera, rita, conditions=[{"kind": "days", "days": 30}])
    assert check_conditions() == 0
    Condition.objects.update(since=timezone.now() - timedelta(days=30, seconds=1))
    assert check_conditions() == 1
    assert state_of(one) == "suspended"


def test_an_incident_of_the_kind_breaks_it(one, olga, vera, rita):
    promoted(one, olga, vera, rita, conditions=[{"kind": "incidents", "severity": "warning"}])
    assert check_conditions() == 0
    found = critical_incident(one)
    Incident.objects.filter(pk=found.pk).update(severity="warning")
    assert check_conditions() == 1
    assert Condition.objects.get().said == "Open: Temperature drifted."


@pytest.mark.parametrize(("mine", "lapsed"), [(50, 0), (70, 0), (100, 1)])
def test_a_share_of_traffic_is_exceeded_when_chance_cannot_explain_it(
    one, two, olga, vera, rita, mine, lapsed
):
    promoted(one, olga, vera, rita)
    promoted(
        two,
        olga,
        vera,
        rita,
        role="challenger",
        traffic_share=Decimal("0.05"),
        conditions=[{"kind": "traffic", "at_most": 0.05}],
    )
    hour = timezone.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=3)
    for version, rows in ((one, 1000 - mine), (two, mine)):
        Profile.objects.create(version=version, hour=hour, segment="", rows=rows, counts=b"")
    assert check_conditions() == lapsed


def test_an_incident_suspends_and_a_reinstated_version_keeps_its_conditions(
    one, watched, olga, vera, rita
):
    promoted(one, olga, vera, rita, conditions=[FAIR])
    suspend_clearance(actor=rita, version_id=one.pk, environment="production", reason="I look")
    assert state_of(one) == "suspended"
    reinstate_clearance(actor=rita, version_id=one.pk, environment="production", reason="Fine")
    assert state_of(one) == "conditional"


def test_nobody_alone_waives_a_condition_that_lapsed(one, watched, olga, vera, rita):
    promoted(one, olga, vera, rita, conditions=[FAIR])
    measured(watched, one, 0.65)
    check_conditions()
    with Unchanged(), pytest.raises(ClearanceNotSo, match="Ask to revalidate it"):
        reinstate_clearance(actor=rita, version_id=one.pk, environment="production", reason="Yes")
    assert state_of(one) == "suspended"


def test_a_new_approval_replaces_the_conditions_of_the_old(one, watched, olga, vera, rita):
    promoted(one, olga, vera, rita, conditions=[FAIR])
    measured(watched, one, 0.75, low=0.7, high=0.82)
    check_conditions()
    assert state_of(one) == "suspended"
    with Unchanged(), pytest.raises(Incomplete, match=r"broken from the start\. Measured 0\.75"):
        ask(olga, one, kind="revalidate", conditions=[FAIR])
    certain = {**FAIR, "broken_by": "interval"}
    promoted(one, olga, vera, rita, kind="revalidate", conditions=[certain])
    assert state_of(one) == "conditional"
    assert list(Condition.objects.order_by("pk").values_list("state", flat=True)) == [
        "ended",
        "in_force",
    ]
    assert check_conditions() == 0


def test_a_revalidated_version_keeps_its_conditions_unless_others_are_named(
    one, watched, olga, vera, rita
):
    promoted(one, olga, vera, rita, conditions=[FAIR])
    promoted(one, olga, vera, rita, kind="revalidate")
    assert state_of(one) == "conditional"
    assert Condition.objects.filter(state="in_force").count() == 1
    promoted(one, olga, vera, rita, kind="revalidate", conditions=[])
    assert state_of(one) == "cleared"
    assert not Condition.objects.filter(state="in_force").exists()


def test_revalidating_clears_what_lapsed_and_not_what_somebody_suspended(
    one, watched, olga, vera, rita
):
    promoted(one, olga, vera, rita, conditions=[FAIR])
    suspend_clearance(actor=rita, version_id=one.pk, environment="production", reason="I look")
    promoted(one, olga, vera, rita, kind="revalidate", conditions=[])
    assert state_of(one) == "suspended"


def test_what_is_cleared_without_conditions_is_not_approved_twice(one, olga, vera, rita):
    promoted(one, olga, vera, rita)
    with Unchanged(), pytest.raises(GatesNotPassed, match="champion in production already"):
        ask(olga, one)


def test_conditions_end_with_the_clearance_of_their_version(one, two, olga, vera, rita):
    promoted(one, olga, vera, rita, conditions=[{"kind": "days", "days": 30}])
    promoted(two, olga, vera, rita)
    assert Condition.objects.get().state == "ended"
    assert check_conditions() == 0


def test_a_condition_that_nothing_measures_is_refused(one, olga):
    with Unchanged(), pytest.raises(Incomplete, match="No enabled monitor of this model measures"):
        ask(olga, one, conditions=[FAIR])


def test_of_several_monitors_one_has_to_be_named(one, watched, flights, olga):
    other = Monitor.objects.create(model=flights, name="Too", kind="fairness", metric=RATIO)
    with Unchanged(), pytest.raises(Incomplete, match=rf"{watched.pk} \(Groups, over 13 weeks\)"):
        ask(olga, one, conditions=[FAIR])
    request = ask(olga, one, conditions=[{**FAIR, "monitor": other.pk}])
    assert request.conditions[0]["monitor"] == other.pk


def test_only_what_will_serve_has_conditions(one, olga):
    with Unchanged(), pytest.raises(Incomplete, match="Only a version that will serve"):
        ask(olga, one, kind="retire", conditions=[{"kind": "days", "days": 3}])


def test_conditions_are_part_of_what_is_signed(one, watched, olga, vera, rita):
    plain = ask(olga, one)
    sign(vera, plain)
    before = plain.digest
    changed = set_conditions(
        actor=rita, request_id=plain.pk, conditions=[FAIR], reason="Yes, if it stays fair"
    )
    assert changed.digest != before
    assert changed.evidence["change"]["conditions"][0]["text"].startswith("The ratio of selection")
    event = Event.objects.get(event="governance.conditions.set")
    assert event.data["signatures_stale"] == 1
    for person in (vera, rita):
        sign(person, changed)
    carry_out(changed)
    assert state_of(one) == "conditional"


def test_the_same_conditions_again_change_nothing(one, watched, olga, vera):
    request = ask(olga, one, conditions=[FAIR])
    sign(vera, request)
    with Unchanged():
        set_conditions(actor=olga, request_id=request.pk, conditions=[FAIR], reason="Again")
    request.refresh_from_db()
    assert request.signoffs.get().signed_digest == request.digest


def test_a_request_without_conditions_has_the_digest_it_always_had(one, olga):
    assert "conditions" not in ask(olga, one).evidence["change"]


def test_two_workers_lapse_a_condition_once(one, watched, olga, vera, rita):
    promoted(one, olga, vera, rita, conditions=[FAIR])
    measured(watched, one, 0.65)
    assert [check_conditions(), check_conditions()] == [1, 0]
    assert Clearance.objects.filter(version=one, state="suspended").count() == 1


def test_shadows_do_not_count_as_traffic(one, two, olga, vera, rita):
    promoted(one, olga, vera, rita, conditions=[{"kind": "traffic", "at_most": 0.5}])
    hour = timezone.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)
    promoted(two, olga, vera, rita, role="shadow")
    for version in (one, two):
        Profile.objects.create(version=version, hour=hour, segment="", rows=500, counts=b"")
    assert check_conditions() == 1

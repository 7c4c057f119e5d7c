"""Controls of models: which concern one, what rules find, what people judge, what falls away."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.policies import Refused
from audit.models import Event
from governance.control_rules import Scope, concerns, in_force
from governance.documents import media_type_of
from governance.jobs import daily
from governance.jobs.controls import evaluate_model, rebuild_controls
from governance.models import (
    Assessment,
    AttachedEvidence,
    Control,
    ControlStatus,
    Framework,
    RuleChange,
)
from governance.reads.controls import cells_of, compliance, matrix
from governance.reads.frameworks import changes_of
from governance.refusals import Incomplete, NotConcerned, NotTaken, RuleChanged, TooLarge
from governance.services import controls
from governance.services.cards import revise_card
from governance.services.controls import Judgement, assess, attach_evidence, set_scope
from governance.services.frameworks import load_shipped
from governance.services.waivers import ask_waiver
from ledger import claims
from ledger.models import Job
from monitoring.models import Monitor, Run
from registry.gateways import store
from tests.governance.conftest import Unchanged
from tests.governance.test_frameworks import OURS

PDF = b"%PDF-1.7 a signed report"


@pytest.fixture
def rules(flights, tmp_path):
    """House rules in force: H.1 asks for a card section, H.2 for a monitor and a document."""
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "house-rules.yaml").write_bytes(OURS)
    load_shipped(folder=folder)
    rebuild_controls(model_ids=[flights.pk])
    return folder


def control(name="H.1"):
    return Control.objects.select_related("edition__framework").get(
        identifier=name, edition__current=True
    )


def state(model, name="H.1"):
    return next(cell.state for cell in cells_of([model.pk])[model.pk] if cell.control == name)


def judged(person, model, name="H.1", result="met", **more):
    said = Judgement(result=result, reason=more.pop("reason", "I read it"), **more)
    return assess(actor=person, model_id=model.pk, control=control(name), said=said)


def ran(model, version, kind, verdict, days=1):
    monitor = Monitor.objects.filter(model=model, kind=kind).first() or Monitor.objects.create(
        model=model, name=kind, kind=kind, metric="psi"
    )
    end = timezone.now() - timedelta(days=days)
    return Run.objects.create(
        monitor=monitor,
        version=version,
        window_start=end - timedelta(days=7),
        window_end=end,
        config_digest="c" * 64,
        verdict=verdict,
        profile_digest="p" * 64,
        library_version="1",
    )


@pytest.mark.parametrize(
    ("applies", "expected"),
    [
        ({}, True),
        ({"tiers": ["high"]}, True),
        ({"tiers": ["low"]}, False),
        ({"jurisdictions": ["US"]}, True),
        ({"jurisdictions": ["US-NYC"]}, True),
        ({"jurisdictions": ["EU"]}, False),
        ({"purposes": ["employment", "credit"]}, True),
        ({"purposes": ["credit"]}, False),
        ({"tiers": ["high"], "jurisdictions": ["US"], "purposes": ["credit"]}, False),
    ],
)
def test_a_control_concerns_a_model_by_tier_place_and_purpose(applies, expected):
    scope = Scope("high", frozenset({"US-NYC"}), frozenset({"employment"}))
    assert concerns(applies, scope) is expected


def test_a_country_is_not_in_its_city_and_a_last_day_is_not_valid():
    assert not concerns({"jurisdictions": ["US-NYC"]}, Scope("low", frozenset({"US"})))
    today = timezone.now().date()
    assert in_force(today, None, today)
    assert not in_force(None, today, today)
    assert not in_force(today + timedelta(days=1), None, today)


def test_shipped_libraries_concern_a_model_by_its_scope(flights, one, olga):
    load_shipped()
    rebuild_controls(model_ids=[flights.pk])
    before = {cell.framework for cell in cells_of([flights.pk])[flights.pk]}
    assert before == {"nist-ai-rmf", "iso-42001"}
    set_scope(
        actor=olga, model_id=flights.pk, jurisdictions=["us-nyc"], purposes=["employment", "credit"]
    )
    after = {cell.framework for cell in cells_of([flights.pk])[flights.pk]}
    assert after == {*before, "nyc-ll144", "four-fifths", "sr-26-2"}, "SR 11-7 has ended"
    assert Event.objects.filter(event="governance.scope.set").count() == 1


def test_rules_propose_and_only_a_person_makes_it_met(flights, one, rules, vera):
    rebuild_controls(model_ids=[flights.pk])
    status = ControlStatus.objects.get(control__identifier="H.1")
    assert (status.proposal, state(flights)) == ("met", "proposed")
    row = judged(vera, flights)
    assert (row.proposed, row.printed_name, state(flights)) == ("met", "Vera", "met")
    assert row.evidence["rules"][0]["passed"] is True
    assert row.control_digest == control().digest
    event = Event.objects.first()
    assert (event.event, event.data["edition"]) == ("governance.control.assessed", 1)


@pytest.mark.parametrize("name", ["olga", "adam", "robot", "sam", "anna"])
def test_who_builds_audits_or_serves_does_not_assess(name, flights, rules, request):
    person = request.getfixturevalue(name)
    with Unchanged(), pytest.raises(Refused):
        judged(person, flights)
    assert Assessment.objects.count() == 0


def test_an_assessment_needs_a_reason_a_known_result_and_a_day_ahead(flights, rules, vera):
    today = timezone.now().date()
    for wrong in ({"reason": " "}, {"result": "nearly"}, {"expires_on": today}):
        with Unchanged(), pytest.raises(Incomplete):
            judged(vera, flights, **wrong)
    with Unchanged(), pytest.raises(RuleChanged):
        judged(vera, flights, expected_digest="0" * 64)


def test_the_newest_assessment_counts_and_the_database_keeps_it_one(flights, rules, vera, rita):
    first, second = judged(vera, flights, result="not"), judged(rita, flights, result="partly")
    assert state(flights) == "partly"
    assert Assessment.objects.filter(current=True).get() == second
    with pytest.raises(IntegrityError), transaction.atomic():
        Assessment.objects.filter(pk=first.pk).update(current=True)


def test_an_assessment_lapses_when_its_evidence_falls_away(flights, one, rules, vera, olga):
    judged(vera, flights)
    revise_card(
        actor=olga, version_id=one.pk, sections={"contact": ""}, note="-", expected_revision=1
    )
    rebuild_controls(model_ids=[flights.pk])
    row = Assessment.objects.get()
    assert row.lapsed_at is not None
    assert "Contact" in row.lapse_reason
    assert state(flights) == "lapsed"
    events = Event.objects.filter(event="governance.assessment.lapsed").count()
    rebuild_controls(model_ids=[flights.pk])
    assert events == Event.objects.filter(event="governance.assessment.lapsed").count() == 1


def test_an_assessment_lapses_on_its_day(flights, rules, vera):
    tomorrow = timezone.now().date() + timedelta(days=1)
    row = judged(vera, flights, result="not_applicable", expires_on=tomorrow)
    rebuild_controls(model_ids=[flights.pk])
    row.refresh_from_db()
    assert row.lapsed_at is None
    Assessment.objects.update(expires_on=timezone.now().date())
    rebuild_controls(model_ids=[flights.pk])
    assert state(flights) == "lapsed"


def test_a_changed_rule_makes_its_assessment_outdated_and_lists_the_model(
    flights, one, rules, vera, sam
):
    judged(vera, flights)
    changed = OURS.replace(b"answers at night", b"answers within an hour")
    changed = changed.replace(b"section: contact}", b"section: security}")
    (rules / "house-rules.yaml").write_bytes(changed)
    load_shipped(folder=rules)
    rebuild_controls(model_ids=[flights.pk])
    assert state(flights) == "outdated"
    row = Assessment.objects.get()
    assert row.control.edition.number == 1, "the edition that was met stays on record"
    (change,) = changes_of(vera, "house-rules")
    (affected,) = change.affected
    assert (affected.slug, affected.to_assess) == ("flight-delay", ("H.1",))
    assert affected.missing == ("H.1: Card section “Security” is empty.",)
    assert changes_of(sam, "house-rules")[0].affected == ()


def test_a_day_of_validity_is_written_down_once(flights, rules):
    today = timezone.now().date()
    control().edition.__class__.objects.update(
        valid_from=today, loaded_at=timezone.now() - timedelta(days=3)
    )
    for _ in range(2):
        daily.follow_dates(actor=daily.SYSTEM, today=today)
    change = RuleChange.objects.get()
    assert (change.kind, change.day) == ("begins", today)
    assert change.controls == {"concerned": ["H.1", "H.2"]}


def test_a_measurement_counts_by_its_age_and_verdict(flights, one, rules):
    load_shipped()
    for verdict, days, passed in (("ok", 1, True), ("breach", 1, False), ("ok", 40, False)):
        Run.objects.all().delete()
        ran(flights, one, "drift", verdict, days)
        rebuild_controls(model_ids=[flights.pk])
        row = ControlStatus.objects.get(control__identifier="MEASURE 2.4")
        assert row.results[0]["passed"] is passed, row.results[0]["message"]
    Monitor.objects.create(model=flights, name="Other", kind="fairness", metric="gap")
    ran(flights, one, "fairness", "breach")
    rebuild_controls(model_ids=[flights.pk])
    row = ControlStatus.objects.get(control__identifier="MEASURE 2.11")
    assert "says breach; wanted: ok or warning" in row.results[0]["message"]


def test_a_document_is_told_by_its_bytes_stored_whole_and_counts(flights, rules, olga):
    row = attach_evidence(
        actor=olga, model_id=flights.pk, control=control("H.2"), title="Report", raw=PDF
    )
    assert (row.media_type, row.size) == ("application/pdf", len(PDF))
    assert store.read(row.path) == PDF
    status = ControlStatus.objects.get(control__identifier="H.2")
    assert [one["passed"] for one in status.results] == [True, True]
    again = attach_evidence(
        actor=olga, model_id=flights.pk, control=control("H.2"), title="Again", raw=PDF
    )
    assert again == row
    assert AttachedEvidence.objects.count() == 1


@pytest.mark.parametrize(
    "raw", [b"MZ\x90\x00", b"PK\x03\x04zip", b"\x80\x04\x95pickle", b"\x7fELF", b"a\x00b", b"\xff"]
)
def test_bytes_that_are_no_document_are_not_kept(raw, flights, rules, olga):
    assert media_type_of(raw) is None
    with Unchanged(), pytest.raises(NotTaken):
        attach_evidence(actor=olga, model_id=flights.pk, control=control(), title="x", raw=raw)
    assert store.listed("evidence") == []


def test_a_document_has_a_bound_and_a_stranger_attaches_none(
    flights, rules, olga, sam, monkeypatch
):
    monkeypatch.setattr(controls, "LARGEST", 10)
    with Unchanged(), pytest.raises(TooLarge):
        attach_evidence(actor=olga, model_id=flights.pk, control=control(), title="x", raw=PDF)
    with Unchanged(), pytest.raises(Refused):
        attach_evidence(actor=sam, model_id=flights.pk, control=control(), title="x", text="y")
    with Unchanged(), pytest.raises(Incomplete):
        attach_evidence(actor=olga, model_id=flights.pk, control=control(), title="x")


def test_what_does_not_concern_the_model_is_neither_assessed_nor_waived_nor_given_evidence(
    flights, rules, vera, other_team
):
    load_shipped()
    foreign = Control.objects.select_related("edition__framework").get(identifier="publish")
    with Unchanged(), pytest.raises(NotConcerned):
        assess(actor=vera, model_id=flights.pk, control=foreign, said=Judgement("met", "Because"))
    with Unchanged(), pytest.raises(NotConcerned):
        attach_evidence(actor=vera, model_id=flights.pk, control=foreign, title="x", text="y")
    with Unchanged(), pytest.raises(NotConcerned):
        ask_waiver(
            actor=vera,
            model_id=flights.pk,
            control=foreign,
            reason="x",
            expires_on=timezone.now().date() + timedelta(days=3),
        )
    Framework.objects.filter(slug="house-rules").update(team=other_team)
    with Unchanged(), pytest.raises(NotConcerned):
        judged(vera, flights)


def test_shares_count_what_is_owed_today(flights, one, rules, vera):
    judged(vera, flights)
    judged(vera, flights, "H.2", result="not_applicable")
    (share,) = compliance(vera, "flight-delay").shares
    assert (share.met, share.owed, share.share) == (1, 1, 1.0)
    Control.objects.filter(identifier="H.1").update(
        valid_from=timezone.now().date() + timedelta(days=9)
    )
    (share,) = compliance(vera, "flight-delay").shares
    assert (share.owed, share.coming) == (0, 1)


def test_the_matrix_shows_ones_own_teams_in_few_queries(
    flights, one, rules, vera, sam, django_assert_max_num_queries
):
    with django_assert_max_num_queries(9):
        found = matrix(vera, framework="house-rules")
    assert [column.identifier for column in found.columns] == ["H.1", "H.2"]
    assert [row.slug for row in found.rows] == ["flight-delay"]
    assert matrix(vera, tier="high").rows == ()
    assert matrix(sam).rows == ()


def test_evaluating_many_models_asks_as_often_as_one(
    flights, one, rules, django_assert_num_queries
):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(
        connection,
    ) as first:
        rebuild_controls(model_ids=[flights.pk])
    twins = []
    for number in range(4):
        flights.pk, flights.slug = None, f"twin-{number}"
        flights.save()
        twins.append(flights.pk)
    with CaptureQueriesContext(connection) as many:
        rebuild_controls(model_ids=twins)
    assert len(many) <= len(first) + 1


def test_a_new_model_is_looked_at_without_waiting_for_the_night(flights, one, rules):
    ControlStatus.objects.all().delete()
    daily.schedule()
    job = Job.objects.get(kind="governance.controls", key=f"first-{flights.pk}")
    evaluate_model(claims.claim(job_id=job.pk))
    assert ControlStatus.objects.filter(model=flights).count() == 2


def test_the_daily_job_is_one_job_per_day_and_may_run_twice(flights, one, rules):
    ControlStatus.objects.all().delete()
    daily.schedule()
    daily.schedule()
    job = Job.objects.get(kind="governance.daily")
    daily.look_after_rules(claims.claim(job_id=job.pk))
    job.refresh_from_db()
    assert job.state == "done"
    assert ControlStatus.objects.count() == 2

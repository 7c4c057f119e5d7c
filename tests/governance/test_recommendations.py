"""Recommendations of versions that serve: stored when they change, held against what people did."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.utils import DatabaseError
from django.utils import timezone

from accounts.policies import Refused
from accounts.roles import Role
from audit.models import Event
from governance.jobs.follow import follow_verdicts
from governance.jobs.recommendations import current_table, enqueue_recommendations, recommend_model
from governance.jobs.rule_trials import try_table
from governance.models import (
    NotFollowed,
    Recommendation,
    RecommendationLook,
    RuleTable,
    RuleTableChange,
    RuleTableSignature,
    StatusRow,
)
from governance.reads.as_of import as_of
from governance.reads.recommendations import recommendations_page, standing, to_consider
from governance.recommendation_files import written
from governance.refusals import (
    AlreadyRequested,
    EvidenceChanged,
    Incomplete,
    NotOpen,
    WrongPassword,
)
from governance.services.recommendations import say_not_followed
from governance.services.rule_tables import propose_table, sign_table, withdraw_table
from ledger import claims
from ledger.models import Job
from monitoring.models import Health, Incident, Measurement, Monitor, Run
from tests.conftest import PASSWORD, person
from tests.governance.conftest import Unchanged, ask, promoted, sign


@pytest.fixture
def ronja(db):
    """Answers for risk in the whole organisation."""
    return person("ronja", (Role.RISK_OFFICER, None))


@pytest.fixture
def serving(one, olga, vera, rita):
    promoted(one, olga, vera, rita)
    return one


def verdict(version, kind, said, **more):
    now = timezone.now()
    return Health.objects.update_or_create(
        version=version, kind=kind, defaults={"verdict": said, "as_of": now, "measured_at": now}
    )


def measured(version, kind, said, metric="roc_auc", value=0.61):
    """A run of the model's monitor of this kind whose one number has this verdict."""
    now = timezone.now()
    monitor = Monitor.objects.get(model=version.model, kind=kind)
    run = Run.objects.create(
        monitor=monitor,
        version=version,
        window_start=now - timedelta(days=7),
        window_end=now,
        config_digest="1" * 64,
        verdict=said,
        profile_digest="2" * 64,
        library_version="1",
    )
    Measurement.objects.create(
        run=run,
        monitor=monitor,
        version=version,
        window_end=now,
        metric=metric,
        value=value,
        low=value - 0.02,
        high=value + 0.02,
        n=900,
        verdict=said,
    )
    verdict(version, kind, said)
    return run


def look(model):
    """Do what the follower asks for, as a worker would."""
    follow_verdicts()
    for job in Job.objects.filter(kind="governance.recommend", subject_id=model.pk, state="due"):
        claim = claims.claim(job_id=job.pk)
        if claim is not None:
            recommend_model(claim)
    return Recommendation.objects.filter(version__model=model).order_by("-pk").first()


def test_a_version_that_serves_gets_one_recommendation_by_a_job_of_the_ledger(serving, flights):
    assert Recommendation.objects.count() == 0
    row = look(flights)
    assert (row.recommend, row.rule, row.enough) == ("keep", "sound", False)
    assert row.table == current_table()
    event = Event.objects.get(event="governance.recommendation.changed")
    assert event.data["facts"] == row.facts_digest
    status = StatusRow.objects.filter(model=flights).latest("pk").answer
    assert status["recommendation"]["recommend"] == "keep"
    assert status["recommendation"]["enough"] is False
    assert status["champion"]["recommendation"] == "keep"


def test_a_breach_changes_it_and_the_reason_links_the_measurement(serving, flights, olga):
    look(flights)
    run = measured(serving, "performance", "breach")
    row = look(flights)
    assert (row.recommend, row.rule, row.opens) == ("investigate_data", "worse-without-cause", True)
    (line,) = standing(olga, flights.pk)
    (ground,) = line.grounds
    assert ground.fact == "performance"
    assert "ROC AUC 0.61 (0.59 to 0.63)" in ground.said
    assert ground.links[0].url == f"/runs/{run.pk}"


def test_nothing_is_stored_where_nothing_else_is_said(serving, flights):
    look(flights)
    first = RecommendationLook.objects.get().looked_at
    RecommendationLook.objects.update(looked_at=first - timedelta(days=2))
    assert enqueue_recommendations() == 1
    look(flights)
    assert Recommendation.objects.count() == 1
    assert RecommendationLook.objects.get().looked_at > first
    look(flights)
    assert enqueue_recommendations() == 0


def test_other_verdicts_with_the_same_answer_are_kept_without_a_new_turn(serving, flights):
    verdict(serving, "performance", "breach")
    look(flights)
    verdict(serving, "fairness", "breach")
    row = look(flights)
    assert (Recommendation.objects.count(), row.opens, row.facts["fairness"]) == (
        2,
        False,
        "breach",
    )


def test_a_version_that_serves_no_longer_is_looked_at_no_more(serving, flights):
    look(flights)
    serving.deployments.update(ended_at=timezone.now())
    RecommendationLook.objects.update(looked_at=timezone.now() - timedelta(days=2))
    look(flights)
    assert not RecommendationLook.objects.exists()
    assert Recommendation.objects.count() == 1
    assert enqueue_recommendations() == 0


def test_the_same_facts_are_said_once_by_a_job_that_is_done_twice(serving, flights):
    look(flights)
    claims.again(kind="governance.recommend", key=f"model-{flights.pk}", subject_id=flights.pk)
    look(flights)
    assert Recommendation.objects.count() == 1


def test_what_was_recommended_is_append_only(serving, flights):
    row = look(flights)
    with pytest.raises(DatabaseError), transaction.atomic():
        Recommendation.objects.filter(pk=row.pk).update(recommend="retire")
    with pytest.raises(DatabaseError), transaction.atomic():
        RuleTable.objects.update(rules=[])


def test_a_fixed_number_of_questions_reads_the_facts(
    serving, flights, django_assert_max_num_queries
):
    look(flights)
    verdict(serving, "drift", "breach")
    follow_verdicts()
    job = Job.objects.get(kind="governance.recommend")
    claim = claims.claim(job_id=job.pk)
    with django_assert_max_num_queries(70):
        recommend_model(claim)


def test_people_of_the_team_find_it_in_their_inbox_until_somebody_answers(
    serving, flights, olga, rita, sam, adam
):
    verdict(serving, "performance", "breach")
    row = look(flights)
    assert [line.row for line in to_consider(olga)] == [row]
    assert to_consider(sam) == to_consider(adam) == []
    say_not_followed(actor=rita, recommendation_id=row.pk, reason="A strike, known to all.")
    assert to_consider(olga) == []
    note = NotFollowed.objects.get()
    assert (note.printed_name, note.reason) == ("Rita", "A strike, known to all.")
    assert Event.objects.filter(event="governance.recommendation.not_followed").exists()


def test_strangers_and_auditors_say_nothing_about_it(serving, flights, sam, adam, robot):
    row = look(flights)
    for who in (sam, adam, robot):
        with Unchanged(), pytest.raises(Refused):
            say_not_followed(actor=who, recommendation_id=row.pk, reason="No")


def test_an_overtaken_recommendation_is_not_answered(serving, flights, olga):
    old = look(flights)
    verdict(serving, "performance", "breach")
    look(flights)
    with Unchanged(), pytest.raises(NotOpen):
        say_not_followed(actor=olga, recommendation_id=old.pk, reason="No")
    with Unchanged(), pytest.raises(Incomplete):
        say_not_followed(actor=olga, recommendation_id=look(flights).pk, reason=" ")


def backdated(row, days):
    """As if it had been said some days ago; only the owner of the tables could do that."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        Recommendation.objects.filter(pk=row.pk).update(at=row.at - timedelta(days=days))
        cursor.execute("SET session_replication_role = DEFAULT")


def fate_of(user, row):
    lines = recommendations_page(user, {}).lines
    return next(line.after.fate for line in lines if line.row.pk == row.pk)


def test_an_incident_that_is_looked_at_follows_investigate_data(serving, flights, olga):
    verdict(serving, "performance", "breach")
    row = look(flights)
    assert fate_of(olga, row) == "open"
    Incident.objects.create(
        model=flights,
        version=serving,
        kind="performance",
        title="AUC fell",
        severity="warning",
        began_at=timezone.now(),
        acknowledged_at=timezone.now(),
        state="acknowledged",
    )
    assert fate_of(olga, row) == "followed"


def test_a_month_without_a_step_is_said(serving, flights, olga):
    verdict(serving, "performance", "breach")
    row = look(flights)
    backdated(row, 31)
    assert fate_of(olga, row) == "nothing"


def test_keep_is_followed_where_nobody_asks_for_another_champion(serving, two, flights, olga):
    row = look(flights)
    backdated(row, 31)
    assert fate_of(olga, row) == "followed"
    backdated(row, 5)
    request = ask(olga, two)
    assert fate_of(olga, row) == "otherwise"
    assert request.version != row.version


def test_another_champion_follows_retrain_and_a_rejected_request_does_not(
    serving, two, flights, olga, rita
):
    verdict(serving, "concept", "breach")
    verdict(serving, "drift", "breach")
    row = look(flights)
    assert row.recommend == "investigate_data", "there are no outcomes to learn from"
    request = ask(olga, two)
    assert fate_of(olga, row) == "open"
    sign(rita, request, decision="reject")
    backdated(row, 31)
    assert fate_of(olga, row) == "nothing"


def test_what_was_overtaken_by_another_recommendation_counts_for_neither(serving, flights, olga):
    first = look(flights)
    verdict(serving, "performance", "breach")
    look(flights)
    assert fate_of(olga, first) == "overtaken"
    rules = {one.name: one for one in recommendations_page(olga, {}).by_rule}
    assert (rules["sound"].overtaken, rules["sound"].share) == (1, None)


def test_agreement_is_counted_by_rule_and_by_team(serving, flights, olga, sam):
    verdict(serving, "performance", "breach")
    backdated(look(flights), 31)
    page = recommendations_page(olga, {})
    (rule,), (team,) = page.by_rule, page.by_team
    assert (rule.name, rule.nothing, rule.share) == ("worse-without-cause", 1, 0.0)
    assert team.name == "Flight operations"
    assert recommendations_page(sam, {}).lines == ()
    assert recommendations_page(olga, {"recommend": "keep"}).lines == ()
    assert recommendations_page(olga, {"fate": "nothing"}).total == 1


def test_the_view_of_a_day_tells_what_was_recommended_then(serving, flights):
    before = timezone.now()
    look(flights)
    verdict(serving, "performance", "breach")
    between = timezone.now()
    look(flights)
    assert as_of(flights, before).recommendations == []
    assert [one["recommend"] for one in as_of(flights, between).recommendations] == ["keep"]
    assert as_of(flights, timezone.now()).recommendations[0]["recommend"] == "investigate_data"


def shorter():
    """The table without its second rule: it asks less."""
    rules = current_table().rules
    return written([rules[0], *rules[2:]])


def longer():
    """The table with one rule more, of a greater step than all after it."""
    rules = current_table().rules
    new = {
        "id": "new",
        "recommend": "retire",
        "when": [{"fact": "grave_findings", "at_least": 3}],
        "sentence": "Three grave findings are open.",
        "why": "Too much is wrong with it.",
    }
    return written([new, *rules])


def signed(who, change, decision="approve", **more):
    return sign_table(
        actor=who,
        change_id=change.pk,
        decision=decision,
        reason="It holds",
        digest=more.get("digest", change.digest),
        password=more.get("password", PASSWORD),
    )


def test_a_table_that_asks_more_is_in_force_once_a_risk_officer_of_the_house_signs(
    serving, flights, anna, ronja
):
    look(flights)
    change = propose_table(actor=anna, content=longer(), reason="Three are enough")
    assert (change.loosens, change.needed) == (False, {"risk_officer": 1})
    assert current_table().number == 1
    signed(ronja, change)
    table = current_table()
    assert (table.number, table.rules[0]["id"]) == (2, "new")
    assert Event.objects.filter(event="governance.rule_table.set").latest("sequence").data[
        "change"
    ] == (change.pk)
    row = look(flights)
    assert (row.table, row.opens, row.recommend) == (table, False, "keep")


def test_a_table_that_asks_less_needs_an_administrator_too(anna, ronja, rosa):
    change = propose_table(actor=rosa, content=shorter(), reason="Fewer words")
    assert change.needed == {"risk_officer": 1, "administrator": 1}
    signed(ronja, change)
    assert current_table().number == 1
    signed(anna, change)
    assert current_table().number == 2


def test_who_proposed_a_table_does_not_sign_it_and_the_database_says_so_too(ronja):
    change = propose_table(actor=ronja, content=longer(), reason="So")
    with Unchanged(), pytest.raises(Refused):
        signed(ronja, change)
    with pytest.raises(IntegrityError), transaction.atomic():
        RuleTableSignature.objects.create(
            change=change,
            person=ronja,
            printed_name="Ronja",
            role="risk_officer",
            decision="approve",
            meaning="x",
            reason="x",
            signed_digest=change.digest,
            method="password",
        )


def test_builders_propose_no_table_and_sign_none(olga, vera, rita, adam, anna):
    change = propose_table(actor=anna, content=longer(), reason="So")
    for who in (olga, vera, rita, adam):
        with Unchanged(), pytest.raises(Refused):
            propose_table(actor=who, content=longer(), reason="So")
        with Unchanged(), pytest.raises(Refused):
            signed(who, change)


def test_what_is_no_table_is_refused(anna, ronja):
    same = written(current_table().rules)
    for text in ("rules: []", "x", same):
        with Unchanged(), pytest.raises(Incomplete):
            propose_table(actor=anna, content=text, reason="So")
    change = propose_table(actor=anna, content=longer(), reason="So")
    with Unchanged(), pytest.raises(AlreadyRequested):
        propose_table(actor=anna, content=shorter(), reason="So")
    with Unchanged(), pytest.raises(EvidenceChanged):
        signed(ronja, change, digest="0" * 64)
    with pytest.raises(WrongPassword):
        signed(ronja, change, password="wrong")
    withdraw_table(actor=anna, change_id=change.pk, reason="Later")
    with Unchanged(), pytest.raises(NotOpen):
        signed(ronja, change)


def test_a_rejected_table_leaves_the_one_in_force(anna, ronja):
    change = propose_table(actor=anna, content=longer(), reason="So")
    signed(ronja, change, decision="reject")
    assert RuleTableChange.objects.get().state == "rejected"
    assert current_table().number == 1


def test_a_proposed_table_is_tried_on_the_stored_past(serving, flights, anna):
    verdict(serving, "performance", "breach")
    look(flights)
    text = (
        longer()
        .replace("fact: grave_findings", "fact: serving_days")
        .replace("at_least: 3", "at_least: 0")
    )
    change = propose_table(actor=anna, content=text, reason="So")
    job = Job.objects.get(kind="governance.rule_trial", subject_id=change.pk)
    try_table(claims.claim(job_id=job.pk))
    result = change.trial.result
    assert (result["looked_at"], result["different"]) == (1, 1)
    assert result["moved"] == [{"was": "investigate_data", "would_be": "retire", "times": 1}]


def test_the_pages_read_by_who_may(signed_in, serving, flights, olga, sam):
    verdict(serving, "performance", "breach")
    row = look(flights)
    client = signed_in(olga)
    for address in (
        "/recommendations",
        "/recommendations?fate=open&now=yes",
        f"/recommendations/{row.pk}",
        "/recommendations/rules",
        "/recommendations/rules/1",
        "/models/flight-delay",
        "/models/flight-delay/1",
        "/inbox",
    ):
        page = client.get(address).content.decode()
        assert "nvestigate data" in page, address
    client.post(f"/recommendations/{row.pk}", {"reason": "Known <b>strike</b>"})
    page = client.get(f"/recommendations/{row.pk}").content.decode()
    assert "Known &lt;b&gt;strike&lt;/b&gt;" in page
    assert signed_in(sam).get(f"/recommendations/{row.pk}").status_code == 404


def test_a_table_is_proposed_and_signed_by_page(signed_in, anna, ronja):
    current_table()
    client = signed_in(anna)
    assert "calibration-only" in client.get("/recommendations/rules/propose").content.decode()
    wrong = client.post("/recommendations/rules/propose", {"content": "rules: []", "reason": "x"})
    assert wrong.status_code == 422
    client.post("/recommendations/rules/propose", {"content": longer(), "reason": "Three"})
    change = RuleTableChange.objects.get()
    address = f"/recommendations/rules/changes/{change.pk}"
    assert "being tried" in client.get(address).content.decode()
    answer = {"decision": "approve", "reason": "Yes", "digest": change.digest}
    signed_in(ronja).post(f"{address}/sign", {**answer, "password": PASSWORD})
    assert current_table().number == 2
    assert "came into force" in client.get(address).content.decode()


def test_the_api_tells_the_same_and_takes_a_reason(signed_in, serving, flights, olga):
    verdict(serving, "performance", "breach")
    row = look(flights)
    client = signed_in(olga)
    (told,) = client.get("/api/v1/models/flight-delay/recommendations").json()
    assert (told["recommend"], told["rule"], told["now"]) == (
        "investigate_data",
        "worse-without-cause",
        True,
    )
    assert told["facts"]["performance"] == "breach"
    assert told["after"]["fate"] == "open"
    past = client.get("/api/v1/models/flight-delay/recommendations?at=2020-01-01T00:00:00Z")
    assert past.json() == []
    bad = client.get("/api/v1/models/flight-delay/recommendations?at=then")
    assert bad.status_code == 422
    answer = client.post(
        f"/api/v1/recommendations/{row.pk}/not-followed",
        {"reason": "Known."},
        content_type="application/json",
    )
    assert answer.status_code == 201
    assert answer.json()["not_followed"][0]["reason"] == "Known."
    assert client.get("/api/v1/recommendation-rules").json()["number"] == 1

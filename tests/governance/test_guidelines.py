"""Ethical guidelines: written, signed in, answered, signed; a gate, evidence and the card."""

import contextlib
from threading import Barrier, Thread

import pytest
from django.db import connection, transaction
from django.db.utils import IntegrityError
from hypothesis import given
from hypothesis import strategies as st

from accounts.policies import Refused
from audit.models import Event
from governance.exports import card_markdown
from governance.framework_files import BadFramework
from governance.guideline_files import TEMPLATE, BadAnswers, clean_answers, parse
from governance.models import (
    ApprovalPolicy,
    ChangeRequest,
    Guideline,
    GuidelineAnswers,
    GuidelineEdition,
)
from governance.reads.cards import card_of, exported
from governance.reads.evidence import what_changed
from governance.reads.guidelines import asked_of
from governance.reads.inbox import waiting_for
from governance.reads.papers import card_html, pdf
from governance.refusals import (
    BadFields,
    BadFile,
    EvidenceChanged,
    EvidenceStale,
    GatesNotPassed,
    Incomplete,
    NameTaken,
    NoSuchStep,
    TooManyAttempts,
    WrongPassword,
)
from governance.services.guidelines import (
    draft_answers,
    end_guideline,
    sign_answers,
    sign_guideline,
    write_guideline,
)
from governance.services.purposes import change_purpose
from monitoring.models import Experiment
from registry.models import Model
from tests.conftest import PASSWORD
from tests.governance.conftest import (
    Unchanged,
    ask,
    carry_out,
    sign,
    version_of,
)
from tests.governance.conftest import put_in_force as put_policy_in_force

ETHICS = TEMPLATE.read_bytes()
ANSWERS = {
    "harmed": {"text": "Travellers who miss a connection; families most of all."},
    "groups": {"yes": True, "reason": "Numbers by airport are within two points."},
    "trade_off": {"choice": "caution", "reason": "A warning too many costs little."},
    "rejected": {
        "rejected": [{"candidate": "version:1", "reason": "It was blind to winter."}],
        "reason": "Both were held against the same month.",
    },
    "consulted": {"text": "The ground staff; they asked for fewer warnings at night."},
    "objection": {"yes": False, "reason": "Nobody is decided upon; the desk answers questions."},
}


@pytest.fixture
def ethics(team, olga, rosa):
    """The shipped draft, written by olga and put in force by rosa."""
    return put_in_force(olga, rosa, team)


def put_in_force(writer, signer, team, raw=ETHICS):
    edition = write_guideline(actor=writer, team_id=team.pk, raw=raw)
    return sign_guideline(
        actor=signer,
        edition_id=edition.pk,
        digest=edition.digest,
        reason="Read with the team",
        password=PASSWORD,
    )


def answered(actor, version, **changes):
    return draft_answers(
        actor=actor,
        version_id=version.pk,
        guideline="ethical-guidelines",
        answers={**ANSWERS, **changes},
    )


def signed(actor, row, **more):
    return sign_answers(
        actor=actor,
        answers_id=row.pk,
        digest=more.get("digest", row.digest),
        reason="Asked the desk myself",
        password=more.get("password", PASSWORD),
    )


def test_the_shipped_draft_asks_what_it_must():
    file = parse(ETHICS)
    assert [one.id for one in file.questions] == list(ANSWERS)
    assert file.scopes == ("evaluation", "selection")
    assert {one.kind for one in file.questions} == {"text", "choice", "yes_no", "alternatives"}


@pytest.mark.parametrize(
    ("wrong", "by", "said"),
    [
        (b"kind: text", b"kind: song", "line 14, questions[0].kind: one of text"),
        (b"scopes: [evaluation, selection]", b"scopes: [beauty]", "line 7, scopes"),
        (b"tiers: [high, medium, low]", b"tiers: [huge]", "line 8, tiers"),
        (b"id: groups", b"id: harmed", "'harmed' is there twice"),
        (b"id: groups", b"id: harmed--text", "questions[1].id"),
        (b"    kind: choice\n", b"    kind: yes_no\n", "only a choice has options"),
        (b"note:", b"notes:", "no such key"),
        (b"kind: alternatives", b"kind: text", "scopes: selection asks what was rejected"),
        (b"changes: [promote, revalidate]", b"changes: [promote, dance]", "changes: a list of"),
    ],
)
def test_a_wrong_file_is_refused_by_its_line(team, olga, wrong, by, said):
    with Unchanged(), pytest.raises(BadFile) as caught:
        write_guideline(actor=olga, team_id=team.pk, raw=ETHICS.replace(wrong, by, 1))
    assert said in str(caught.value)
    assert Guideline.objects.count() == 0


NODES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(st.text(max_size=8), inside),
    max_leaves=12,
)


@given(st.binary(max_size=400) | st.text(max_size=400).map(str.encode))
def test_whatever_is_sent_is_a_guideline_or_a_named_problem(raw):
    with contextlib.suppress(BadFramework):
        parse(raw)


@given(st.sampled_from(list(ANSWERS)), NODES)
def test_whatever_is_answered_is_kept_or_refused_beside_its_question(name, value):
    questions = parse(ETHICS).questions
    others, blamed = {"version:1": "Version 1"}, {name}
    try:
        kept = clean_answers(questions, {name: value}, candidates=others)
    except BadAnswers as error:
        blamed = set(error.errors)
    else:
        assert clean_answers(questions, kept, candidates=others) == kept
    assert blamed == {name}


def test_a_guideline_is_asked_once_somebody_else_signed_it(team, one, olga, rita):
    edition = write_guideline(actor=olga, team_id=team.pk, raw=ETHICS)
    assert asked_of(one) == ()
    assert [waiting_for(who) for who in (olga, rita)] == [0, 1]
    sign_guideline(
        actor=rita, edition_id=edition.pk, digest=edition.digest, reason="Ours", password=PASSWORD
    )
    edition.refresh_from_db()
    assert (edition.state, edition.printed_name, edition.role) == ("in_force", "Rita", "reviewer")
    assert len(edition.signed_digest) == 64
    assert [one.state for one in asked_of(one, "promote")] == ["missing"]
    assert asked_of(one, "retire") == ()
    assert Event.objects.first().event == "governance.guideline.signed"


@pytest.mark.parametrize("name", ["sam", "adam", "anna", "robot"])
def test_strangers_write_no_guideline(name, team, request):
    who = request.getfixturevalue(name)
    with Unchanged(), pytest.raises(Refused):
        write_guideline(actor=who, team_id=team.pk, raw=ETHICS)


@pytest.mark.parametrize("name", ["olga", "vera", "rita", "adam", "sam", "robot"])
def test_who_wrote_it_and_who_does_not_review_put_nothing_in_force(name, team, rita, request):
    edition = write_guideline(actor=rita, team_id=team.pk, raw=ETHICS)
    with Unchanged(), pytest.raises(Refused):
        sign_guideline(
            actor=request.getfixturevalue(name),
            edition_id=edition.pk,
            digest=edition.digest,
            reason="x",
            password=PASSWORD,
        )
    assert GuidelineEdition.objects.get().state == "draft"


def test_an_id_of_another_team_is_taken(ethics, other_team, sam):
    with Unchanged(), pytest.raises(NameTaken):
        write_guideline(actor=sam, team_id=other_team.pk, raw=ETHICS)
    with Unchanged(), pytest.raises(NameTaken, match="says the same"):
        write_guideline(actor=sam_of(ethics), team_id=ethics.guideline.team_id, raw=ETHICS)


def sam_of(edition):
    return edition.drafted_by


def test_answers_are_drafted_by_a_builder_and_signed_by_who_had_no_hand(
    ethics, one, two, olga, vera, rita
):
    row = answered(olga, two)
    assert asked_of(two)[0].state == "draft"
    assert row.answers["rejected"]["rejected"][0]["label"] == "Version 1"
    assert [waiting_for(who) for who in (olga, vera, rita)] == [0, 1, 1]
    done = signed(vera, row)
    assert (done.state, done.printed_name, done.role) == ("signed", "Vera", "validator")
    assert asked_of(two)[0].state == "signed"
    assert [waiting_for(who) for who in (olga, vera, rita)] == [0, 0, 0]
    data = Event.objects.filter(event="governance.answers.signed").get().data
    assert (data["digest"], data["signed"]) == (row.digest, done.signed_digest)


def test_who_answered_has_a_hand_and_signs_neither_answers_nor_the_version(
    ethics, one, two, olga, vera
):
    row = answered(vera, two)
    with Unchanged(), pytest.raises(Refused, match="no hand"):
        signed(vera, row)
    request = ask(olga, two)
    with Unchanged(), pytest.raises(Refused, match="answered ethical guidelines"):
        sign(vera, request)


@pytest.mark.parametrize("name", ["olga", "sam", "adam", "anna", "robot"])
def test_others_do_not_sign_answers(name, ethics, one, two, vera, request):
    row = answered(vera, two)
    with Unchanged(), pytest.raises(Refused):
        signed(request.getfixturevalue(name), row)
    row.refresh_from_db()
    assert row.state == "draft"


@pytest.mark.parametrize("name", ["rita", "rosa", "sam", "adam", "robot"])
def test_only_builders_answer(name, ethics, one, two, request):
    with Unchanged(), pytest.raises(Refused):
        answered(request.getfixturevalue(name), two)
    assert GuidelineAnswers.objects.count() == 0


def test_open_questions_and_wrong_passwords_keep_answers_unsigned(ethics, one, two, olga, rita):
    row = answered(olga, two, harmed={"text": " "}, trade_off={})
    with Unchanged(), pytest.raises(Incomplete, match=r"Who may be harmed, The trade-off"):
        signed(rita, row)
    row = answered(olga, two)
    for _ in range(5):
        with pytest.raises(WrongPassword):
            signed(rita, row, password="guess")
    with pytest.raises(TooManyAttempts):
        signed(rita, row)
    assert not GuidelineAnswers.objects.filter(state="signed").exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"harmed": "everybody"},
        {"harmed": {"text": 5}},
        {"groups": {"yes": "maybe", "reason": "x"}},
        {"groups": {"yes": True, "reason": ""}},
        {"trade_off": {"choice": "beauty", "reason": "x"}},
        {"trade_off": {"choice": "parity"}},
        {"rejected": {"rejected": [{"candidate": "version:2", "reason": "itself"}], "reason": "x"}},
        {"rejected": {"rejected": [{"candidate": "version:1", "reason": ""}], "reason": "x"}},
        {"rejected": {"rejected": [], "reason": "x" * 4001}},
        {"weather": {"text": "fog"}},
    ],
)
def test_answers_are_of_their_question(ethics, one, two, olga, wrong):
    with Unchanged(), pytest.raises(BadFields) as caught:
        answered(olga, two, **wrong)
    assert set(caught.value.errors) == set(wrong)


def test_an_experiment_can_be_the_rejected_alternative(ethics, one, two, olga):
    tried = Experiment.objects.create(
        model=two.model,
        name="Fewer trees",
        kind="shadow",
        champion=one,
        challenger=two,
        endpoint="error_rate",
        planned_rows=1000,
        starts_at="2026-03-02T00:00Z",
        ends_at="2026-03-30T00:00Z",
        declared_by=olga,
    )
    other = {"candidate": f"experiment:{tried.pk}", "reason": "No gain after 1,000 rows"}
    row = answered(olga, two, rejected={"rejected": [other], "reason": "Tried first"})
    assert row.answers["rejected"]["rejected"][0]["label"] == "Experiment: Fewer trees"


def test_answers_are_superseded_and_never_edited(ethics, one, two, olga, rita):
    first = answered(olga, two)
    assert answered(olga, two).pk == first.pk, "the same again is no new writing"
    second = answered(olga, two, harmed={"text": "Nobody"})
    signed(rita, second)
    third = answered(olga, two)
    states = dict(GuidelineAnswers.objects.values_list("number", "state"))
    assert states == {1: "superseded", 2: "signed", 3: "draft"}
    signed(rita, third)
    assert GuidelineAnswers.objects.get(number=2).state == "superseded"
    with pytest.raises(NoSuchStep):
        signed(rita, second)
    for change in ("SET answers = '{}'", "SET digest = 'x'", "SET signed_digest = 'x'"):
        refused_by_database(f"UPDATE governance_guidelineanswers {change} WHERE number = 3")
    refused_by_database("DELETE FROM governance_guidelineanswers")
    refused_by_database("UPDATE governance_guidelineedition SET questions = '[]'")


def refused_by_database(statement):
    with (
        pytest.raises(IntegrityError),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


def test_a_draft_that_changed_while_it_was_read_is_not_signed(ethics, one, two, olga, rita):
    row = answered(olga, two)
    with Unchanged(), pytest.raises(EvidenceChanged):
        signed(rita, row, digest="0" * 64)


def test_a_new_edition_makes_earlier_answers_outdated(ethics, one, two, team, olga, rita, rosa):
    signed(rita, answered(olga, two))
    put_in_force(olga, rosa, team, ETHICS.replace(b"Who was consulted", b"Who was asked"))
    assert asked_of(two)[0].state == "outdated"
    states = dict(GuidelineEdition.objects.values_list("number", "state"))
    assert states == {1: "superseded", 2: "in_force"}


def test_a_guideline_that_ended_asks_nothing(ethics, one, olga, rosa):
    with Unchanged(), pytest.raises(Refused):
        end_guideline(actor=olga, edition_id=ethics.pk, reason="x", password=PASSWORD)
    end_guideline(actor=rosa, edition_id=ethics.pk, reason="Replaced", password=PASSWORD)
    assert asked_of(one) == ()
    assert Event.objects.first().event == "governance.guideline.ended"
    with pytest.raises(NoSuchStep):
        end_guideline(actor=rosa, edition_id=ethics.pk, reason="Again", password=PASSWORD)


def test_a_guideline_of_one_tier_or_of_another_team_does_not_concern_a_model(
    one, team, other_team, olga, rosa, sam
):
    put_in_force(olga, rosa, team, ETHICS.replace(b"tiers: [high, medium, low]", b"tiers: [high]"))
    assert asked_of(one) == ()
    one.model.risk_tier = "high"
    assert len(asked_of(one)) == 1
    one.model.team = other_team
    assert asked_of(one) == ()


def gate_of(request):
    return request.gates.get(gate="guidelines_answered")


def test_the_gate_informs_by_default_and_prevents_where_the_policy_says_so(
    ethics, one, two, olga, rita
):
    informed = gate_of(ask(olga, one))
    assert (informed.mode, informed.passed) == ("inform", False)
    assert "not answered" in informed.message
    policy = ApprovalPolicy.objects.get(kind="promote", risk_tier="medium", current=True)
    gates = [
        {**gate, "mode": "prevent"} if gate["gate"] == "guidelines_answered" else gate
        for gate in policy.gates
    ]
    put_policy_in_force("promote", "medium", policy.rounds, gates)
    with Unchanged(), pytest.raises(GatesNotPassed, match="not answered"):
        ask(olga, two)
    signed(rita, answered(olga, two))
    assert gate_of(ask(olga, two)).passed


def stale_of(request):
    return ChangeRequest.objects.with_stale().get(pk=request.pk).stale


def test_answers_signed_anew_make_signatures_stale_and_a_draft_does_not(
    ethics, one, two, olga, vera, rita
):
    signed(rita, answered(olga, two))
    request = ask(olga, two)
    sign(vera, request)
    row = answered(olga, two, harmed={"text": "Nobody at all"})
    assert (what_changed(request), stale_of(request)) == ([], False)
    signed(rita, row)
    sentence = "The ethical guidelines or their signed answers changed"
    assert what_changed(request) == [f"{sentence} after the request was submitted."]
    assert stale_of(request) is True
    with Unchanged(), pytest.raises(EvidenceStale, match="ethical guidelines"):
        sign(rita, request)


def test_requests_from_before_guidelines_were_frozen_do_not_become_stale(
    one, two, team, olga, rosa
):
    request = ask(olga, two)
    for part in ("guidelines", "model"):
        del request.evidence[part]
    request.save()
    put_in_force(olga, rosa, team)
    change_purpose(
        actor=olga, model_id=two.model_id, changes={"kpis": ["Fewer than ten"]}, reason="Asked for"
    )
    request = ChangeRequest.objects.get(pk=request.pk)
    assert (what_changed(request), stale_of(request)) == ([], False)


def test_two_guidelines_are_stamped_the_same_way_in_python_and_in_the_database(
    ethics, one, two, team, olga, rita, rosa
):
    for name in (b"a-guideline", b"zeal-2"):
        put_in_force(olga, rosa, team, ETHICS.replace(b"ethical-guidelines", name))
    signed(rita, answered(olga, two))
    request = ask(olga, two)
    assert request.evidence["guidelines"]["stamp"].count(" ") == 2
    assert (what_changed(request), stale_of(request)) == ([], False)


def test_the_card_shows_answers_with_their_signature_in_every_form(ethics, one, two, olga, rita):
    signed(rita, answered(olga, two, harmed={"text": "<b>Travellers</b> | all"}))
    card = exported(card_of(two.pk))
    [held] = card["facts"]["guidelines"]
    assert (held["name"], held["role"]) == ("Rita", "reviewer")
    markdown, html = card_markdown(card), card_html(card)
    for text in (markdown, html):
        assert "Ethical guidelines" in text
        assert "More cases for a person to decide" in text
        assert "It was blind to winter." in text
        assert held["digest"] in text
        assert "<b>Travellers" not in text
    assert pdf(html).startswith(b"%PDF")


@pytest.mark.django_db(transaction=True)
def test_of_two_people_who_sign_at_the_same_instant_one_does(team, olga, vera, rita, rosa):
    edition = put_in_force(olga, rosa, team)
    model = Model.objects.create(
        slug="flight-delay",
        name="Flight delay",
        purpose="Says which flights will be late.",
        team=team,
        owner=olga,
        task="binary",
        risk_tier="medium",
    )
    version = version_of(model, 2, olga)
    alone = {"rejected": {"rejected": [], "reason": "There is one version."}}
    row = answered(olga, version, **alone)
    barrier, outcomes = Barrier(2), []

    def at_once(who):
        barrier.wait()
        try:
            outcomes.append(signed(who, row).printed_name)
        except NoSuchStep:
            outcomes.append("too late")
        finally:
            connection.close()

    threads = [Thread(target=at_once, args=[who]) for who in (vera, rita)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done = GuidelineAnswers.objects.get(edition=edition)
    assert sorted(outcomes) == sorted([done.printed_name, "too late"])
    assert Event.objects.filter(event="governance.answers.signed").count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_purpose_that_changes_while_somebody_signs_leaves_no_approval_of_the_earlier_one(
    team, olga, rita
):
    model = Model.objects.create(
        slug="flight-delay",
        name="Flight delay",
        purpose="Says which flights will be late.",
        team=team,
        owner=olga,
        task="binary",
        risk_tier="low",
    )
    request = ask(olga, version_of(model, 1, olga))
    barrier, outcomes = Barrier(2), []

    def at_once(name, step):
        barrier.wait()
        try:
            step()
            outcomes.append(name)
        except EvidenceStale:
            outcomes.append("stale")
        finally:
            connection.close()

    steps = {
        "signed": lambda: sign(rita, request),
        "changed": lambda: change_purpose(
            actor=olga, model_id=model.pk, changes={"kpis": ["One"]}, reason="Asked for"
        ),
    }
    threads = [Thread(target=at_once, args=one) for one in steps.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert "changed" in outcomes
    if "signed" in outcomes:
        carry_out(request)
        assert request.state == "failed"
        assert "The KPIs changed" in request.error
    else:
        assert ChangeRequest.objects.get().state == "open"

"""Risk: the questionnaire decides the tier and is signed; attestations are opened before due."""

from datetime import date, timedelta

import pytest
from django.utils import timezone

from accounts.policies import Refused
from audit.models import Event
from governance.jobs.attestations import open_due
from governance.models import Attestation, FailedProof, RiskAssessment
from governance.reads.findings import attestations_waiting_for
from governance.reads.inbox import waiting_for
from governance.refusals import BadFields, NoSuchStep, TooManyAttempts, WrongPassword
from governance.risk_table import due_on, questionnaire, score
from governance.services.risk import attest, sign_risk
from registry.models import Deployment, Model
from tests.conftest import PASSWORD
from tests.governance.conftest import Unchanged

LIGHT = {
    "materiality": "little",
    "autonomy": "advice",
    "people": "none",
    "reversibility": "at_once",
}


def signed(actor, model, answers=None, password=PASSWORD, **change):
    return sign_risk(
        actor=actor,
        model_id=model.pk,
        answers={**LIGHT, **(answers or {}), **change},
        reason="Weighed with the team",
        password=password,
    )


@pytest.mark.parametrize(
    ("change", "tier", "points"),
    [
        ({}, "low", 0),
        ({"materiality": "much", "people": "few"}, "low", 3),
        ({"materiality": "much", "people": "many"}, "medium", 4),
        ({"materiality": "much", "people": "many", "autonomy": "exceptions"}, "medium", 6),
        (
            {
                "materiality": "much",
                "people": "many",
                "autonomy": "exceptions",
                "reversibility": "hard",
            },
            "high",
            8,
        ),
        ({"materiality": "severe"}, "high", 3),
        ({"people": "vulnerable"}, "high", 3),
        ({"autonomy": "alone"}, "medium", 3),
        ({"reversibility": "never"}, "medium", 3),
    ],
)
def test_the_tier_follows_from_points_and_from_what_one_answer_asks(change, tier, points):
    found = score({**LIGHT, **change})
    assert (found.tier, found.points) == (tier, points)
    assert f"{points} points in all" in " ".join(found.reasons)
    if tier != "low" and points == 3:
        assert "alone asks for at least" in found.reasons[-1]


def test_the_questionnaire_asks_four_things_and_every_tier_has_a_cadence():
    asked = questionnaire()
    names = [question.id for question in asked.questions]
    assert names == ["materiality", "autonomy", "people", "reversibility"]
    assert dict(asked.cadence_months) == {"high": 12, "medium": 24, "low": 36}
    assert all([o.points for o in q.options] == [0, 1, 2, 3] for q in asked.questions)


@pytest.mark.parametrize(
    ("since", "tier", "due"),
    [
        (date(2026, 1, 31), "high", date(2027, 1, 31)),
        (date(2024, 2, 29), "high", date(2025, 2, 28)),
        (date(2026, 11, 23), "medium", date(2028, 11, 23)),
        (date(2024, 2, 29), "low", date(2027, 2, 28)),
    ],
)
def test_an_attestation_falls_due_so_many_months_later(since, tier, due):
    assert due_on(since, tier) == due


def test_a_signed_questionnaire_sets_the_tier_and_both_are_on_the_trail(flights, rosa):
    row = signed(rosa, flights, people="vulnerable")
    flights.refresh_from_db()
    assert (row.tier, row.tier_before, flights.risk_tier) == ("high", "medium", "high")
    assert (row.printed_name, row.method, len(row.signed_digest)) == ("Rosa", "password", 64)
    events = list(Event.objects.order_by("-sequence").values_list("event", flat=True)[:3])
    assert events == ["governance.tier.set", "governance.risk.signed", "registry.model.changed"]
    assert Event.objects.first().data["before"] == "medium"


def test_a_developer_raises_a_tier_and_never_lowers_it(flights, olga, rosa):
    with Unchanged(), pytest.raises(Refused, match="risk officer lowers"):
        signed(olga, flights)
    assert signed(olga, flights, materiality="severe").tier == "high"
    assert signed(rosa, flights).tier == "low"


@pytest.mark.parametrize("name", ["vera", "rita", "adam", "sam", "robot", "anna"])
def test_others_do_not_answer(name, flights, request):
    with Unchanged(), pytest.raises(Refused):
        signed(request.getfixturevalue(name), flights, materiality="severe")
    assert RiskAssessment.objects.count() == 0


def test_a_wrong_password_signs_nothing_and_is_counted(flights, rosa):
    for _ in range(5):
        with pytest.raises(WrongPassword):
            signed(rosa, flights, password="guess")
    with pytest.raises(TooManyAttempts):
        signed(rosa, flights)
    assert RiskAssessment.objects.count() == 0
    assert FailedProof.objects.count() == 5
    assert Model.objects.get().risk_tier == "medium"


@pytest.mark.parametrize("change", [{"people": "everyone"}, {"people": ""}, {"weather": "fog"}])
def test_answers_are_those_of_the_questionnaire(change, flights, rosa):
    with Unchanged(), pytest.raises(BadFields) as caught:
        signed(rosa, flights, **change)
    assert set(caught.value.errors) == set(change)


@pytest.fixture
def due(flights, one):
    """A model that serves, registered so long ago that it falls due in 30 days."""
    Deployment.objects.create(
        version=one, model=flights, role="champion", started_at=timezone.now()
    )
    registered = timezone.now() + timedelta(days=30) - timedelta(days=731)
    Model.objects.update(created_at=registered)
    return due_on(registered.date(), "medium")


def test_an_attestation_is_opened_thirty_days_before_it_falls_due(flights, due):
    early = due - timedelta(days=30)
    assert open_due(today=early - timedelta(days=1)) == 0
    assert open_due(today=early) == 1
    assert open_due(today=early) == 0
    row = Attestation.objects.get()
    assert (row.due_on, row.tier) == (due, "medium")
    assert Event.objects.first().event == "governance.attestation.opened"


def test_a_model_that_serves_nowhere_owes_none(flights, due):
    Deployment.objects.update(ended_at=timezone.now())
    assert open_due(today=due) == 0


def test_a_higher_tier_is_due_earlier(flights, due):
    Model.objects.update(risk_tier="high")
    assert open_due(today=due - timedelta(days=390)) == 1


def test_owner_and_risk_officer_find_it_on_their_desk_and_sign_once(flights, due, olga, rosa, vera):
    open_due(today=due)
    row = Attestation.objects.get()
    assert [attestations_waiting_for(p) for p in (olga, rosa, vera)] == [[row], [row], []]
    assert [waiting_for(p) for p in (olga, rosa, vera)] == [1, 1, 0]
    words = {
        "attestation_id": row.pk,
        "result": "fit",
        "statement": "Looked at drift and findings",
        "password": PASSWORD,
    }
    with Unchanged(), pytest.raises(Refused):
        attest(actor=vera, **words)
    done = attest(actor=olga, **words)
    assert (done.result, done.printed_name, len(done.signed_digest)) == ("fit", "Olga", 64)
    with Unchanged(), pytest.raises(NoSuchStep):
        attest(actor=rosa, **words)
    assert attestations_waiting_for(olga) == []
    assert open_due(today=due) == 0, "the next one is due two years later"

"""Policies: written, approved by another, and what their triggers start or are refused."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.policies import Refused
from audit.models import Event
from ledger.models import Job
from monitoring.jobs.retraining.starting import consider_policies
from monitoring.models import (
    Monitor,
    Profile,
    Retraining,
    RetrainingPolicy,
    RetrainingRefusal,
    RetrainingStep,
    Run,
)
from monitoring.retraining_terms import TermsInvalid, parse, sentence
from monitoring.services.retraining_policies import (
    RetrainingInvalid,
    approve_policy,
    switch_off,
    switch_on,
    write_policy,
)
from monitoring.services.retrainings import cancel_retraining, start_retraining
from monitoring.states import (
    POLICY_MOVES,
    RETRAINING_MOVES,
    STEP_MOVES,
    IllegalRetrainingMove,
    PolicyState,
    RetrainingState,
    StepState,
    move_policy,
    move_retraining,
    move_step,
)
from registry.models import Deployment
from tests.monitoring import retraining as scene

pytestmark = pytest.mark.django_db
BREACHES = {"triggers": [{"on": "performance", "windows": 2}]}
WEEK = timedelta(days=7)


@pytest.fixture
def champion(version):
    Deployment.objects.create(
        version=version, model=version.model, role="champion", started_at=timezone.now()
    )
    return version


def verdicts(version, *said, kind="performance", name="ROC AUC", ending=None):
    """Weekly runs of one monitor, the last word the latest week's."""
    monitor, _ = Monitor.objects.get_or_create(
        model=version.model, name=name, kind=kind, metric="roc_auc"
    )
    last = ending or timezone.now() - timedelta(days=1)
    for place, verdict in enumerate(reversed(said)):
        end = last - place * WEEK
        Run.objects.create(
            monitor=monitor,
            version=version,
            window_start=end - WEEK,
            window_end=end,
            config_digest="d" * 64,
            verdict=verdict,
            profile_digest="d" * 64,
            library_version="1",
        )


def test_a_sentence_says_when_and_how_much():
    terms = parse(
        {
            "triggers": [{"on": "drift", "windows": 3}, {"on": "outcomes", "rows": 50_000}],
            "combine": "all",
            "cool_down_days": 14,
            "runs_per_month": 1,
        }
    )
    assert sentence(terms) == (
        "Retrains when 3 windows in a row breach a limit of drift and 50,000 new outcomes have "
        "come in, then rests 14 days; at most once and 120 processor minutes a month."
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"triggers": []},
        {"triggers": [{"on": "moon"}]},
        {"triggers": [{"on": "drift", "windows": 0}]},
        {"triggers": [{"on": "drift", "windows": 1, "rows": 5}]},
        {**BREACHES, "search": {"C": [1] * 60}},
        {**BREACHES, "entry_point": "../training"},
        {**BREACHES, "runner": "no spaces"},
        {**BREACHES, "cool_down_days": -1},
        {**BREACHES, "colour": "blue"},
    ],
    ids=["none", "unknown", "zero", "two", "too-many", "way-out", "spaces", "negative", "extra"],
)
def test_terms_that_make_no_sense_are_refused(olga, model, wrong):
    with pytest.raises(TermsInvalid):
        write_policy(actor=olga, model_id=model.pk, terms=wrong, reason="x")
    assert not RetrainingPolicy.objects.exists()


def test_at_medium_risk_somebody_else_approves_it(olga, rita, vera, sam, champion):
    made = write_policy(actor=olga, model_id=champion.model_id, terms=BREACHES, reason="Spring.")
    with pytest.raises(Refused):
        switch_on(actor=sam, policy_id=made.pk)
    assert switch_on(actor=olga, policy_id=made.pk).state == "asked"
    for somebody in (olga, vera):
        with pytest.raises(Refused):
            approve_policy(actor=somebody, policy_id=made.pk, reason="Fine.", method="password")
    assert RetrainingPolicy.objects.get(pk=made.pk).state == "asked"
    approved = approve_policy(actor=rita, policy_id=made.pk, reason="Fine.", method="password")
    assert (approved.state, approved.approved_by) == ("on", rita)
    assert Event.objects.filter(event="monitoring.retraining_policy.approved").count() == 1


def test_at_low_risk_the_team_switches_it_on_and_the_next_replaces_it(olga, champion):
    champion.model.risk_tier = "low"
    champion.model.save()
    for number in (1, 2):
        made = write_policy(actor=olga, model_id=champion.model_id, terms=BREACHES, reason="x")
        assert switch_on(actor=olga, policy_id=made.pk).state == "on"
        assert made.number == number
    assert list(RetrainingPolicy.objects.values_list("number", "state")) == [(2, "on"), (1, "off")]


def test_three_beats_make_one_retraining(olga, rita, champion):
    scene.policy_on(olga, rita, champion.model)
    verdicts(champion, "ok", "breach", "breach")
    assert [consider_policies() for _ in range(3)] == [1, 0, 0]
    made = Retraining.objects.get()
    assert "2 windows in a row of version 1 breached" in made.reasons[0]
    assert Job.objects.filter(kind="monitoring.retrain").count() == 1
    assert RetrainingStep.objects.filter(retraining=made).count() == 10


@pytest.mark.parametrize(
    ("said", "starts"),
    [
        (("breach", "breach", "ok"), 0),
        (("ok", "breach"), 0),
        (("breach", "insufficient_data", "breach"), 1),
        (("breach", "warning", "breach"), 0),
    ],
    ids=["calm-again", "once", "too-few-in-between", "warning-in-between"],
)
def test_breaches_in_a_row_are_what_counts(olga, rita, champion, said, starts):
    scene.policy_on(olga, rita, champion.model)
    verdicts(champion, *said)
    assert consider_policies() == starts


def test_all_waits_for_every_trigger(olga, rita, champion):
    triggers = [{"on": "performance", "windows": 2}, {"on": "outcomes", "rows": 500}]
    scene.policy_on(olga, rita, champion.model, triggers=triggers, combine="all")
    verdicts(champion, "breach", "breach")
    assert consider_policies() == 0
    Profile.objects.create(
        version=champion, hour=timezone.now(), rows=900, labelled=600, counts=b""
    )
    assert consider_policies() == 1
    assert len(Retraining.objects.get().reasons) == 2


def test_a_schedule_comes_round_and_not_before(olga, rita, champion):
    policy = scene.policy_on(
        olga, rita, champion.model, triggers=[{"on": "schedule", "every_days": 30}]
    )
    assert consider_policies() == 0
    RetrainingPolicy.objects.filter(pk=policy.pk).update(
        on_since=timezone.now() - timedelta(days=31)
    )
    assert consider_policies() == 1


def test_a_rest_and_a_budget_are_refusals_said_once(olga, rita, champion):
    scene.policy_on(olga, rita, champion.model, runs_per_month=1)
    verdicts(champion, "breach", "breach")
    assert consider_policies() == 1
    first = Retraining.objects.get()
    cancel_retraining(actor=olga, retraining_id=first.pk, reason="A strike.")
    later = timezone.now() + timedelta(days=2)
    verdicts(champion, "breach", "breach", name="Brier", ending=later + WEEK)
    assert [consider_policies() for _ in range(3)] == [0, 0, 0]
    refusal = RetrainingRefusal.objects.get()
    assert refusal.cause == "cool_down"
    with pytest.raises(RetrainingInvalid, match="used up"):
        start_retraining(actor=olga, model_id=champion.model_id, reason="Now.")
    long_ago = timezone.now() - timedelta(days=31)
    Retraining.objects.update(started_at=long_ago, up_to=long_ago)
    assert consider_policies() == 1


def test_an_episode_that_was_answered_starts_no_second_one(olga, rita, champion):
    scene.policy_on(olga, rita, champion.model, cool_down_days=0, runs_per_month=9)
    verdicts(champion, "breach", "breach")
    consider_policies()
    cancel_retraining(actor=olga, retraining_id=Retraining.objects.get().pk, reason="A strike.")
    verdicts(champion, "breach", "breach", name="Brier")
    assert consider_policies() == 0


def test_a_policy_that_is_off_starts_nothing(olga, rita, champion):
    policy = scene.policy_on(olga, rita, champion.model)
    switch_off(actor=olga, policy_id=policy.pk, reason="The model is replaced.")
    verdicts(champion, "breach", "breach")
    assert consider_policies() == 0
    assert not RetrainingRefusal.objects.exists()


@pytest.mark.parametrize(
    ("states", "moves", "move"),
    [
        (PolicyState, POLICY_MOVES, move_policy),
        (RetrainingState, RETRAINING_MOVES, move_retraining),
        (StepState, STEP_MOVES, move_step),
    ],
    ids=["policy", "retraining", "step"],
)
def test_the_life_cycles_have_the_steps_of_their_tables_only(states, moves, move):
    verbs = sorted({verb for _, verb in moves})
    for state in states:
        for verb in verbs:
            if (state, verb) in moves:
                assert move(state, verb) == moves[state, verb]
            else:
                with pytest.raises(IllegalRetrainingMove):
                    move(state, verb)

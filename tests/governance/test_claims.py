"""Numbers in cards are held against what was measured since, and every change is told."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, transaction
from hypothesis import given
from hypothesis import strategies as st

from audit.models import Event
from governance.claim_states import Claimed, ClaimState, Seen, judge, tolerance_of
from governance.jobs import daily
from governance.jobs.claims import judge_claims
from governance.models import ClaimCheck, Finding
from governance.reads.cards import card_of, exported
from governance.services.cards import refresh_card
from ledger import claims
from ledger.models import Job
from monitoring.models import Measurement
from tests.governance.test_cards import measured

NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture
def stated(one, olga):
    """A card that states a measured ROC AUC of 0.70, between 0.68 and 0.72."""
    measured(one, "roc_auc", 0.70, low=0.68, high=0.72)
    refresh_card(actor=olga, version_id=one.pk)
    return one


def later(version, value, low, high):
    """The next window's measurement of the same monitor."""
    Measurement.objects.filter(version=version).update(window_end=NOW)
    return measured(version, "roc_auc", value, low=low, high=high)


def the_claim(version):
    return next(c for c in card_of(version.pk).claims if c.measurement_id)


def test_a_fresh_measurement_within_the_tolerance_supports_the_number(stated):
    assert judge_claims(model_id=stated.model_id) == 1
    claim = the_claim(stated)
    assert (claim.state, claim.reason) == (
        "supported",
        "Measured 0.7 (0.68 to 0.72), within 0.7 ± 0.02.",
    )


def test_a_number_nobody_has_judged_yet_says_so(stated):
    assert the_claim(stated).state == "not judged"


def test_what_a_training_run_recorded_is_stated_and_never_supported(stated):
    judge_claims(model_id=stated.model_id)
    recorded = [c for c in card_of(stated.pk).claims if c.measurement_id is None]
    assert [c.state for c in recorded] == ["stated"]


def test_a_contradicted_number_is_found_once(stated):
    later(stated, 0.60, 0.58, 0.62)
    assert judge_claims(model_id=stated.model_id) == 1
    assert judge_claims(model_id=stated.model_id) == 0
    found = Finding.objects.get(kind="claim")
    assert (found.version, found.severity) == (stated, "medium")
    assert found.text.startswith("Measured 0.6 (0.58 to 0.62), outside 0.7 ± 0.02.")
    assert the_claim(stated).state == "contradicted"


def test_an_interval_that_touches_the_tolerance_contradicts_nothing(stated):
    later(stated, 0.66, 0.63, 0.69)
    judge_claims(model_id=stated.model_id)
    assert the_claim(stated).state == "supported"
    assert not Finding.objects.exists()


def test_a_number_that_nobody_measures_any_more_is_stale(stated):
    Measurement.objects.update(window_end=NOW - timedelta(days=900))
    judge_claims(model_id=stated.model_id)
    claim = the_claim(stated)
    assert (claim.state, claim.reason) == (
        "stale",
        "The newest measurement is older than 65 days.",
    )
    assert not Finding.objects.exists()


def test_each_change_of_state_is_an_event_and_a_quiet_night_is_none(stated):
    judge_claims(model_id=stated.model_id)
    judge_claims(model_id=stated.model_id)
    later(stated, 0.60, 0.58, 0.62)
    judge_claims(model_id=stated.model_id)
    told = Event.objects.filter(event="governance.claim.judged").order_by("sequence")
    assert [e.data["state"] for e in told] == ["supported", "contradicted"]


def test_refreshing_the_numbers_begins_anew_and_the_finding_waits_for_a_person(stated, olga):
    later(stated, 0.60, 0.58, 0.62)
    judge_claims(model_id=stated.model_id)
    refresh_card(actor=olga, version_id=stated.pk)
    judge_claims(model_id=stated.model_id)
    assert the_claim(stated).state == "supported"
    assert Finding.objects.get(kind="claim").state == "open"


def test_numbers_of_a_retired_version_are_left_alone(stated):
    type(stated).objects.filter(pk=stated.pk).update(stage="retired")
    assert judge_claims(model_id=stated.model_id) == 0


def test_the_database_keeps_every_check_as_it_was(stated):
    judge_claims(model_id=stated.model_id)
    with pytest.raises(DatabaseError), transaction.atomic():
        ClaimCheck.objects.update(state="stale")
    with pytest.raises(DatabaseError), transaction.atomic():
        ClaimCheck.objects.all().delete()
    assert ClaimCheck.objects.get().state == "supported"


def test_the_night_judges_every_model(stated):
    daily.schedule()
    job = Job.objects.get(kind="governance.daily")
    daily.look_after_rules(claims.claim(job_id=job.pk))
    assert ClaimCheck.objects.get().state == "supported"


def test_states_are_in_the_export_and_on_the_page(stated, client, vera):
    later(stated, 0.60, 0.58, 0.62)
    judge_claims(model_id=stated.model_id)
    states = [claim["state"] for claim in exported(card_of(stated.pk))["claims"]]
    assert sorted(states) == ["contradicted", "stated"]
    client.force_login(vera)
    text = client.get(f"/models/flight-delay/{stated.number}/card").content.decode()
    assert "contradicted</span>" in text
    assert "outside 0.7 ± 0.02" in text


@given(
    value=st.floats(-1e6, 1e6),
    off=st.floats(-1e6, 1e6),
    tolerance=st.none() | st.floats(0, 1e6),
    days=st.integers(0, 400),
)
def test_age_comes_before_agreement(value, off, tolerance, days):
    claimed = Claimed(value, tolerance)
    seen = Seen(value + off, None, None, NOW - timedelta(days=days))
    found = judge(claimed, seen, tier="high", now=NOW).state
    if days > 35:
        assert found == ClaimState.STALE
    elif seen.value == value:
        assert found == ClaimState.SUPPORTED
    elif abs(off) > 2 * tolerance_of(claimed) + 1e-3:
        assert found == ClaimState.CONTRADICTED

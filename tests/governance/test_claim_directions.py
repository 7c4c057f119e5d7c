"""What is better than claimed contradicts nothing; what has no good side does, both ways."""

from datetime import UTC, datetime

import pytest

from governance.claim_states import Claimed, Seen, Worse, judge
from governance.jobs.claims import judge_claims
from governance.models import ClaimCheck, Finding
from governance.services.cards import refresh_card
from monitoring.models import Measurement
from tests.governance.test_cards import measured

NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("worse", "value", "state", "begins"),
    [
        ("down", 0.60, "contradicted", "Measured 0.6,"),
        ("down", 0.69, "supported", "Measured 0.69,"),
        ("down", 0.80, "supported", "Better than claimed: measured 0.8,"),
        ("up", 0.60, "supported", "Better than claimed: measured 0.6,"),
        ("up", 0.71, "supported", "Measured 0.71,"),
        ("up", 0.80, "contradicted", "Measured 0.8,"),
        ("both", 0.60, "contradicted", "Measured 0.6,"),
        ("both", 0.80, "contradicted", "Measured 0.8,"),
    ],
)
def test_only_the_bad_side_contradicts(worse, value, state, begins):
    seen = Seen(value, None, None, NOW)
    found = judge(Claimed(0.70, 0.02), seen, tier="high", now=NOW, worse=Worse(worse))
    assert found.state == state
    assert found.reason.startswith(begins)


@pytest.mark.parametrize(
    ("kind", "metric", "later", "state"),
    [
        ("performance", "roc_auc", 0.30, "contradicted"),
        ("performance", "roc_auc", 0.90, "supported"),
        ("drift", "psi", 0.90, "contradicted"),
        ("drift", "psi", 0.10, "supported"),
        ("performance", "mean_prediction", 0.30, "contradicted"),
        ("performance", "mean_prediction", 0.90, "contradicted"),
    ],
)
def test_the_table_of_metrics_says_which_side_is_bad(one, olga, kind, metric, later, state):
    measured(one, metric, 0.60, kind=kind, low=0.55, high=0.65)
    refresh_card(actor=olga, version_id=one.pk)
    Measurement.objects.filter(version=one).update(window_end=NOW)
    measured(one, metric, later, kind=kind)
    judge_claims(model_id=one.model_id)
    check = ClaimCheck.objects.get()
    assert check.state == state
    assert check.reason.startswith("Better than claimed") == (state == "supported")
    assert Finding.objects.filter(kind="claim").exists() == (state == "contradicted")

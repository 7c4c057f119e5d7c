"""A legal hold wins over the clean-up of a retirement: nothing is deleted while it lasts."""

from governance.jobs.retirements import forget_logs
from monitoring.models import Batch
from registry.gateways import store
from registry.services.holds import lift_hold, place_hold
from tests.governance.retirements.conftest import (
    ask_again,
    step,
    to_the_end,
    until_archived,
    work,
)
from tests.governance.retirements.test_clean_up import batch

CASE = {"case": "Doe v. Airline", "reason": "The court asked for it."}


def test_a_held_model_keeps_its_source_until_the_hold_is_lifted(ending, robot, rosa):
    old = batch(ending.version, robot, 800, "a")
    until_archived(ending)
    hold = place_hold(actor=rosa, model_id=ending.model_id, **CASE)
    waiting = step(ending, "logs")
    for name in ("mlflow", "artifacts", "logs"):
        waiting = work(ending, name)
        if waiting.state == "waiting":
            break
    assert waiting.note.startswith("A legal hold (Doe v. Airline) keeps it")
    assert store.exists(old.path)
    ending.refresh_from_db()
    assert ending.state == "ending"
    lift_hold(actor=rosa, hold_id=hold.pk, reason="The case is closed.")
    ask_again(ending)
    assert work(ending, waiting.name).state == "verified"


def test_a_held_model_keeps_its_logs_beyond_the_days_of_the_rule(ending, robot, rosa):
    young = batch(ending.version, robot, 300, "b")
    to_the_end(ending)
    hold = place_hold(actor=rosa, model_id=ending.model_id, **CASE)
    Batch.objects.update(last_at="2020-01-01T00:00Z")
    assert forget_logs() == 0
    assert store.exists(young.path)
    lift_hold(actor=rosa, hold_id=hold.pk, reason="The case is closed.")
    assert forget_logs() == 1
    assert not store.exists(young.path)

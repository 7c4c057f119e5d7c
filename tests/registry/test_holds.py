"""A legal hold is placed and lifted by the risk officer, with a case and a reason, on the trail."""

import pytest

from accounts.policies import Refused
from audit.models import Event
from registry.models.keeping import LegalHold
from registry.reads.holds import holds_for, holds_on
from registry.refusals import HoldInvalid
from registry.services.holds import lift_hold, place_hold

pytestmark = pytest.mark.django_db
CASE = {"case": "Doe v. Airline", "reason": "The court asked for it."}


def told():
    return [e.event for e in Event.objects.filter(event__startswith="registry.hold")]


def test_rosa_places_a_hold_and_whoever_asks_learns_of_it(flights, rosa, sam, adam):
    place_hold(actor=rosa, model_id=flights.pk, **CASE)
    (hold,) = holds_on(flights.pk)
    assert (hold.case, hold.placed_by, hold.lifted_at) == ("Doe v. Airline", "Rosa", None)
    assert len(holds_for(adam, flights.pk)) == 1
    assert holds_for(sam, flights.pk) == []
    assert told() == ["registry.hold.placed"]


def test_a_lifted_hold_holds_no_longer_and_is_remembered(flights, rosa):
    hold = place_hold(actor=rosa, model_id=flights.pk, **CASE)
    lift_hold(actor=rosa, hold_id=hold.pk, reason="The case is closed.")
    assert holds_on(flights.pk) == []
    (was,) = holds_for(rosa, flights.pk)
    assert (was.lifted_by, was.lifted_because) == ("Rosa", "The case is closed.")
    assert sorted(told()) == ["registry.hold.lifted", "registry.hold.placed"]
    with pytest.raises(HoldInvalid, match="lifted before"):
        lift_hold(actor=rosa, hold_id=hold.pk, reason="Again")


def test_one_case_does_not_lift_another(flights, rosa):
    first = place_hold(actor=rosa, model_id=flights.pk, **CASE)
    place_hold(actor=rosa, model_id=flights.pk, case="Audit 7", reason="Asked for")
    lift_hold(actor=rosa, hold_id=first.pk, reason="Closed")
    assert [hold.case for hold in holds_on(flights.pk)] == ["Audit 7"]


@pytest.mark.parametrize("who", ["olga", "vera", "rita", "adam"])
def test_nobody_else_places_or_lifts_one(flights, rosa, who, request):
    person = request.getfixturevalue(who)
    with pytest.raises(Refused):
        place_hold(actor=person, model_id=flights.pk, **CASE)
    assert not LegalHold.objects.exists()
    hold = place_hold(actor=rosa, model_id=flights.pk, **CASE)
    with pytest.raises(Refused):
        lift_hold(actor=person, hold_id=hold.pk, reason="Mine")
    assert len(holds_on(flights.pk)) == 1
    assert told() == ["registry.hold.placed"]


@pytest.mark.parametrize("said", [{"case": " "}, {"reason": ""}, {"case": "x" * 121}])
def test_a_hold_without_a_case_or_a_reason_is_none(flights, rosa, said):
    with pytest.raises(HoldInvalid):
        place_hold(actor=rosa, model_id=flights.pk, **(CASE | said))
    assert not LegalHold.objects.exists()
    assert told() == []


def test_the_same_case_holds_a_model_once(flights, rosa):
    place_hold(actor=rosa, model_id=flights.pk, **CASE)
    with pytest.raises(HoldInvalid, match="already"):
        place_hold(actor=rosa, model_id=flights.pk, **CASE)
    assert LegalHold.objects.count() == 1

"""Somebody leaves: what they own goes to others first, then the account is closed."""

import pytest

from accounts.models import User
from accounts.policies import Refused
from audit.models import Event
from governance.models import Finding
from governance.refusals import Incomplete, StillOwns
from governance.services.leaving import close_account, hand_over
from monitoring.models import Incident
from registry.models import Model
from tests.governance.conftest import Unchanged
from tests.world import world_of


@pytest.fixture
def world(team, olga, vera):
    found = world_of(team, olga)
    Incident.objects.update(owner=olga, state="acknowledged", acknowledged_at="2026-01-01T00:00Z")
    return found


def test_olga_s_account_is_not_closed_while_she_owns_models(world, anna, olga):
    with Unchanged(), pytest.raises(StillOwns, match="hand them over"):
        close_account(actor=anna, user_id=olga.pk, reason="Left.")
    assert User.objects.get(pk=olga.pk).is_active


def test_what_olga_owns_goes_to_vera_and_then_she_may_leave(world, anna, olga, vera, team):
    kept = Finding.objects.get().owner
    done = hand_over(
        actor=anna, user_id=olga.pk, team_id=team.pk, new_owner=vera.email, reason="Olga leaves."
    )
    assert (done.models, done.incidents) == (1, 1)
    assert done.findings == (1 if kept == olga else 0)
    assert Model.objects.get().owner == vera
    assert Incident.objects.get().owner == vera
    told = Event.objects.filter(data__reason="Olga leaves.").values_list("event", flat=True)
    assert set(told) >= {"registry.model.changed", "monitoring.incident.handed_over"}
    close_account(actor=anna, user_id=olga.pk, reason="Left.")
    assert not User.objects.get(pk=olga.pk).is_active


def test_findings_go_along_with_a_line_on_their_timeline(world, anna, olga, vera, team):
    finding = Finding.objects.get()
    Finding.objects.update(owner=olga)
    hand_over(actor=anna, user_id=olga.pk, team_id=team.pk, new_owner=vera.email, reason="Leaves.")
    finding.refresh_from_db()
    assert finding.owner == vera
    assert list(finding.entries.order_by("-pk").values_list("verb", flat=True)[:2]) == [
        "change",
        "own",
    ]


@pytest.mark.parametrize("who", ["sam", "olga", "robot", "adam", "nobody"])
def test_only_another_person_of_the_team_takes_over(world, request, anna, olga, team, who):
    email = "" if who == "nobody" else request.getfixturevalue(who).email
    with Unchanged(), pytest.raises(Incomplete, match="another active person of the team"):
        hand_over(actor=anna, user_id=olga.pk, team_id=team.pk, new_owner=email, reason="Leaves.")


def test_rita_hands_nothing_over(world, rita, olga, vera, team):
    with Unchanged(), pytest.raises(Refused):
        hand_over(actor=rita, user_id=olga.pk, team_id=team.pk, new_owner=vera.email, reason="x")
    with Unchanged(), pytest.raises(Refused):
        close_account(actor=rita, user_id=vera.pk, reason="x")


def test_the_page_shows_what_would_be_orphaned(world, anna, olga, rita, signed_in):
    desk = signed_in(anna)
    page = desk.get(f"/people/{olga.pk}").content.decode()
    assert "Flight delay" in page
    assert "Hand over first what Olga owns" in page
    assert "Waiting for a signature" in desk.get(f"/people/{rita.pk}").content.decode()


def test_by_page_from_handing_over_to_closed(world, anna, olga, vera, signed_in, team):
    desk = signed_in(anna)
    sent = {"new_owner": vera.email, "reason": "Olga leaves."}
    desk.post(f"/people/{olga.pk}/teams/{team.slug}", sent)
    desk.post(f"/people/{olga.pk}/close", {"reason": "Left."})
    page = desk.get(f"/people/{olga.pk}").content.decode()
    assert "Open the account again" in page
    desk.post(f"/people/{olga.pk}/reopen", {"reason": "Back."})
    assert User.objects.get(pk=olga.pk).is_active

"""People and teams by API: for administrators, with the rules of the pages."""

import pytest

from accounts.models import Membership, Team, User
from accounts.services.invitations import accept
from accounts.services.tokens import create_token
from audit.models import Event
from tests.world import world_of

JSON = "application/json"


@pytest.fixture
def desk(client, anna):
    text = create_token(actor=anna, owner=anna, name="x", scopes=["read", "manage"], days=1).text

    def ask(method, address, **body):
        how = {"headers": {"authorization": f"Bearer {text}"}}
        if method != "get":
            how |= {"data": body, "content_type": JSON}
        return getattr(client, method)(f"/api/v1/{address}", **how)

    return ask


def test_a_person_comes_gets_a_role_and_leaves(desk, team):
    made = desk("post", "people", name="Nora", email="nora@example.org").json()
    assert accept(text=made["link"].rpartition("/")[2], password="six green elephants sing")
    roles = f"people/{made['id']}/roles"
    said = {"role": "validator", "team": team.slug, "reason": "Validates flights."}
    given = desk("post", roles, **said)
    assert given.status_code == 201
    (held,) = given.json()["roles"]
    assert (held["role"], held["by"], held["reason"]) == ("validator", "Anna", said["reason"])
    taken = desk("post", f"{roles}/{held['id']}/take", reason="Moves on.")
    assert taken.json()["roles"] == []
    closed = desk("post", f"people/{made['id']}/closing", reason="Left.")
    assert closed.json()["active"] is False
    opened = desk("post", f"people/{made['id']}/reopening", reason="Back.")
    assert opened.json()["active"] is True


def test_the_list_is_filtered(desk, olga, sam):
    names = [one["name"] for one in desk("get", "people?team=lending").json()["results"]]
    assert names == ["Sam"]
    assert desk("get", "people?q=%00").json()["results"] == []


def test_what_is_owned_goes_first(desk, team, olga, vera):
    world_of(team, olga)
    refused = desk("post", f"people/{olga.pk}/closing", reason="Left.")
    assert (refused.status_code, refused.json()["code"]) == (409, "still_owns")
    owned = desk("get", f"people/{olga.pk}").json()["owns"]
    assert owned[0]["models"] == ["flight-delay"]
    said = {"team": team.slug, "new_owner": vera.email, "reason": "Leaves."}
    done = desk("post", f"people/{olga.pk}/hand-over", **said)
    assert done.json()["models"] == 1
    assert desk("post", f"people/{olga.pk}/closing", reason="Left.").status_code == 200


def test_anna_gives_herself_nothing(desk, anna, team):
    said = {"role": "reviewer", "team": team.slug, "reason": "x"}
    assert desk("post", f"people/{anna.pk}/roles", **said).status_code == 403
    assert desk("post", f"people/{anna.pk}/closing", reason="x").status_code == 403
    held = anna.memberships.get()
    taken = desk("post", f"people/{anna.pk}/roles/{held.pk}/take", reason="x")
    assert "last administrator" in taken.json()["detail"]
    assert Membership.objects.filter(user=anna).count() == 1


def test_somebody_else_s_membership_is_not_there(desk, olga, sam):
    held = olga.memberships.get()
    answer = desk("post", f"people/{sam.pk}/roles/{held.pk}/take", reason="x")
    assert answer.status_code == 404
    assert Membership.objects.filter(pk=held.pk).exists()


def test_teams_are_made_and_renamed(desk, olga, team):
    assert desk("post", "teams", name="Claims", slug="claims").status_code == 201
    assert desk("post", "teams", name="claims", slug="other").status_code == 422
    assert desk("post", "teams", name="Other", slug="Not-Small").status_code == 422
    named = desk("put", "teams/flight-operations", name="Flights").json()
    assert (named["name"], named["members"][0]["name"]) == ("Flights", "Olga")
    assert set(Team.objects.values_list("name", flat=True)) == {"Claims", "Flights"}


@pytest.mark.parametrize("who", ["olga", "adam", "sam"])
def test_nobody_else_administers(client, request, who, team, vera):
    person = request.getfixturevalue(who)
    text = create_token(actor=person, owner=person, name="x", scopes=["read"], days=1).text
    answer = client.get(f"/api/v1/people/{vera.pk}", headers={"authorization": f"Bearer {text}"})
    assert answer.status_code == 403
    assert not Event.objects.exclude(event="accounts.token.created").exists()
    assert User.objects.filter(is_active=True).count() >= 2

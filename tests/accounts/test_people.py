"""People, roles and the door."""

import pytest
from django.db import IntegrityError, transaction

from accounts.models import Membership, User
from accounts.policies import Refused
from accounts.roles import Role
from accounts.services.people import (
    create_first_administrator,
    create_user,
    grant_role,
    withdraw_role,
)
from accounts.services.teams import create_team
from audit.models import Event
from tests.conftest import PASSWORD


def test_the_first_administrator_is_made_once(db):
    anna = create_first_administrator(email="anna@example.org", name="Anna", password=PASSWORD)
    assert anna.holds(Role.ADMINISTRATOR, team_id=None)
    with pytest.raises(ValueError, match="people already"):
        create_first_administrator(email="sam@example.org", name="Sam", password=PASSWORD)
    assert User.objects.count() == 1


def test_anna_sets_up_a_team(anna):
    team = create_team(actor=anna, name="Lending", slug="lending")
    lena = create_user(actor=anna, email="Lena@Example.org", name="Lena", password=PASSWORD)
    grant_role(actor=anna, user_id=lena.pk, role=Role.DEVELOPER, team_id=team.pk)
    lena = User.objects.get(pk=lena.pk)
    assert lena.email == "lena@example.org"
    assert lena.holds(Role.DEVELOPER, team_id=team.pk)
    assert not lena.holds(Role.DEVELOPER, team_id=None)
    assert not lena.reads_everything
    assert list(Event.objects.order_by("sequence").values_list("event", flat=True)) == [
        "accounts.team.created",
        "accounts.user.created",
        "accounts.role.granted",
    ]


def test_olga_administers_nobody(olga, sam):
    for attempt in (
        lambda: create_team(actor=olga, name="Mine", slug="mine"),
        lambda: create_user(actor=olga, email="x@example.org", name="X", password=PASSWORD),
        lambda: grant_role(actor=olga, user_id=olga.pk, role=Role.ADMINISTRATOR, team_id=None),
        lambda: withdraw_role(actor=olga, membership_id=sam.memberships.get().pk),
    ):
        with pytest.raises(Refused):
            attempt()
    assert Membership.objects.count() == 2
    assert not Event.objects.exists()


def test_an_auditor_holds_no_other_role(anna, adam, olga, team):
    with pytest.raises(ValueError, match="auditors hold no other role"):
        grant_role(actor=anna, user_id=adam.pk, role=Role.REVIEWER, team_id=team.pk)
    with pytest.raises(ValueError, match="auditors hold no other role"):
        grant_role(actor=anna, user_id=olga.pk, role=Role.AUDITOR, team_id=None)
    assert adam.memberships.count() == olga.memberships.count() == 1


def test_an_auditor_of_one_team_cannot_exist(olga, team):
    with pytest.raises(IntegrityError), transaction.atomic():
        Membership.objects.create(user=olga, team=team, role=Role.AUDITOR)


def test_a_stranger_is_sent_to_the_door_from_everywhere(client, db):
    for address in ("/", "/audit", "/accounts/me", "/design", "/no/such/page"):
        answer = client.get(address)
        assert answer.status_code == 302, address
        assert answer["Location"].startswith("/accounts/login/?next="), address


def test_signing_in_opens_the_door(client, olga):
    wrong = client.post("/accounts/login/", {"login": "olga@example.org", "password": "wrong"})
    assert wrong.status_code == 200
    assert "sessionid" not in client.cookies
    right = client.post("/accounts/login/", {"login": "olga@example.org", "password": PASSWORD})
    assert right.status_code == 302
    signed_in = Event.objects.get()
    assert (signed_in.event, signed_in.actor_name) == ("accounts.user.signed_in", "Olga")
    assert client.get("/accounts/me").status_code == 200


def test_guessing_locks_the_door_for_a_while(client, olga):
    for _ in range(5):
        client.post("/accounts/login/", {"login": "olga@example.org", "password": "wrong"})
    locked = client.post("/accounts/login/", {"login": "olga@example.org", "password": PASSWORD})
    assert locked.status_code in {200, 429}
    assert client.get("/accounts/me").status_code == 302, "not signed in"


def test_nobody_signs_themselves_up(client, db):
    assert client.get("/accounts/signup/").status_code == 302
    assert not User.objects.exists()

"""A signer lends their role for some days: whoever signs for them is bound as they would be."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import Delegation, Membership, User
from accounts.policies import Refused
from accounts.roles import Role
from accounts.services.delegations import CannotLend, end_delegation, lend
from accounts.services.people import withdraw_role
from audit.models import Event
from governance.models import SignOff
from governance.reads.inbox import requests_waiting_for
from governance.reads.requests import request_page
from governance.refusals import AlreadySigned
from registry.models import Contribution
from tests.conftest import person
from tests.governance.conftest import Unchanged, ask, carry_out, sign


def fresh(user):
    """The person at their next request: roles are read once for each."""
    return User.objects.get(pk=user.pk)


def lent(giver, taker, role, team, *, days=(0, 7), reason="On leave until Monday"):
    return lend(
        actor=fresh(giver),
        taker_id=taker.pk,
        role=role,
        team_id=team.pk,
        begins_on=timezone.now().date() + timedelta(days=days[0]),
        ends_on=timezone.now().date() + timedelta(days=days[1]),
        reason=reason,
    )


@pytest.fixture
def otto(team):
    """Develops too, and has had no hand in version 1."""
    return person("otto", (Role.DEVELOPER, team))


def test_otto_signs_for_rita_and_every_form_says_so(one, olga, vera, rita, otto, team):
    request = ask(olga, one)
    sign(vera, request)
    assert not requests_waiting_for(fresh(otto)).exists()
    lent(rita, otto, "reviewer", team)
    assert requests_waiting_for(fresh(otto)).get() == request
    signed = sign(fresh(otto), request)
    assert (signed.role, signed.on_behalf_of, signed.signed_as) == (
        "reviewer",
        rita,
        "Otto for Rita",
    )
    told = Event.objects.filter(event="governance.signoff.signed").latest("sequence")
    assert told.data["on_behalf_of"] == "Rita"
    request.refresh_from_db()
    assert request.state == "approved"
    carry_out(request)
    page = request_page(fresh(vera), request.pk)
    assert [line.name for line in page.signatures] == ["Vera", "Otto for Rita"]


def test_nobody_counts_twice(one, olga, vera, rita, otto, team):
    """Neither rita after otto signed for her, nor otto after she signed, nor otto twice."""
    request = ask(olga, one)
    lent(rita, otto, "reviewer", team)
    lent(vera, otto, "validator", team)
    sign(fresh(otto), request)
    with Unchanged(), pytest.raises(AlreadySigned, match="You have signed"):
        sign(fresh(otto), request)
    signed = SignOff.objects.get()
    giver, other = (vera, rita) if signed.on_behalf_of == vera else (rita, vera)
    with Unchanged(), pytest.raises(AlreadySigned, match="Otto has signed for you"):
        sign(giver, request)
    sign(other, request)
    request.refresh_from_db()
    assert request.state == "approved"


def test_what_was_lent_is_used_up_when_its_giver_signs(one, olga, vera, rita, otto, team):
    request = ask(olga, one)
    lent(vera, otto, "validator", team)
    sign(vera, request)
    assert not requests_waiting_for(fresh(otto)).exists()
    with Unchanged(), pytest.raises(AlreadySigned, match="Who lent you the role"):
        sign(fresh(otto), request)


def test_who_had_a_hand_signs_for_nobody(one, olga, rita, otto, team):
    request = ask(olga, one)
    lent(rita, olga, "reviewer", team)
    with Unchanged(), pytest.raises(Refused, match="You asked for this change"):
        sign(fresh(olga), request)
    assert not requests_waiting_for(fresh(olga)).exists()
    Contribution.objects.create(version=one, person=otto, kind="registered")
    Delegation.objects.update(taker=otto)
    with Unchanged(), pytest.raises(Refused, match="hand in this version"):
        sign(fresh(otto), request)


def test_who_had_a_hand_cannot_have_others_sign_for_them(one, olga, vera, otto, team):
    """Vera wrote a part of the version: her role counts for nothing here, lent or not."""
    request = ask(olga, one)
    Contribution.objects.create(version=one, person=vera, kind="registered")
    lent(vera, otto, "validator", team)
    with Unchanged(), pytest.raises(Refused, match="of the team signs"):
        sign(fresh(otto), request)
    assert not requests_waiting_for(fresh(otto)).exists()
    with pytest.raises(IntegrityError, match="hand in a version"), transaction.atomic():
        SignOff.objects.create(
            request=request,
            person=otto,
            printed_name="Otto",
            on_behalf_of=vera,
            behalf_name="Vera",
            role="validator",
            decision="approve",
            meaning="m",
            reason="r",
            signed_digest=request.digest,
            method="password",
        )


def test_what_was_lent_is_not_lent_on(rita, otto, vera, team):
    lent(rita, otto, "reviewer", team)
    with Unchanged(), pytest.raises(Refused, match="hold yourself"):
        lent(otto, vera, "reviewer", team)


def test_it_begins_and_ends_on_its_days(one, olga, rita, otto, team):
    request = ask(olga, one)
    found = lent(rita, otto, "reviewer", team, days=(1, 3))
    today = timezone.now().date()
    for begins, ends, may in ((1, 3, False), (-3, -1, False), (-3, 0, True), (0, 0, True)):
        Delegation.objects.filter(pk=found.pk).update(
            begins_on=today + timedelta(days=begins), ends_on=today + timedelta(days=ends)
        )
        assert requests_waiting_for(fresh(otto)).exists() is may
    assert request.state == "open"


@pytest.mark.parametrize("how", ["taken back", "giver's role", "giver left", "taker's role"])
def test_it_ends_at_once(how, one, olga, rita, otto, team, anna):
    request = ask(olga, one)
    found = lent(rita, otto, "reviewer", team)
    if how == "taken back":
        end_delegation(actor=rita, delegation_id=found.pk, reason="I am back")
    elif how == "giver left":
        User.objects.filter(pk=rita.pk).update(is_active=False)
    else:
        of = rita if how == "giver's role" else otto
        withdraw_role(actor=anna, membership_id=Membership.objects.get(user=of).pk)
    with Unchanged(), pytest.raises(Refused):
        sign(fresh(otto), request)
    assert not requests_waiting_for(fresh(otto)).exists()


def test_what_was_signed_by_it_stays_signed(one, olga, vera, rita, otto, team):
    request = ask(olga, one)
    found = lent(rita, otto, "reviewer", team)
    sign(fresh(otto), request)
    end_delegation(actor=otto, delegation_id=found.pk, reason="She is back")
    sign(vera, request)
    request.refresh_from_db()
    assert request.state == "approved"


BAD = {
    "yesterday": ({"days": (-1, 3)}, "begins_on"),
    "backwards": ({"days": (3, 1)}, "ends_on"),
    "a quarter and a day": ({"days": (0, 90)}, "ends_on"),
    "no reason": ({"reason": " "}, "reason"),
    "a null": ({"reason": "a\0b"}, "reason"),
}


@pytest.mark.parametrize("case", BAD)
def test_days_and_reasons_that_make_no_sense_lend_nothing(case, rita, otto, team):
    more, field = BAD[case]
    with Unchanged(), pytest.raises(CannotLend) as told:
        lent(rita, otto, "reviewer", team, **more)
    assert told.value.field == field
    assert not Delegation.objects.exists()


@pytest.mark.parametrize("name", ["rita", "adam", "sam", "robot", "closed", "ruth"])
def test_to_oneself_auditors_strangers_machines_or_who_left_nothing_is_lent(
    name, request, rita, team
):
    if name == "closed":
        taker = person("carl", (Role.DEVELOPER, team))
        User.objects.filter(pk=taker.pk).update(is_active=False)
    elif name == "ruth":
        taker = person("ruth", (Role.REVIEWER, team))
    elif name == "robot":
        taker = request.getfixturevalue(name)
        User.objects.filter(pk=taker.pk).update(kind="service")
    else:
        taker = request.getfixturevalue(name)
    with Unchanged(), pytest.raises(CannotLend) as told:
        lent(rita, taker, "reviewer", team)
    assert told.value.field == "taker"


def test_a_role_is_lent_once_for_a_day(rita, otto, vera, team):
    lent(rita, otto, "reviewer", team, days=(0, 7))
    with Unchanged(), pytest.raises(CannotLend, match="Otto has it"):
        lent(rita, vera, "reviewer", team, days=(7, 9))
    lent(rita, vera, "reviewer", team, days=(8, 9))


def test_only_those_concerned_or_an_administrator_end_it(rita, otto, vera, anna, team):
    found = lent(rita, otto, "reviewer", team)
    with Unchanged(), pytest.raises(Refused):
        end_delegation(actor=vera, delegation_id=found.pk, reason="No")
    end_delegation(actor=anna, delegation_id=found.pk, reason="Asked by mail")
    with Unchanged(), pytest.raises(CannotLend, match="ended already"):
        end_delegation(actor=rita, delegation_id=found.pk, reason="Again")


BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


def test_rita_lends_on_her_page_and_takes_it_back(client, rita, otto, team):
    client.force_login(rita, backend=BACKEND)
    today = timezone.now().date()
    form = {
        "seat": f"reviewer:{team.pk}",
        "taker": otto.pk,
        "begins_on": today.isoformat(),
        "ends_on": (today + timedelta(days=200)).isoformat(),
        "reason": "On leave",
    }
    refused = client.post("/accounts/delegations", form)
    assert refused.status_code == 422
    assert "At most 90 days" in refused.content.decode()
    form["ends_on"] = (today + timedelta(days=7)).isoformat()
    assert (
        "Otto signs for you from"
        in client.post("/accounts/delegations", form, follow=True).content.decode()
    )
    found = Delegation.objects.get()
    assert "Otto for you" in client.get("/accounts/delegations").content.decode()
    client.force_login(otto, backend=BACKEND)
    assert "you for Rita" in client.get("/accounts/delegations").content.decode()
    client.force_login(rita, backend=BACKEND)
    client.post(f"/accounts/delegations/{found.pk}/end", {"reason": ""})
    found.refresh_from_db()
    assert found.ended_at is None
    client.post(f"/accounts/delegations/{found.pk}/end", {"reason": "I am back"})
    found.refresh_from_db()
    assert found.ended_at is not None


def test_the_api_lends_lists_and_ends(client, rita, otto, sam, team):
    client.force_login(rita, backend=BACKEND)
    today = timezone.now().date().isoformat()
    body = {
        "taker": "otto@example.org",
        "team": team.slug,
        "role": "reviewer",
        "begins_on": today,
        "ends_on": today,
        "reason": "A day off",
    }
    unknown = client.post(
        "/api/v1/delegations", body | {"taker": "no@example.org"}, content_type="application/json"
    )
    assert (unknown.status_code, unknown.json()["errors"][0]["field"]) == (422, "taker")
    made = client.post("/api/v1/delegations", body, content_type="application/json").json()
    assert [one["id"] for one in client.get("/api/v1/delegations").json()["results"]] == [
        made["id"]
    ]
    client.force_login(sam, backend=BACKEND)
    assert client.get("/api/v1/delegations").json()["results"] == []
    path = f"/api/v1/delegations/{made['id']}/end"
    assert client.post(path, {"reason": "x"}, content_type="application/json").status_code == 404
    client.force_login(rita, backend=BACKEND)
    ended = client.post(path, {"reason": "Back"}, content_type="application/json").json()
    assert ended["ended_at"]

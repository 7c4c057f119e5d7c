"""Administrators: invitations, roles, closing accounts, lost factors, teams."""

import re
import threading
from datetime import timedelta

import pytest
from django.core import mail
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.models import ApiToken, Invitation, Membership, User
from accounts.policies import Refused
from accounts.roles import Role
from accounts.services.administrators import LAST
from accounts.services.closing import close_account, reopen_account
from accounts.services.invitations import NoInvitation, accept, invite_again, invite_new
from accounts.services.lost import forget_factors
from accounts.services.people import create_user, grant_role, withdraw_role
from accounts.services.teams import create_team, rename_team
from accounts.services.tokens import create_token
from audit.models import Event
from tests.accounts.second_factors import app_of, at_the_door, proved
from tests.conftest import PASSWORD, person

NEW = "six green elephants sing"


@pytest.fixture
def arno(db):
    """Administers beside anna."""
    return person("arno", (Role.ADMINISTRATOR, None))


def events():
    return list(Event.objects.order_by("sequence").values_list("event", flat=True))


def token_in(address):
    return address.rpartition("/")[2]


# Invitations.


def test_lena_chooses_her_password_by_a_link_that_works_once(anna, client):
    made = invite_new(actor=anna, email="Lena@example.org", name="Lena")
    assert not made.sent
    assert not made.person.has_usable_password()
    page = client.get(address := f"/accounts/invitation/{token_in(made.address)}")
    assert "Lena" in page.content.decode()
    assert client.get(address).status_code == 200, "looking does not use it up"
    done = client.post(address, {"password": NEW, "again": NEW})
    assert done["Location"] == "/accounts/login/"
    assert at_the_door(client, made.person, NEW).status_code == 302
    assert client.get(address).status_code == 404
    assert client.post(address, {"password": PASSWORD, "again": PASSWORD}).status_code == 404
    assert User.objects.get(pk=made.person.pk).check_password(NEW)
    assert events()[:3] == [
        "accounts.user.created",
        "accounts.invitation.made",
        "accounts.invitation.used",
    ]


def test_the_link_is_kept_nowhere(anna):
    made = invite_new(actor=anna, email="lena@example.org", name="Lena")
    text = token_in(made.address)
    assert text not in str(Invitation.objects.values())
    assert text not in str(list(Event.objects.values("data")))


def test_a_newer_link_ends_the_older_and_time_ends_both(anna):
    first = invite_new(actor=anna, email="lena@example.org", name="Lena")
    second = invite_again(actor=anna, user_id=first.person.pk)
    with pytest.raises(NoInvitation):
        accept(text=token_in(first.address), password=NEW)
    Invitation.objects.filter(ended_at=None).update(expires_at=timezone.now() - timedelta(1))
    with pytest.raises(NoInvitation):
        accept(text=token_in(second.address), password=NEW)
    assert not User.objects.get(pk=first.person.pk).has_usable_password()


@pytest.mark.parametrize("weak", ["short", "password1234", "123456789012"])
def test_a_weak_password_does_not_use_the_link_up(anna, weak):
    made = invite_new(actor=anna, email="lena@example.org", name="Lena")
    with pytest.raises(ValidationError):
        accept(text=token_in(made.address), password=weak)
    assert accept(text=token_in(made.address), password=NEW).pk


def test_two_who_use_the_link_at_once_are_one(transactional_db, team):
    anna = person("anna", (Role.ADMINISTRATOR, None))
    made = invite_new(actor=anna, email="lena@example.org", name="Lena")
    said = []

    def use(password):
        try:
            accept(text=token_in(made.address), password=password)
            said.append(password)
        except NoInvitation:
            said.append(None)
        finally:
            connection.close()

    both = [threading.Thread(target=use, args=(f"{NEW} {n}",)) for n in (1, 2)]
    [one.start() for one in both]
    [one.join() for one in both]
    assert said.count(None) == 1


def test_the_link_goes_by_mail_where_there_is_a_mail_server(anna, settings):
    settings.MAIL = {"EMAIL_HOST": "mail.example.org"}
    made = invite_new(actor=anna, email="lena@example.org", name="Lena")
    assert (made.sent, made.address) == (True, "")
    text = token_in(re.search(r"https?://\S+", mail.outbox[0].body)[0])
    assert mail.outbox[0].to == ["lena@example.org"]
    assert accept(text=text, password=NEW).email == "lena@example.org"


def test_a_mail_server_that_is_away_leaves_the_link_on_the_page(anna, settings):
    settings.MAIL = {"EMAIL_HOST": "127.0.0.1"}
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    made = invite_new(actor=anna, email="lena@example.org", name="Lena")
    assert not made.sent
    assert made.address


@pytest.mark.parametrize(
    ("email", "name"),
    [("", "X"), ("no address", "X"), ("x@example.org", " "), ("OLGA@example.org", "X")],
    ids=str,
)
def test_nobody_is_made_of_nothing_or_twice(anna, olga, email, name):
    with pytest.raises(ValueError, match=r"Say|Somebody"):
        invite_new(actor=anna, email=email, name=name)
    assert set(User.objects.values_list("name", flat=True)) == {"Anna", "Olga"}
    assert not Event.objects.exists()


# Roles.


def test_anna_gives_herself_no_role(anna, arno, team):
    with pytest.raises(Refused, match="another administrator"):
        grant_role(actor=anna, user_id=anna.pk, role=Role.REVIEWER, team_id=team.pk)
    assert anna.memberships.count() == 1
    assert not Event.objects.exists()


def test_a_role_counts_at_once_and_tells_who_gave_it_and_why(anna, sam, team, signed_in):
    desk = signed_in(anna)
    sent = {"role": "reviewer", "team": str(team.pk), "reason": "Joins for the audit."}
    desk.post(f"/people/{sam.pk}/roles", sent)
    assert User.objects.get(pk=sam.pk).holds(Role.REVIEWER, team_id=team.pk)
    page = desk.get(f"/people/{sam.pk}").content.decode()
    assert "Joins for the audit." in page
    assert "the only one" in page
    held = Membership.objects.get(user=sam, role="reviewer")
    desk.post(f"/people/{sam.pk}/roles/{held.pk}/take", {"reason": "Over."})
    assert not User.objects.get(pk=sam.pk).holds(Role.REVIEWER, team_id=team.pk)
    assert [one.data["reason"] for one in Event.objects.order_by("sequence")] == [
        "Joins for the audit.",
        "Over.",
    ]


@pytest.mark.parametrize(
    "sent",
    [
        {"role": "reviewer", "team": "*"},
        {"role": "auditor", "reason": "x"},
        {"role": "king", "team": "*", "reason": "x"},
        {"role": "service_account", "team": "*", "reason": "x"},
    ],
    ids=["no reason", "auditor of a team", "unknown", "of machines"],
)
def test_a_wrong_role_is_not_given(anna, sam, team, signed_in, sent):
    signed_in(anna).post(f"/people/{sam.pk}/roles", {"team": str(team.pk)} | sent)
    assert sam.memberships.count() == 1
    assert not Event.objects.exists()


def test_the_membership_of_somebody_else_is_not_taken_by_this_address(anna, sam, olga, signed_in):
    held = olga.memberships.get()
    answer = signed_in(anna).post(f"/people/{sam.pk}/roles/{held.pk}/take", {"reason": "x"})
    assert answer.status_code == 404
    assert olga.memberships.exists()


def test_the_last_administrator_stays(anna, arno):
    withdraw_role(actor=anna, membership_id=arno.memberships.get().pk, reason="Left.")
    with pytest.raises(Refused, match="last administrator"):
        withdraw_role(actor=anna, membership_id=anna.memberships.get().pk, reason="Left.")
    assert anna.memberships.count() == 1


def test_who_never_came_in_is_no_other_administrator(anna):
    lena = create_user(actor=anna, email="l@example.org", name="Lena", password=None)
    grant_role(actor=anna, user_id=lena.pk, role=Role.ADMINISTRATOR, team_id=None)
    with pytest.raises(Refused, match="last administrator"):
        withdraw_role(actor=anna, membership_id=anna.memberships.get().pk)


def test_two_administrators_who_remove_each_other_leave_one(transactional_db):
    anna = person("anna", (Role.ADMINISTRATOR, None))
    arno = person("arno", (Role.ADMINISTRATOR, None))
    ready, refused = threading.Barrier(2), []

    def remove(actor, other):
        held = other.memberships.get().pk
        ready.wait()
        try:
            withdraw_role(actor=actor, membership_id=held, reason="x")
        except (Refused, Membership.DoesNotExist) as error:
            refused.append(str(error))
        finally:
            connection.close()

    both = [threading.Thread(target=remove, args=pair) for pair in ((anna, arno), (arno, anna))]
    [one.start() for one in both]
    [one.join() for one in both]
    assert len(refused) == 1
    assert Membership.objects.filter(role=Role.ADMINISTRATOR).count() == 1


def test_who_was_an_administrator_when_the_request_began_is_refused(anna, arno, sam, team):
    assert arno.roles == {"administrator"}, "as the request read it"
    withdraw_role(actor=anna, membership_id=arno.memberships.get().pk, reason="Left.")
    with pytest.raises(Refused):
        grant_role(actor=arno, user_id=sam.pk, role=Role.REVIEWER, team_id=team.pk)
    assert sam.memberships.count() == 1


# Closing.


def test_a_closed_account_ends_at_once(anna, sam):
    browser = Client()
    browser.force_login(sam, "allauth.account.auth_backends.AuthenticationBackend")
    made = create_token(actor=sam, owner=sam, name="laptop", scopes=["read"], days=9)
    with_token = {"authorization": f"Bearer {made.text}"}
    assert browser.get("/accounts/me").status_code == 200
    assert Client().get("/api/v1/people/me", headers=with_token).status_code == 200
    close_account(actor=anna, user_id=sam.pk, reason="Left the company.")
    assert browser.get("/accounts/me").status_code == 302
    assert Client().get("/api/v1/people/me", headers=with_token).status_code == 401
    assert at_the_door(Client(), sam)["Location"] != "/"
    reopen_account(actor=anna, user_id=sam.pk, reason="Came back.")
    assert browser.get("/accounts/me").status_code == 302, "the old session stays ended"
    assert Client().get("/api/v1/people/me", headers=with_token).status_code == 401
    assert at_the_door(Client(), sam)["Location"] == "/"
    closed = Event.objects.get(event="accounts.user.closed")
    assert closed.data == {"reason": "Left the company.", "tokens_revoked": ["laptop"]}
    assert ApiToken.objects.get().revoked_at is not None


def test_closing_ends_an_invitation(anna):
    made = invite_new(actor=anna, email="lena@example.org", name="Lena")
    close_account(actor=anna, user_id=made.person.pk, reason="A mistake.")
    with pytest.raises(NoInvitation):
        accept(text=token_in(made.address), password=NEW)
    with pytest.raises(Refused, match="reopen it first"):
        invite_again(actor=anna, user_id=made.person.pk)


def test_nobody_closes_themselves_nor_the_last_administrator(anna, arno):
    with pytest.raises(Refused, match="Another administrator"):
        close_account(actor=anna, user_id=anna.pk, reason="Left.")
    arno.set_unusable_password()
    arno.save()
    with pytest.raises(Refused, match=re.escape(LAST)):
        close_account(actor=arno, user_id=anna.pk, reason="Left.")
    assert User.objects.filter(is_active=True).count() == 2
    assert not Event.objects.exists()


# Lost second factors.


def test_lost_factors_end_sessions_and_are_told(
    anna, olga, settings, django_capture_on_commit_callbacks
):
    settings.MAIL = {"EMAIL_HOST": "mail.example.org"}
    at_the_door(Client(), olga)
    app_of(olga)
    browser = Client()
    browser.force_login(olga, "allauth.account.auth_backends.AuthenticationBackend")
    with django_capture_on_commit_callbacks(execute=True):
        forget_factors(actor=anna, user_id=olga.pk, reason="Telephone stolen.")
    assert browser.get("/accounts/me").status_code == 302
    assert "Telephone stolen." in mail.outbox[0].body
    page = Client()
    at_the_door(page, olga)
    told = page.get("/accounts/me").content.decode()
    assert "Anna took your second factors away" in told
    assert "Telephone stolen." in told
    again = Client()
    at_the_door(again, olga)
    assert "took your second factors" not in again.get("/accounts/me").content.decode()


def test_nobody_alone_takes_an_account_over(anna, arno, olga):
    app_of(olga)
    invite_again(actor=anna, user_id=olga.pk)
    with pytest.raises(Refused, match="another administrator"):
        forget_factors(actor=anna, user_id=olga.pk, reason="Lost.")
    forget_factors(actor=arno, user_id=olga.pk, reason="Lost.")
    with pytest.raises(Refused, match="another administrator"):
        invite_again(actor=arno, user_id=olga.pk)


def test_who_opens_a_way_into_an_account_proves_themselves_first(anna, olga, signed_in):
    app_of(olga)
    desk = signed_in(anna)
    for address in ("link", "factors"):
        answer = desk.post(f"/people/{olga.pk}/{address}", {"reason": "Lost."})
        assert answer["Location"].startswith("/accounts/reauthenticate/")
    assert not Invitation.objects.exists()
    assert olga.authenticator_set.exists()
    done = proved(Client(), anna).post(f"/people/{olga.pk}/factors", {"reason": "Lost."})
    assert done["Location"] == f"/people/{olga.pk}"
    assert not olga.authenticator_set.exists()


# Teams and lists.


def test_a_team_is_renamed_and_keeps_its_address(anna, team, signed_in):
    desk = signed_in(anna)
    desk.post(f"/teams/{team.slug}", {"name": "Flights"})
    assert "Flights" in desk.get("/teams/flight-operations").content.decode()
    told = Event.objects.get().data
    assert told == {"before": "Flight operations", "after": "Flights"}


@pytest.mark.parametrize(
    ("name", "slug"),
    [("", "x"), ("FLIGHT OPERATIONS", "x"), ("X", "flight-operations"), ("X", "Not Good")],
    ids=str,
)
def test_two_teams_are_not_called_the_same(anna, team, name, slug):
    with pytest.raises(ValueError, match="name"):
        create_team(actor=anna, name=name, slug=slug)
    assert not Event.objects.exists()


def test_only_administrators_rename(olga, team):
    with pytest.raises(Refused):
        rename_team(actor=olga, team_id=team.pk, name="Mine")


def test_the_list_is_bounded_and_searched(anna, sam, signed_in, django_assert_max_num_queries):
    for n in range(120):
        User.objects.create(email=f"p{n}@example.org", name=f"Person {n:03}")
    desk = signed_in(anna)
    with django_assert_max_num_queries(25):
        page = desk.get("/people").content.decode()
    assert page.count('data-label="Person"') == 50
    assert "1 to 50 of 122" in page
    assert "Person 119" in desk.get("/people?page=3").content.decode()
    found = desk.get("/people?q=SAM%40").content.decode()
    assert found.count('data-label="Person"') == 1
    lending = desk.get("/people?team=lending&role=developer").content.decode()
    assert "sam@example.org" in lending
    assert lending.count('data-label="Person"') == 1

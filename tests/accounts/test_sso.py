"""Single sign-on against a small real OpenID Connect provider; everything wrong is refused."""

import time

import pytest
from allauth.socialaccount.models import SocialAccount
from django.contrib.sessions.models import Session
from django.core.exceptions import ImproperlyConfigured
from joserfc.jwk import RSAKey

from accounts.groups import GroupRole, parse
from accounts.models import Membership, User
from accounts.services.lost import forget_factors
from audit.models import Event
from config import environment
from tests.accounts.oidc_provider import running
from tests.accounts.second_factors import app_of
from tests.accounts.sso_world import away, back_from, connected, entered, is_in, known
from tests.conftest import person


@pytest.fixture
def provider(db, settings):
    with running() as one:
        yield connected(settings, one)


def events():
    return list(Event.objects.order_by("sequence").values_list("event", flat=True))


def test_olga_comes_by_single_sign_on(client, provider, olga):
    assert b"Go on with Aviation ID" in client.get("/accounts/login/").content
    assert entered(client, next="/accounts/me")["Location"] == "/accounts/me"
    assert is_in(client)
    assert events() == ["accounts.identity.linked", "accounts.user.signed_in"]
    assert Event.objects.latest("sequence").data["by"] == ["sso"]
    assert SocialAccount.objects.get().uid == "sub-Olga"
    assert provider.asked["scope"].split().count("openid") == 1
    client.logout()
    entered(client)
    assert is_in(client)
    assert SocialAccount.objects.count() == 1


def test_an_address_told_by_userinfo_counts_too(client, provider, olga):
    provider.in_userinfo_only = True
    entered(client)
    assert is_in(client)


def test_her_app_is_asked_for_here_as_well(client, provider, olga):
    app = app_of(olga)
    assert entered(client)["Location"] == "/accounts/2fa/"
    assert not is_in(client)
    client.post("/accounts/2fa/", {"code": app.code()})
    assert is_in(client)
    assert Event.objects.latest("sequence").data["by"] == ["sso", "totp"]


WRONG = {
    "another nonce": {"nonce": "guessed"},
    "no nonce": {"nonce": None},
    "expired": {"exp": int(time.time()) - 3600},
    "never expires": {"exp": None},
    "another issuer": {"iss": "https://evil.example.net"},
    "for another client": {"aud": "another"},
    "for several, made for another": {"aud": ["ombud", "another"], "azp": "another"},
    "for several, for nobody named": {"aud": ["ombud", "another"]},
    "from the future": {"iat": int(time.time()) + 86400},
    "no subject": {"sub": None},
    "an address that nobody verified": {"email_verified": False},
    "verified, says a text": {"email_verified": "true"},
    "no address": {"email": ""},
}


@pytest.mark.parametrize("lie", WRONG.values(), ids=WRONG)
def test_a_token_that_is_not_right_opens_and_changes_nothing(client, provider, olga, lie):
    provider.lies = lie
    entered(client)
    assert not is_in(client)
    assert not SocialAccount.objects.exists()
    assert events() == []


def test_a_token_signed_by_another_key_opens_nothing(client, provider, olga):
    provider.signs_with = RSAKey.generate_key(2048, {"kid": "one"})
    entered(client)
    assert not is_in(client)
    assert events() == []


@pytest.mark.parametrize(
    "lie",
    [
        {"issuer": "https://evil.example.net"},
        {"token_endpoint": "http://evil.example.net/token"},
        {"jwks_uri": "ftp://127.0.0.1/jwks"},
    ],
    ids=str,
)
def test_a_provider_that_calls_itself_otherwise_is_not_gone_to(client, provider, lie):
    provider.discovery_lies = lie
    answer = client.post("/accounts/sso/login", follow=True)
    assert b"cannot be reached now" in answer.content


def test_a_provider_that_is_away_is_said(client, settings, db):
    with running() as one:
        connected(settings, one)
    answer = client.post("/accounts/sso/login", follow=True)
    assert b"Aviation ID cannot be reached now" in answer.content


def test_an_answer_counts_once_and_in_the_browser_that_asked(client, provider, olga, rita):
    from django.test import Client

    back = back_from(away(client.post("/accounts/sso/login")))
    thief = Client()
    thief.get(back)
    assert not is_in(thief)
    client.get(back)
    assert is_in(client)
    client.logout()
    client.get(back)
    assert not is_in(client)


def test_a_refusal_of_the_provider_is_said(client, provider):
    back = back_from(away(client.post("/accounts/sso/login")))
    state = back.partition("state=")[2]
    answer = client.get(f"/accounts/sso/callback?error=access_denied&state={state}", follow=True)
    assert b"nothing was changed" in answer.content
    assert not is_in(client)


def test_the_verifier_of_pkce_is_needed(client, provider, olga):
    back = back_from(away(client.post("/accounts/sso/login")))
    session = Session.objects.get(session_key=client.session.session_key)
    kept = session.get_decoded()
    for state, *_ in kept["socialaccount_states"].values():
        state["pkce_code_verifier"] = "x" * 64
    changed = client.session
    changed.update(kept)
    changed.save()
    client.get(back)
    assert not is_in(client)


# Who is let in.


def test_whom_nobody_made_is_not_let_in(client, provider):
    provider.person = known("Nina", "nina@example.org", groups=["everybody"])
    answer = client.get(back_from(away(client.post("/accounts/sso/login"))), follow=True)
    assert b"Nobody here has your address" in answer.content
    assert not User.objects.exists()
    assert events() == []


def test_another_subject_with_her_address_is_not_olga(client, provider, olga):
    entered(client)
    client.logout()
    before = events()
    provider.person = known("Other", olga.email)
    entered(client)
    assert not is_in(client)
    assert events() == before
    assert SocialAccount.objects.count() == 1


def test_another_subject_is_hers_once_an_administrator_unlinked_the_old(
    client, provider, olga, anna
):
    entered(client)
    client.logout()
    assert forget_factors(
        actor=anna, user_id=olga.pk, reason="Left the telephone.", identity=True
    ) == ["single sign-on"]
    provider.person = known("Other", olga.email)
    entered(client)
    assert is_in(client)
    assert SocialAccount.objects.get().uid == "sub-Other"


def test_who_comes_in_ends_the_session_of_another(client, provider, olga, sam):
    client.force_login(sam, "allauth.account.auth_backends.AuthenticationBackend")
    entered(client)
    assert int(client.session["_auth_user_id"]) == olga.pk
    assert Event.objects.latest("sequence").data["by"] == ["sso"]


def test_another_issuer_s_subject_is_not_olga(client, provider, olga, settings):
    entered(client)
    client.logout()
    with running() as evil:
        connected(settings, evil)
        evil.person = known("Olga", "mallory@example.org")
        entered(client)
    assert not is_in(client)


def test_who_left_and_service_accounts_do_not_come_in(client, provider, olga, robot):
    olga.is_active = False
    olga.save()
    entered(client)
    provider.person = known("robot", robot.email)
    entered(client)
    assert not is_in(client)
    assert not SocialAccount.objects.exists()


def test_a_group_lets_in_with_its_role_and_takes_it_away(client, provider, settings, team):
    settings.OIDC_TEAMS = parse("ml-review=flight-operations:reviewer, ml-risk=:risk_officer")
    provider.person = known("Nina", "nina@example.org", groups=["ml-review"])
    entered(client)
    assert is_in(client)
    nina = User.objects.get()
    assert not nina.has_usable_password()
    assert nina.held == {(team.pk, "reviewer")}
    assert "accounts.user.created" in events()
    client.logout()
    provider.person["groups"] = ["ml-risk"]
    entered(client)
    assert set(nina.memberships.values_list("team", "role")) == {(None, "risk_officer")}
    assert events()[-3:-1] == ["accounts.role.withdrawn", "accounts.role.granted"]


def test_roles_of_no_group_stay(client, provider, settings, olga, team):
    settings.OIDC_TEAMS = parse("ml-review=flight-operations:reviewer")
    entered(client)
    assert set(olga.memberships.values_list("role", flat=True)) == {"developer"}


@pytest.mark.parametrize(
    "groups", ["audit=:auditor", "audit=no-such-team:reviewer"], ids=["mixed", "no team"]
)
def test_roles_that_cannot_be_given_let_nobody_in(client, provider, settings, olga, groups):
    settings.OIDC_TEAMS = parse(groups)
    provider.person["groups"] = ["audit"]
    entered(client)
    assert not is_in(client)
    assert Membership.objects.count() == 1
    assert not SocialAccount.objects.exists()
    assert events() == []


def test_groups_are_read_once_and_refused_early(monkeypatch):
    assert parse("a = flight-operations:reviewer , b=:auditor") == (
        GroupRole("a", "flight-operations", "reviewer"),
        GroupRole("b", "", "auditor"),
    )
    for text in ("a", "a=reviewer", "=t:reviewer", "a=t:king", "a=t:auditor", "a=:service_account"):
        monkeypatch.setenv("OMBUD_OIDC_TEAMS", text)
        with pytest.raises(ImproperlyConfigured):
            environment.groups("OMBUD_OIDC_TEAMS")


# Proving oneself anew.


def without_password(name, *roles):
    user = person(name, *roles)
    user.set_unusable_password()
    user.save()
    return user


def test_who_has_no_password_signs_in_anew_before_a_change(client, provider, team):
    rita = without_password("rita", ("reviewer", team))
    provider.person = known("Rita", rita.email)
    entered(client)
    asked = client.get("/accounts/security/app")
    assert asked["Location"].startswith("/accounts/sso/confirm?")
    page = client.get(asked["Location"]).content.decode()
    assert 'name="back" value="/accounts/security/app"' in page
    sent = {"about": "fresh", "back": "/accounts/security/app"}
    leaving = client.post("/accounts/sso/confirm", sent)
    back = client.get(back_from(away(leaving)))
    assert (provider.asked["prompt"], provider.asked["max_age"]) == ("login", "0")
    assert back["Location"] == "/accounts/security/app"
    assert client.get("/accounts/security/app").status_code == 200
    assert client.get("/accounts/password/change/")["Location"] == "/accounts/security"


def test_a_sign_in_of_this_morning_is_not_a_fresh_one(client, provider, team):
    rita = without_password("rita", ("reviewer", team))
    provider.person = known("Rita", rita.email)
    entered(client)
    provider.lies = {"auth_time": int(time.time()) - 3600}
    client.get(back_from(away(client.post("/accounts/sso/confirm", {"back": "/"}))))
    assert client.get("/accounts/security/app").status_code == 302
    provider.lies = {"auth_time": None}
    client.get(back_from(away(client.post("/accounts/sso/confirm", {"back": "/"}))))
    assert client.get("/accounts/security/app").status_code == 302


def test_nobody_is_sent_to_another_address(client, provider, team):
    rita = without_password("rita", ("reviewer", team))
    provider.person = known("Rita", rita.email)
    entered(client, next="https://evil.example.net/")
    page = client.get("/accounts/sso/confirm?next=https://evil.example.net/").content
    assert b"evil" not in page
    sent = {"back": "//evil.example.net/", "about": "fresh"}
    back = client.get(back_from(away(client.post("/accounts/sso/confirm", sent))))
    assert back["Location"] == "/"

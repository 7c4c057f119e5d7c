"""Authenticator apps and recovery codes: set up, at the door, once each, on the trail."""

import re
from threading import Barrier, Thread

import pytest
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import connection

from accounts import totp
from accounts.factors import factors_of
from accounts.models import FailedCode
from accounts.policies import Refused
from accounts.services.codes import accept_at_the_door, activate_app
from accounts.services.lost import forget_factors
from audit.models import Event
from config import environment
from tests.accounts.second_factors import App, app_of, at_the_door, proved
from tests.conftest import PASSWORD


def events():
    return list(Event.objects.order_by("sequence").values_list("event", flat=True))


def test_the_codes_are_those_of_rfc_6238():
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    for at, expected in ((59, "287082"), (1111111109, "081804"), (20000000000, "353130")):
        assert totp.code_of(secret, totp.step_at(at)) == expected


def test_olga_sets_an_app_up_and_sees_her_recovery_codes_once(client, olga):
    proved(client, olga)
    page = client.get("/accounts/security/app")
    assert b"data:image/svg+xml;base64," in page.content
    secret = client.session["ombud_new_app"]
    wrong = client.post("/accounts/security/app", {"code": App(secret).code(99)})
    assert wrong.status_code == 422
    assert not Authenticator.objects.exists()
    shown = client.post("/accounts/security/app", {"code": App(secret).code()})
    codes = re.findall(r"<code>(\d{8})</code>", shown.content.decode())
    assert len(codes) == 10
    assert secret not in str(Authenticator.objects.get(type="totp").data), "kept encrypted"
    assert events() == ["accounts.totp.activated"]
    assert factors_of(olga).codes_left == 10
    assert codes[0] not in client.get("/accounts/security").content.decode()


def test_nobody_changes_factors_at_an_open_desk(signed_in, olga):
    """Signed in is not enough: the password is asked again."""
    app_of(olga)
    before = events()
    desk = signed_in(olga)
    asked = desk.get("/accounts/security/app")
    assert asked["Location"] == "/accounts/reauthenticate/?next=%2Faccounts%2Fsecurity%2Fapp"
    for address in ("app/remove", "codes", "passkeys/options", "passkeys/1/remove"):
        answer = desk.post(f"/accounts/security/{address}")
        assert answer["Location"].startswith("/accounts/reauthenticate/"), address
    assert factors_of(olga).app
    assert events() == before
    wrong = desk.post("/accounts/reauthenticate/", {"password": "wrong"})
    assert wrong.status_code == 200
    again = "/accounts/reauthenticate/?next=/accounts/security/app"
    assert desk.post(again, {"password": PASSWORD})["Location"] == "/accounts/security/app"
    assert desk.post("/accounts/security/app/remove")["Location"] == "/accounts/security"
    assert not Authenticator.objects.exists(), "recovery codes go with the last factor"
    assert events()[-1] == "accounts.totp.removed"


def test_the_password_alone_does_not_let_olga_in(client, olga):
    app = app_of(olga)
    first = at_the_door(client, olga)
    assert first["Location"] == "/accounts/2fa/"
    assert client.get("/accounts/me").status_code == 302
    wrong = client.post("/accounts/2fa/", {"code": "000000"})
    assert wrong.status_code == 200
    assert b"not right" in wrong.content
    assert client.get("/accounts/me").status_code == 302
    assert client.post("/accounts/2fa/", {"code": app.code()}).status_code == 302
    assert client.get("/accounts/me").status_code == 200
    assert events()[1:] == ["accounts.code.refused", "accounts.user.signed_in"]
    assert Event.objects.latest("sequence").data["by"] == ["password", "totp"]


def test_a_code_counts_once(client, olga):
    app = app_of(olga)
    code = app.code()
    at_the_door(client, olga)
    client.post("/accounts/2fa/", {"code": code})
    client.post("/accounts/logout/")
    at_the_door(client, olga)
    assert b"used already" in client.post("/accounts/2fa/", {"code": code}).content
    assert b"used already" in client.post("/accounts/2fa/", {"code": app.code(-1)}).content
    assert client.get("/accounts/me").status_code == 302


def test_guessing_codes_is_stopped(client, olga):
    app = app_of(olga)
    at_the_door(client, olga)
    for _ in range(5):
        client.post("/accounts/2fa/", {"code": "000000"})
    cache.clear()
    locked = client.post("/accounts/2fa/", {"code": app.code()})
    assert b"Too many wrong codes" in locked.content
    assert client.get("/accounts/me").status_code == 302
    assert events().count("accounts.code.refused") == 5
    FailedCode.objects.all().delete()
    client.post("/accounts/2fa/", {"code": app.code()})
    assert client.get("/accounts/me").status_code == 200


def test_a_recovery_code_lets_in_once(client, olga):
    secret = totp.new_secret()
    codes = activate_app(actor=olga, secret=secret, code=App(secret).code())
    at_the_door(client, olga)
    client.post("/accounts/2fa/", {"code": codes[3]})
    assert client.get("/accounts/me").status_code == 200
    assert factors_of(olga).codes_left == 9
    used = Event.objects.get(event="accounts.recovery_code.used")
    assert used.data["left"] == 9
    assert codes[3] not in str(Event.objects.values_list("data", flat=True))
    client.post("/accounts/logout/")
    at_the_door(client, olga)
    client.post("/accounts/2fa/", {"code": codes[3]})
    assert client.get("/accounts/me").status_code == 302


def test_new_recovery_codes_replace_the_old(client, olga):
    proved(client, olga)
    assert client.post("/accounts/security/codes")["Location"] == "/accounts/security"
    assert not Authenticator.objects.exists(), "without a second factor there is nothing to replace"
    secret = totp.new_secret()
    old = activate_app(actor=olga, secret=secret, code=App(secret).code())
    shown = client.post("/accounts/security/codes").content.decode()
    new = re.findall(r"<code>(\d{8})</code>", shown)
    assert len(new) == 10
    assert not set(old) & set(new)
    assert events()[-1] == "accounts.recovery_codes.made"


def test_a_service_account_has_no_second_factor(robot):
    secret = totp.new_secret()
    with pytest.raises(Refused, match="uses a token"):
        activate_app(actor=robot, secret=secret, code=App(secret).code())
    assert not Authenticator.objects.exists()
    assert not Event.objects.exists()


def test_codes_of_another_secret_key_are_worth_nothing(client, olga, settings):
    app = app_of(olga)
    before, settings.SECRET_KEY = settings.SECRET_KEY, "another"
    at_the_door(client, olga)
    client.post("/accounts/2fa/", {"code": app.code()})
    assert client.get("/accounts/me").status_code == 302
    settings.SECRET_KEY_FALLBACKS = [before]
    client.post("/accounts/2fa/", {"code": app.code()})
    assert client.get("/accounts/me").status_code == 200, "an earlier key still reads what it wrote"


def test_a_changed_password_is_on_the_trail(client, olga):
    proved(client, olga)
    new = "a longer horse battery staple"
    form = {"oldpassword": PASSWORD, "password1": new, "password2": new}
    assert client.post("/accounts/password/change/", form).status_code == 302
    olga.refresh_from_db()
    assert olga.check_password(new)
    assert events() == ["accounts.password.changed"]
    assert new not in str(Event.objects.get().data)


def test_an_unknown_policy_stops_the_start(monkeypatch):
    monkeypatch.setenv("OMBUD_SIGN_SECOND_FACTOR", "sometimes")
    with pytest.raises(ImproperlyConfigured, match="if_set, required"):
        environment.choice("OMBUD_SIGN_SECOND_FACTOR", ["if_set", "required"])


def test_two_at_once_use_a_code_once(transactional_db, olga):
    app = app_of(olga)
    code, together, answers = app.code(), Barrier(2), []

    def attempt():
        together.wait()
        answers.append(accept_at_the_door(actor=olga, code=code))
        connection.close()

    both = [Thread(target=attempt) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert sorted(answers, key=str) == [None, "totp"]


def test_anna_helps_who_has_lost_everything(olga, anna, adam):
    app_of(olga)
    before = events()
    for actor in (adam, olga):
        with pytest.raises(Refused):
            forget_factors(actor=actor, user_id=olga.pk, reason="Lost.")
    app_of(anna)
    with pytest.raises(Refused, match="Another administrator"):
        forget_factors(actor=anna, user_id=anna.pk, reason="Lost.")
    assert factors_of(olga).app
    assert events()[:-1] == before
    call_command(
        "forget_factors", "olga@example.org", "--by", "anna@example.org", "--reason", "Lost."
    )
    assert not factors_of(olga).any_second
    told = Event.objects.latest("sequence")
    assert (told.event, told.actor_name) == ("accounts.factors.forgotten", "Anna")
    assert told.data["forgotten"] == ["recovery_codes", "totp"]
    with pytest.raises(CommandError, match="nobody"):
        call_command(
            "forget_factors", "x@example.org", "--by", "anna@example.org", "--reason", "Lost."
        )

"""API tokens: shown once, scoped, expiring, revocable."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import ApiToken
from accounts.policies import Refused
from accounts.services.tokens import create_token, find_live, revoke_token
from audit.models import Event


@pytest.fixture
def laptop(olga):
    return create_token(actor=olga, owner=olga, name="laptop", scopes=["read"], days=30)


def me(client, text):
    return client.get("/api/v1/people/me", headers={"Authorization": f"Bearer {text}"})


def test_olga_is_known_by_her_token(client, laptop):
    answer = me(client, laptop.text)
    assert answer.status_code == 200
    assert answer.json() == {
        "email": "olga@example.org",
        "name": "Olga",
        "kind": "person",
        "roles": [{"role": "developer", "team": "flight-operations"}],
        "scopes": ["read"],
    }


def test_only_the_hash_is_kept(laptop):
    stored = ApiToken.objects.values().get()
    assert laptop.text not in [str(value) for value in stored.values()]
    assert laptop.text not in str(Event.objects.values_list("data", flat=True))


@pytest.mark.parametrize("text", ["", "ombud_wrong", "ombud_\udcff", "a b"])
def test_an_unknown_token_is_a_problem_that_says_what_to_do(client, db, text):
    answer = me(client, text.encode("utf-8", "replace").decode())
    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert answer.json()["status"] == 401


def test_an_expired_token_opens_nothing(client, laptop):
    ApiToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert me(client, laptop.text).status_code == 401


def test_a_revoked_token_opens_nothing_and_is_on_the_trail(client, laptop, olga):
    revoke_token(actor=olga, token_id=laptop.token.pk)
    assert me(client, laptop.text).status_code == 401
    assert Event.objects.first().event == "accounts.token.revoked"


def test_a_token_of_somebody_who_left_opens_nothing(client, laptop, olga):
    olga.is_active = False
    olga.save()
    assert me(client, laptop.text).status_code == 401


def test_sam_revokes_nothing_of_olgas(laptop, sam):
    with pytest.raises(Refused):
        revoke_token(actor=sam, token_id=laptop.token.pk)
    assert find_live(laptop.text) is not None
    assert Event.objects.count() == 1


def test_sam_makes_no_token_in_olgas_name(olga, sam):
    with pytest.raises(Refused):
        create_token(actor=sam, owner=olga, name="x", scopes=["read"], days=1)
    assert not ApiToken.objects.exists()
    assert not Event.objects.exists()


def test_an_auditors_token_reads_and_audits_and_changes_nothing(adam):
    with pytest.raises(Refused, match="reads and audits"):
        create_token(actor=adam, owner=adam, name="x", scopes=["read", "manage"], days=1)
    assert not ApiToken.objects.exists()


@pytest.mark.parametrize(
    ("scopes", "days", "says"),
    [([], 1, "at least one scope"), (["fly"], 1, "fly"), (["read"], 0, "1 to 366")],
)
def test_a_senseless_token_is_refused_in_words(olga, scopes, days, says):
    with pytest.raises(ValueError, match=says):
        create_token(actor=olga, owner=olga, name="x", scopes=scopes, days=days)
    assert not ApiToken.objects.exists()


def test_the_page_shows_a_new_token_once(signed_in, olga):
    page = signed_in(olga)
    sent = page.post("/accounts/me", {"name": "laptop", "scopes": ["read"], "days": "30"})
    shown = sent.content.decode()
    token = ApiToken.objects.get()
    assert token.prefix in shown
    assert "ombud_" in shown
    assert sent["Cache-Control"].startswith("max-age=0")
    text = shown.split('data-secret="')[1].split('"')[0]
    assert find_live(text) == token
    assert text not in page.get("/accounts/me").content.decode()

"""A signed clearance says what is true, and can be checked without Django and without network."""

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.utils import timezone
from joserfc import jws

from accounts.services.tokens import create_token
from audit.jobs.checkpoint import sign
from audit.keys import make
from audit.models import Event
from clients.ombud_clearance import check
from governance.clearance_tokens import LIVES, LONGEST
from governance.gateways import keys
from governance.management.commands.clearance_vectors import vectors
from governance.models import Clearance
from governance.services.clearance import reinstate_clearance, suspend_clearance
from registry.models import RiskTier
from tests.governance.conftest import promoted

ROOT = Path(__file__).resolve().parents[2]
VECTORS = ROOT / "clients" / "vectors" / "clearance.json"
CASES = json.loads(VECTORS.read_text())
URL = "/api/v1/models/flight-delay/clearance"
WHERE = {"environment": "production", "reason": "Complaints"}


@pytest.fixture(autouse=True)
def _own_keys(settings, tmp_path):
    settings.CLEARANCE_KEYS = str(tmp_path / "keys")


@pytest.fixture
def ask(client, olga):
    token = create_token(actor=olga, owner=olga, name="cli", scopes=["read"], days=1)

    def get(url=URL, **query):
        found = client.get(url, query, headers={"Authorization": f"Bearer {token.text}"})
        assert found.status_code == 200, found.content
        return found.json()

    return get


def judged(client, ask, **more):
    """What a serving system that has just fetched everything is told."""
    token = ask()["clearances"][0]["token"]
    return check(
        more.pop("token", token),
        jwks=client.get("/.well-known/jwks.json").json(),
        revocations=ask("/api/v1/clearance/revocations")["revocations"],
        digest=more.pop("digest", None),
        **more,
    )


@pytest.mark.parametrize("case", CASES["cases"], ids=lambda case: case["name"])
def test_the_verifier_answers_as_the_vectors_say(case):
    told = check(
        case["token"],
        jwks=CASES["jwks"],
        revocations=case["revocations"],
        digest=CASES["digest"],
        now=CASES["now"],
    )
    assert told.may_serve == case["may_serve"], told.why
    assert told.may_serve or told.why


def test_the_vectors_are_those_that_the_command_makes(tmp_path):
    call_command("clearance_vectors", tmp_path / "made.json", verbosity=0)
    assert json.loads((tmp_path / "made.json").read_text()) == CASES
    assert vectors() == CASES


def test_the_verifier_is_small_and_needs_nothing_of_ombud():
    source = (ROOT / "clients" / "ombud_clearance.py").read_text()
    assert len(source.splitlines()) < 100
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import ombud_clearance;"
        "print(sorted(n for n in sys.modules if n in ('django', 'socket', 'ssl', 'joserfc')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(ROOT / "clients")],
        capture_output=True,
        text=True,
        check=True,
        cwd="/",
    )
    assert done.stdout.strip() == "[]"


def test_one_flipped_character_anywhere_is_found(client, ask, one, olga, vera, rita):
    promoted(one, olga, vera, rita)
    token = ask()["clearances"][0]["token"]
    for place in [*range(0, len(token), 7), len(token) - 1]:
        other = "A" if token[place] != "A" else "B"
        assert not judged(client, ask, token=token[:place] + other + token[place + 1 :]).may_serve


def test_a_token_says_what_is_true(client, ask, one, olga, vera, rita):
    promoted(one, olga, vera, rita)
    told = judged(client, ask, digest=one.artifact_digest)
    assert told.may_serve, told.why
    row = Clearance.objects.get(version=one, until__isnull=True)
    event = Event.objects.filter(
        subject_type="governance.clearance", subject_id=str(row.pk)
    ).earliest("sequence")
    assert told.claims["jti"] == f"clearance-{row.pk}"
    assert told.claims["audit"] == {"sequence": event.sequence, "digest": event.digest_hex}
    assert told.claims["card"]["revision"] == one.card.revisions.count()
    assert (told.claims["model"], told.claims["version"]) == ("flight-delay", 1)
    assert told.claims["exp"] - told.claims["iat"] == LIVES["medium"].length.total_seconds()
    assert not judged(client, ask, digest="0" * 64).may_serve


def test_every_risk_tier_has_its_life():
    assert set(LIVES) == set(RiskTier.values)
    assert LIVES["high"].length < LIVES["medium"].length < LIVES["low"].length
    assert LIVES["high"].on_expiry == "closed"


def test_a_suspension_revokes_what_was_handed_out(client, ask, one, olga, vera, rita):
    promoted(one, olga, vera, rita)
    old = ask()["clearances"][0]["token"]
    suspend_clearance(actor=rita, version_id=one.pk, **WHERE)
    assert judged(client, ask, token=old).why == "It was revoked."
    now = judged(client, ask)
    assert not now.may_serve
    assert "Complaints" in now.why
    reinstate_clearance(actor=rita, version_id=one.pk, **WHERE)
    assert judged(client, ask).may_serve
    assert judged(client, ask, token=old).why == "It was revoked."


def test_an_entry_falls_away_when_its_tokens_have_expired(ask, one, olga, vera, rita):
    promoted(one, olga, vera, rita)
    suspend_clearance(actor=rita, version_id=one.pk, **WHERE)
    listed = "/api/v1/clearance/revocations"
    assert ask(listed)["count"] == 1
    long_ago = timezone.now() - LONGEST - timedelta(minutes=1)
    Clearance.objects.filter(until__isnull=False).update(until=long_ago)
    assert ask(listed)["count"] == 0


def test_a_rotated_key_signs_and_the_old_one_stays_until_its_tokens_are_gone(
    client, ask, one, olga, vera, rita, monkeypatch
):
    promoted(one, olga, vera, rita)
    old = ask()["clearances"][0]["token"]
    call_command("rotate_clearance_key", verbosity=0)
    new = ask()["clearances"][0]["token"]
    assert old.split(".")[0] != new.split(".")[0]
    assert judged(client, ask, token=old).may_serve
    assert judged(client, ask, token=new).may_serve
    later = timezone.now() + LONGEST + timedelta(minutes=1)
    monkeypatch.setattr("governance.gateways.keys.time.time", later.timestamp)
    published = client.get("/.well-known/jwks.json").json()["keys"]
    assert [one["kid"] for one in published] == [keys.newest().id]


def test_keys_are_made_once_for_the_owner_alone(settings):
    first, second = keys.newest(), keys.newest()
    (path,) = Path(settings.CLEARANCE_KEYS).iterdir()
    assert first.id == second.id
    assert path.stat().st_mode & 0o777 == 0o600
    assert "d" not in keys.published()[0]


def test_a_folder_of_keys_that_cannot_be_written_is_named(settings, tmp_path):
    (tmp_path / "file").write_text("")
    settings.CLEARANCE_KEYS = str(tmp_path / "file")
    with pytest.raises(CommandError, match="file"):
        call_command("rotate_clearance_key", verbosity=0)


def test_a_key_that_is_none_is_named(settings, tmp_path):
    keys.newest()
    broken = Path(settings.CLEARANCE_KEYS) / "clearance-000002.pem"
    broken.write_text("not a key")
    with pytest.raises(keys.KeysUnusable, match="clearance-000002"):
        keys.newest()


def test_strangers_and_models_that_do_not_serve_get_nothing(client, one, olga, vera, rita, sam):
    promoted(one, olga, vera, rita)
    assert client.get(URL).status_code == 401
    client.force_login(sam, "allauth.account.auth_backends.AuthenticationBackend")
    assert client.get(URL).status_code == 404
    client.force_login(olga, "allauth.account.auth_backends.AuthenticationBackend")
    assert client.get(URL, {"environment": "staging"}).status_code == 404
    assert client.get("/.well-known/jwks.json").status_code == 200


def test_the_proof_that_it_is_on_the_trail_rides_along(
    settings, ask, one, olga, vera, rita, tmp_path
):
    """A serving system keeps both files; ombud_verify checks the second without Ombud."""
    promoted(one, olga, vera, rita)
    assert ask()["clearances"][0]["proof"] is None, "no checkpoint was written yet"
    with transaction.atomic():
        sign([make(Path(settings.AUDIT_KEY))])
    told = ask()["clearances"][0]
    claims = jws.extract_compact(told["token"].encode())
    named = json.loads(claims.payload)["audit"]
    assert told["proof"]["event"]["sequence"] == named["sequence"]
    assert told["proof"]["event"]["digest"] == named["digest"]
    file = tmp_path / "proof.json"
    file.write_text(json.dumps(told["proof"]))
    verifier = [sys.executable, "-I", str(ROOT / "clients" / "ombud_verify.py")]
    done = subprocess.run([*verifier, str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told["proof"]["event"]["data"]["environment"] = "staging"
    file.write_text(json.dumps(told["proof"]))
    done = subprocess.run([*verifier, str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "its content was changed" in done.stderr

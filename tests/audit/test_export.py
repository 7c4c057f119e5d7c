"""Exports and proofs, checked by the verifier that shares no code with the server."""

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import transaction

from accounts.events import AccountEvent
from audit import keys
from audit.jobs import seal
from audit.models import Event
from audit.record import SYSTEM, record_volume
from audit.services.keys import rotate_key
from clients import ombud_verify

pytestmark = pytest.mark.django_db(transaction=True)
VERIFIER = Path(__file__).resolve().parents[2] / "clients/ombud_verify.py"


@pytest.fixture
def trail(grow, checkpoint, olga, run_jobs):
    """Twelve volume events in a seal, some events, three checkpoints."""
    with transaction.atomic():
        for number in range(12):
            record_volume(olga, AccountEvent.USER_SIGNED_IN, olga, number=number, share=0.1)
    grow(4)
    checkpoint()
    seal.seal_due()
    run_jobs(seal.KIND)
    grow(6)
    checkpoint()
    grow(3)
    checkpoint()


@pytest.fixture
def folder(trail, tmp_path):
    call_command("export_audit", str(tmp_path / "export"))
    return tmp_path / "export"


def verified(path, *arguments):
    """The verifier as people start it: status and what it said."""
    done = subprocess.run(
        [sys.executable, "-I", str(VERIFIER), str(path), *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        env={},
    )
    return done.returncode, done.stdout + done.stderr


def test_an_export_holds_by_itself_and_says_how_much_was_checked(folder, key):
    status, said = verified(folder)
    assert status == 0, said
    assert "14 events, 1 seals over 12 volume events, 3 checkpoints and 2 proofs checked" in said
    assert "Compare this key" in said
    assert verified(folder, "--key", key.public.text)[0] == 0


def test_that_an_export_was_taken_is_an_event(folder):
    last = Event.objects.latest("sequence")
    assert (last.event, last.data) == ("audit.trail.exported", {"events": 14})


def test_a_key_that_did_not_sign_is_not_enough(folder, tmp_path):
    other = keys.make(tmp_path / "other.pem").public
    status, said = verified(folder, "--key", other.text)
    assert status == 1
    assert "no trusted key signed" in said


def test_trust_in_the_old_key_reaches_past_its_rotation(trail, grow, key, tmp_path):
    rotate_key(actor=SYSTEM)
    grow(2)
    with transaction.atomic():
        from audit.jobs.checkpoint import sign

        sign([keys.signer()])
    call_command("export_audit", str(tmp_path / "export"))
    assert verified(tmp_path / "export", "--key", key.public.text)[0] == 0
    assert verified(tmp_path / "export", "--key", keys.signer().public.text)[0] == 0


def test_nothing_to_check_is_not_called_sound(folder):
    for name in ("events.jsonl", "checkpoints.txt", "volume.jsonl", "proofs.jsonl"):
        (folder / name).write_text("")
    status, said = verified(folder)
    assert status == 2
    assert "nothing was checked" in said
    assert verified(folder / "nowhere")[0] == 2


def test_without_a_checkpoint_there_is_no_export(grow, key, tmp_path, capsys):
    count = grow(3)
    with pytest.raises(SystemExit):
        call_command("export_audit", str(tmp_path / "export"))
    assert "would prove nothing" in capsys.readouterr().err
    assert Event.objects.count() == count
    assert not (tmp_path / "export").exists()


def test_an_existing_folder_is_not_overwritten(folder):
    before = (folder / "events.jsonl").read_bytes()
    with pytest.raises(SystemExit):
        call_command("export_audit", str(folder))
    assert (folder / "events.jsonl").read_bytes() == before


def test_an_auditor_exports_over_the_api(trail, signed_in, adam, tmp_path):
    answer = signed_in(adam).post("/api/v1/audit/exports")
    assert answer["Content-Disposition"] == 'attachment; filename="ombud-audit-14.zip"'
    (tmp_path / "export.zip").write_bytes(b"".join(answer.streaming_content))
    assert zipfile.ZipFile(tmp_path / "export.zip").testzip() is None
    assert verified(tmp_path / "export.zip")[0] == 0
    assert Event.objects.latest("sequence").actor_name == "Adam"


def test_who_reads_only_a_part_does_not_export(trail, signed_in, olga):
    count = Event.objects.count()
    assert signed_in(olga).post("/api/v1/audit/exports").status_code == 403
    assert Event.objects.count() == count


@pytest.mark.parametrize("size", [4, 11, 14])
def test_every_event_has_a_proof_that_holds_offline(trail, signed_in, adam, tmp_path, size):
    client = signed_in(adam)
    for sequence in range(1, size + 1):
        at = f"/api/v1/audit/events/{sequence}/proof"
        proof = client.get(at, {"checkpoint": size}).json()
        assert ombud_verify.verify_proof(proof).proofs == 1
        assert (proof["event"]["sequence"], proof["size"]) == (sequence, size)
    (tmp_path / "proof.json").write_text(json.dumps(proof))
    assert verified(tmp_path / "proof.json")[0] == 0
    for name, other in (("index", 2), ("path", [*proof["path"][::-1], "AAAA"])):
        (tmp_path / "proof.json").write_text(json.dumps({**proof, name: other}))
        assert verified(tmp_path / "proof.json")[0] == 1
    proof["event"]["actor_name"] = "Sam"
    (tmp_path / "proof.json").write_text(json.dumps(proof))
    status, said = verified(tmp_path / "proof.json")
    assert status == 1
    assert f"at event {size}" in said


def test_a_proof_comes_as_one_text_file_too(trail, signed_in, adam):
    answer = signed_in(adam).get("/api/v1/audit/events/3/proof", {"format": "txt"})
    lines = answer.content.decode().splitlines()
    assert lines[0] == "c2sp.org/tlog-proof@v1"
    assert lines[2] == "index 2"
    assert lines[lines.index("") + 1] == settings.AUDIT_ORIGIN
    assert answer["Content-Disposition"].endswith('"event-3.tlog-proof"')


def test_what_no_checkpoint_covers_yet_has_no_proof(trail, grow, signed_in, adam):
    grow(1)
    client = signed_in(adam)
    answer = client.get("/api/v1/audit/events/15/proof")
    assert (answer.status_code, answer.json()["code"]) == (409, "not_provable")
    assert client.get("/api/v1/audit/events/3/proof?checkpoint=9").status_code == 409
    assert client.get("/api/v1/audit/events/3/proof?checkpoint=x").status_code == 422
    assert client.get("/api/v1/audit/events/99/proof").status_code == 404


def test_one_checkpoint_is_shown_to_continue_another(trail, signed_in, sam):
    client = signed_in(sam)
    told = client.get("/api/v1/audit/checkpoints").json()["results"]
    assert [one["size"] for one in told] == [14, 11, 4]
    proof = client.get("/api/v1/audit/consistency?from=4&to=14").json()
    old, new = (bytes.fromhex(told[at]["root"]) for at in (2, 0))
    path = [ombud_verify.unbased(step) for step in proof["path"]]
    assert ombud_verify.roots_by_path(4, 14, old, path) == (old, new)
    assert [proof[end]["checkpoint"] for end in ("from", "to")] == [
        told[2]["note"],
        told[0]["note"],
    ]
    assert client.get("/api/v1/audit/consistency?from=14&to=4").status_code == 409
    assert client.get("/api/v1/audit/consistency?from=5&to=14").status_code == 409
    assert client.get("/api/v1/audit/consistency?to=14").status_code == 422


def test_the_page_says_when_the_last_checkpoint_was_and_links_each_proof(
    trail, grow, signed_in, adam, olga
):
    grow(1)
    text = signed_in(adam).get("/audit").content.decode()
    assert "Last signed checkpoint:" in text
    assert "over 14 events" in text
    assert "/api/v1/audit/events/14/proof?format=txt" in text
    assert "/api/v1/audit/events/15/proof" not in text
    assert "after the next checkpoint" in text


def test_the_page_leaves_seals_out_until_they_are_asked_for(trail, signed_in, adam):
    client = signed_in(adam)
    seals = "<code>audit.seal.made</code>"
    text = " ".join(client.get("/audit").content.decode().split())
    assert seals not in text
    assert "?event=audit.seal.made" in text
    asked = client.get("/audit", {"event": "audit.seal.made"}).content.decode()
    assert seals in asked
    assert "show them" not in asked


def test_the_page_warns_while_nothing_is_signed(grow, signed_in, adam):
    grow(1)
    assert "No signed checkpoint yet" in signed_in(adam).get("/audit").content.decode()


def test_a_long_export_is_sent_in_pieces(trail):
    from audit.services.export import export_trail, zipped

    pieces = list(zipped(export_trail(actor=SYSTEM)))
    archive = zipfile.ZipFile(io.BytesIO(b"".join(pieces)))
    told = json.loads(archive.read("manifest.json"))
    assert (told["events"], told["seals"], told["volume_events"], told["checkpoints"]) == (
        *(14, 1, 12),
        3,
    )

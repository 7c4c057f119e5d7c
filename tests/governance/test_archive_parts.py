"""What governance hands into an archive: card, approvals, evidence, and the trail with proof."""

import base64
import hashlib
import json
import time

import pytest

from audit import notes
from audit.jobs.checkpoint import sign as sign_trail
from audit.keys import make, read
from audit.models import Event
from audit.record import SYSTEM
from clients import ombud_verify
from governance.jobs.findings import Found, raise_finding
from governance.models import ChangeRequest
from governance.reads import downloads, papers
from governance.reads.archive_parts import parts_of
from governance.reads.downloads import FORMATS
from governance.services.cards import refresh_card
from tests.governance.conftest import promoted

pytestmark = pytest.mark.django_db


@pytest.fixture
def signed_trail(settings, tmp_path):
    settings.CHECKPOINTS, settings.AUDIT_KEY = str(tmp_path / "out"), str(tmp_path / "key.pem")
    signer = make(tmp_path / "key.pem")
    return lambda: sign_trail([signer])


@pytest.fixture
def archived(one, olga, vera, rita, signed_trail):
    """Version 1 was promoted, and its trail was signed twice."""
    signed_trail()
    promoted(one, olga, vera, rita)
    refresh_card(actor=olga, version_id=one.pk)
    signed_trail()
    return one


@pytest.fixture
def parts(archived, monkeypatch):
    """Without laying out paper, which takes its seconds."""
    monkeypatch.setattr(downloads, "pdf", lambda _: b"%PDF")
    return dict(parts_of(archived.pk))


def test_the_card_is_there_in_every_format_and_says_what_each_cannot_hold(archived):
    parts = dict(parts_of(archived.pk))
    told = json.loads(parts["card/formats.json"])
    assert set(told) == {one.id for one in FORMATS}
    for one in FORMATS:
        assert parts[f"card/card.{one.suffix}"], one.id
    assert parts["card/card.pdf"].startswith(b"%PDF")
    assert b"<html" in parts["card/card.html"]
    assert told["cyclonedx"]["not_held"]
    assert json.loads(parts["card/card.json"])["sections"]


def test_a_format_that_cannot_be_made_is_told_and_stops_nothing(one, olga, monkeypatch):
    refresh_card(actor=olga, version_id=one.pk)
    monkeypatch.setattr(papers, "LONGEST_PAPER", 1)
    parts = dict(parts_of(one.pk))
    assert "card/card.pdf" not in parts
    assert json.loads(parts["card/formats.json"])["pdf"]["not_made"]
    assert "card/card.md" in parts


def test_every_signature_is_there_with_what_it_signed(parts):
    request = ChangeRequest.objects.get()
    told = json.loads(parts[f"approvals/CR-{request.pk}.json"])
    assert (told["digest"], told["state"]) == (request.digest, "executed")
    signatures = json.loads(parts["approvals/signatures.json"])
    assert {one["digest"] for one in signatures} == {request.digest}
    assert {one["name"] for one in signatures} == {s.signed_as for s in request.signoffs.all()}
    assert all(one["at"] and one["method"] and one["meaning"] for one in signatures)


def test_findings_are_evidence(one, olga, rita):
    raise_finding(
        actor=SYSTEM,
        model=one.model,
        found=Found(
            kind="validation",
            severity="high",
            title="Night flights",
            text="They are missing.",
            key="night",
        ),
    )
    (finding,) = json.loads(dict(parts_of(one.pk))["evidence/findings.json"])
    assert (finding["title"], finding["severity"]) == ("Night flights", "high")


def test_every_event_is_proved_without_ombud(parts, tmp_path):
    proofs = {path: raw for path, raw in parts.items() if path.startswith("audit/proofs/")}
    events = [json.loads(line) for line in parts["audit/events.jsonl"].splitlines()]
    named = {event["event"] for event in events}
    assert {"governance.request.executed", "registry.deployment.started"} <= named
    assert len(proofs) == len(events) == json.loads(parts["audit/about.json"])["events"]
    for path, raw in proofs.items():
        place = tmp_path / path.rpartition("/")[2]
        place.write_bytes(raw)
        assert ombud_verify.main([str(place)]) == 0
    spoilt = json.loads(raw)
    spoilt["event"]["actor_name"] = "Sam"
    place.write_text(json.dumps(spoilt))
    assert ombud_verify.main([str(place)]) == 1


# That the trail only grew, checked without Ombud --------------------------------------------------


@pytest.fixture
def taken(parts, tmp_path):
    """The folder `audit` of the archive, as somebody has it years later."""
    for path, raw in parts.items():
        if path.startswith("audit/"):
            place = tmp_path / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(raw)
    return tmp_path / "audit"


def status(place, content=None):
    """How the verifier ends; `content` is written there first."""
    if content is not None:
        place.write_text(content if isinstance(content, str) else json.dumps(content))
    return ombud_verify.main([str(place)])


def test_the_trail_only_grew(taken, capsys):
    told = json.loads((taken / "consistency.json").read_text())
    assert told["to"]["size"] == Event.objects.count()
    assert 0 < told["from"]["size"] < told["to"]["size"]
    assert status(taken / "consistency.json") == 0
    assert "2 checkpoints and 1 proofs checked: all hold." in capsys.readouterr().out
    assert ombud_verify.main([str(taken / "consistency.json"), "--key", told["keys"][0]]) == 0


def test_every_changed_word_of_the_growth_is_found(taken):
    place = taken / "consistency.json"
    told = json.loads(place.read_text())
    first, second = told["from"], told["to"]
    other = hashlib.sha256(b"another root").digest()
    step = base64.b64encode(other).decode()
    spoilt = [
        {"path": told["path"][:-1]},
        {"path": [*told["path"], step]},
        {"path": [step, *told["path"][1:]]},
        {"path": [*reversed(told["path"]), step]},
        {"from": second, "to": first},
        {"from": first | {"size": first["size"] + 1}},
        {"to": second | {"size": second["size"] + 1}},
        {"to": second | {"checkpoint": resized(second["checkpoint"], second["size"] + 1)}},
        {"from": first | {"checkpoint": rooted(first["checkpoint"], step)}},
        {"to": second | {"checkpoint": rooted(second["checkpoint"], step)}},
        {"keys": []},
    ]
    for change in spoilt:
        assert status(place, told | change) == 1, change
    assert status(place, told | {"path": ["no base 64"]}) == 2
    assert status(place, told) == 0


def resized(note, size):
    lines = note.split("\n")
    return "\n".join([lines[0], str(size), *lines[2:]])


def rooted(note, root):
    lines = note.split("\n")
    return "\n".join([*lines[:2], root, *lines[3:]])


def test_a_trail_that_was_cut_and_written_anew_does_not_continue_the_old_one(taken, tmp_path):
    """Signed with the right key: only the path between the two trees tells it."""
    told = json.loads((taken / "consistency.json").read_text())
    signer, second = read(tmp_path / "key.pem"), told["to"]
    root = hashlib.sha256(b"of a trail that begins otherwise").digest()
    head = notes.TreeHead(signer.name, second["size"], root, "2027-01-01T00:00:00Z", "00" * 32)
    forged = told | {"to": second | {"checkpoint": notes.signed_note(head, [signer])}}
    place = tmp_path / "forged.json"
    assert status(place, forged) == 1
    assert status(place, forged | {"from": forged["to"], "path": []}) == 0, "it is well signed"


def test_the_whole_folder_is_checked_at_once(taken, capsys):
    assert status(taken) == 0
    said = capsys.readouterr().out
    n = len(list((taken / "proofs").iterdir()))
    assert f"{n} events" in said
    assert f"{n + 1} proofs checked: all hold." in said


def first_proof(taken):
    return min((taken / "proofs").iterdir())


def rewritten(taken, name, change):
    place = taken / name
    place.write_text(change(place.read_text()))


def ended_earlier(text):
    told = json.loads(text)
    return json.dumps(told | {"to": told["from"], "path": []})


TAMPERINGS = {
    "a word": lambda t: rewritten(t, "events.jsonl", lambda text: text.replace("Olga", "Sam", 1)),
    "an event": lambda t: rewritten(t, "events.jsonl", lambda text: text.partition("\n")[2]),
    "all events": lambda t: rewritten(t, "events.jsonl", lambda _: ""),
    "a proof": lambda t: first_proof(t).unlink(),
    "a swapped proof": lambda t: first_proof(t).write_bytes(
        max((t / "proofs").iterdir()).read_bytes()
    ),
    "no growth": lambda t: (t / "consistency.json").unlink(),
    "less growth": lambda t: rewritten(t, "consistency.json", ended_earlier),
}


@pytest.mark.parametrize("what", TAMPERINGS)
def test_a_folder_that_was_tampered_with_does_not_hold(taken, what):
    TAMPERINGS[what](taken)
    assert status(taken) == 1


def test_a_folder_without_proofs_proves_nothing(taken):
    for place in (taken / "proofs").iterdir():
        place.unlink()
    assert status(taken) == 2


def test_what_no_checkpoint_covers_is_said(one, olga):
    parts = dict(parts_of(one.pk))
    about = json.loads(parts["audit/about.json"])
    assert about["checkpoint"] == 0
    assert len(about["after_the_checkpoint"]) == about["events"]
    assert not [path for path in parts if path.startswith("audit/proofs/")]


def test_an_archive_that_is_written_again_has_the_same_bytes(archived):
    """So that what a killed worker has locked in a store is taken up, and not kept twice."""
    first = dict(parts_of(archived.pk))
    time.sleep(1.1)
    again = dict(parts_of(archived.pk))
    assert [path for path in first if first[path] != again[path]] == []
    assert first.keys() == again.keys()

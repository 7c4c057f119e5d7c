"""Signed checkpoints: written outside first, refused over a cut trail, found by the verifier."""

import base64
import hashlib
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.conf import settings
from django.core.management import call_command

from audit import keys, merkle, notes, tree
from audit.gateways.checkpoints import LOG, Place, PlaceUnavailable
from audit.jobs import checkpoint as jobs
from audit.models import Checkpoint, Event, Subtree
from audit.record import SYSTEM
from audit.services.keys import rotate_key
from ledger.models import Job
from tests.audit.conftest import tamper

pytestmark = pytest.mark.django_db


def ends(*arguments):
    """The exit status of the verifier."""
    try:
        call_command("verify_audit", *arguments)
    except SystemExit as stopped:
        return stopped.code
    return 0


def test_a_checkpoint_is_text_that_any_reader_of_the_format_can_check(grow, checkpoint, key):
    grow(5)
    note = checkpoint().note
    body, _, signatures = note.partition("\n\n")
    origin, size, root, time, head = body.split("\n")
    leaves = [merkle.leaf_hash(bytes(e.digest)) for e in Event.objects.order_by("sequence")]
    assert (origin, size) == (settings.AUDIT_ORIGIN, "5")
    assert base64.b64decode(root) == merkle.root(leaves)
    assert time.startswith("time 20")
    assert head == f"head {Event.objects.get(pk=5).digest_hex}"
    dash, name, signed = signatures.strip().split(" ")
    raw = base64.b64decode(signed)
    public = key.public.raw
    assert (dash, name) == ("—", origin)
    assert raw[:4] == hashlib.sha256(f"{name}\n".encode() + b"\x01" + public).digest()[:4]
    Ed25519PublicKey.from_public_bytes(public).verify(raw[4:], f"{body}\n".encode())


def test_it_lies_outside_and_here_and_is_counted(five_events, checkpoint, grow, settings, capsys):
    first = checkpoint()
    grow(2)
    second = checkpoint()
    log = Path(settings.CHECKPOINTS, LOG).read_text()
    assert notes.split(log) == [first.note, second.note]
    assert second.written_to == str(Path(settings.CHECKPOINTS, LOG))
    assert ends() == 0
    assert "2 signed checkpoints checked" in capsys.readouterr().out


def test_a_cut_tail_is_found_by_what_lies_outside(five_events, checkpoint, settings, capsys):
    checkpoint()
    tamper("DELETE FROM audit_event WHERE sequence > 3")
    tamper("DELETE FROM audit_checkpoint")
    assert ends("--against", settings.CHECKPOINTS) == 1
    assert "broken at event 4: 2 events are missing" in capsys.readouterr().err


def test_a_chain_that_was_rewritten_from_the_middle_is_found(grow, checkpoint, olga, capsys):
    grow(3)
    checkpoint()
    grow(3)
    checkpoint()
    tamper("DELETE FROM audit_event WHERE sequence > 4")
    grow(2)
    assert ends() == 1
    assert "broken at event 4: events 4 to 6 are not those" in capsys.readouterr().err


def test_nothing_is_signed_over_a_database_restored_from_an_old_copy(grow, checkpoint, settings):
    grow(5)
    checkpoint()
    tamper("DELETE FROM audit_event WHERE sequence > 3")
    tamper("DELETE FROM audit_checkpoint")
    before = Path(settings.CHECKPOINTS, LOG).read_text()
    with pytest.raises(jobs.TrailBroken, match=r"has 3 events, but the checkpoint of .* counted 5"):
        checkpoint()
    grow(4)
    with pytest.raises(jobs.TrailBroken, match="first 5 events are not those"):
        checkpoint()
    assert Path(settings.CHECKPOINTS, LOG).read_text() == before
    assert not Checkpoint.objects.exists()


def test_a_checkpoint_that_was_forged_is_found(five_events, checkpoint, settings, capsys):
    checkpoint()
    log = Path(settings.CHECKPOINTS, LOG)
    log.write_text(log.read_text().replace("\n5\n", "\n4\n"))
    assert ends("--against", str(log)) == 1
    assert "does not hold" in capsys.readouterr().err


def test_a_checkpoint_by_a_key_that_is_not_trusted_is_found(five_events, checkpoint, tmp_path):
    checkpoint()
    other = keys.make(tmp_path / "other.pem").public
    own = keys.signer().public
    assert ends("--key", own.text) == 0
    assert ends("--key", other.text) == 1


def test_against_nothing_is_not_called_sound(five_events, checkpoint, tmp_path, capsys):
    checkpoint()
    assert ends("--against", str(tmp_path / "nowhere")) == 2
    assert "nothing was checked against it" in capsys.readouterr().err


def test_a_write_that_was_cut_short_spoils_no_later_one(five_events, checkpoint, settings):
    first = checkpoint()
    log = Path(settings.CHECKPOINTS, LOG)
    with log.open("a") as sink:
        sink.write(first.note[:40])
    second = checkpoint()
    texts = Place(settings.CHECKPOINTS).texts()
    assert (texts[0], texts[-1], len(texts)) == (first.note, second.note, 3)


def test_in_an_object_store_each_checkpoint_is_an_object(five_events, checkpoint, grow, settings):
    settings.CHECKPOINTS = "memory://anchors-of-ombud/here"
    first = checkpoint()
    grow(3)
    second = checkpoint()
    place = Place(settings.CHECKPOINTS)
    assert place.texts() == [first.note, second.note]
    assert place.recent() == [second.note]
    assert first.written_to != second.written_to
    assert list(place.keys()) == [first.key_id]
    assert ends("--against", settings.CHECKPOINTS) == 0


def test_the_job_writes_one_in_five_minutes_however_many_beats_ask(five_events, key, run_jobs):
    for _ in range(3):
        jobs.checkpoint_due()
    assert run_jobs(jobs.KIND) == 1
    assert Checkpoint.objects.get().size == 5


def test_a_decision_is_covered_at_once_and_not_twice(grow, key, run_jobs):
    grow(3)
    for event in Event.objects.order_by("sequence"):
        jobs.checkpoint_after(event)
    assert run_jobs(jobs.KIND) == 3
    assert [c.size for c in Checkpoint.objects.all()] == [3]


def test_without_a_key_the_job_fails_loudly_and_signs_nothing(five_events, run_jobs):
    jobs.checkpoint_due()
    run_jobs(jobs.KIND)
    job = Job.objects.get(kind=jobs.KIND)
    assert job.state == "due"
    assert "make_audit_key" in job.error
    assert not Checkpoint.objects.exists()


def test_a_key_that_others_may_read_is_refused(key, settings):
    Path(settings.AUDIT_KEY).chmod(0o644)
    with pytest.raises(keys.KeyUnavailable, match="chmod 600"):
        keys.signer()


def test_the_key_is_made_once_with_mode_600(settings, capsys):
    call_command("make_audit_key")
    call_command("make_audit_key")
    first, second = capsys.readouterr().out.split()
    assert first == second == keys.signer().public.text
    assert Path(settings.AUDIT_KEY).stat().st_mode & 0o777 == 0o600


def test_a_place_that_cannot_be_written_leaves_no_row(five_events, checkpoint, settings, tmp_path):
    (tmp_path / "file").write_text("")
    settings.CHECKPOINTS = str(tmp_path / "file" / "folder")
    with pytest.raises(PlaceUnavailable):
        checkpoint()
    assert not Checkpoint.objects.exists()


def test_a_rotated_key_is_vouched_for_by_the_old_one(five_events, checkpoint, key, grow):
    checkpoint()
    handover = rotate_key(actor=SYSTEM)
    new = keys.signer()
    assert new.public.key_id != key.public.key_id
    both = {one.key_id: one for one in (key.public, new.public)}
    assert notes.parse(handover.note).signers(both) == [key.public.key_id, new.public.key_id]
    told = Event.objects.get(event="audit.key.rotated")
    assert told.data == {"old_key": key.public.text, "new_key": new.public.text}
    assert handover.size == told.sequence
    grow(1)
    assert ends() == 0


@pytest.mark.parametrize("size", [1, 255, 256, 257, 513])
def test_heads_and_proofs_from_stored_subtrees_are_those_of_all_events(grow, checkpoint, size):
    tree_of = many_events(size, grow)
    made = checkpoint()
    assert bytes(made.root) == merkle.root(tree_of)
    assert Subtree.objects.count() == size // 256
    look = tree.StoredTree().look
    for index in {0, size // 2, size - 1}:
        path = merkle.inclusion_proof(look, index, size)
        assert path == merkle.inclusion_proof(merkle.in_memory(tree_of), index, size)


def many_events(size, grow):
    """A trail of this size; only the digests matter to the tree, so the rest is made up."""
    grow(1)
    first = Event.objects.get()
    copies = []
    for sequence in range(2, size + 1):
        copy = Event.objects.get(pk=1) if sequence == 2 else Event(**fields_of(first))
        copy.sequence, copy.digest = sequence, hashlib.sha256(str(sequence).encode()).digest()
        copies.append(copy)
    Event.objects.bulk_create(copies)
    events = Event.objects.order_by("sequence").values_list("digest", flat=True)
    return [merkle.leaf_hash(bytes(digest)) for digest in events]


def fields_of(event):
    return {field.attname: getattr(event, field.attname) for field in Event._meta.concrete_fields}


def test_a_checkpoint_over_a_long_trail_reads_few_rows(grow, checkpoint, queries):
    many_events(600, grow)
    checkpoint()
    with queries() as asked:
        checkpoint()
    assert len(asked) < 16
    assert "sequence" in str(asked.captured_queries)

"""The volume lane: rows without the chain's lock, sealed once settled, each in exactly one seal."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection, transaction

from accounts.events import AccountEvent
from accounts.models import User
from audit import merkle
from audit.jobs import seal
from audit.models import Event, Seal, SealMember, VolumeEvent
from audit.record import record_volume
from audit.verify import verify
from ledger.models import Job
from tests.audit.conftest import tamper
from tests.conftest import person
from tests.faults.processes import database_url

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[2]


def note(who, number=0):
    with transaction.atomic():
        return record_volume(who, AccountEvent.USER_SIGNED_IN, who, number=number)


@pytest.fixture
def rows(olga):
    return [note(olga, number) for number in range(7)]


@pytest.fixture
def make_seals(run_jobs):
    def make():
        seal.seal_due()
        while run_jobs(seal.KIND):
            pass

    return make


def test_rows_are_sealed_and_the_chain_tells_of_it(rows, make_seals):
    make_seals()
    made, told = Seal.objects.get(), Event.objects.get()
    leaves = [bytes(row.digest) for row in VolumeEvent.objects.order_by("pk")]
    assert bytes(made.root) == merkle.root(leaves)
    assert told.data == {"seal": 1, "root": bytes(made.root).hex(), "events": 7}
    assert made.sequence == told.sequence
    members = SealMember.objects.order_by("index").values_list("index", "event_id")
    assert list(members) == list(enumerate(row.pk for row in rows))
    found = verify()
    assert (found.checked, found.seals, found.sealed, found.waiting) == (1, 1, 7, 0)


def test_nothing_is_sealed_twice_and_no_seal_is_empty(rows, make_seals):
    for _ in range(3):
        make_seals()
    assert Seal.objects.count() == 1
    assert Job.objects.filter(kind=seal.KIND).count() == 1


def test_a_seal_takes_so_many_and_asks_for_the_next(rows, make_seals, monkeypatch):
    monkeypatch.setattr(seal, "MOST", 3)
    make_seals()
    assert list(Seal.objects.order_by("number").values_list("events", flat=True)) == [3, 3, 1]
    assert verify().sealed == 7


def test_a_row_is_written_with_its_change_or_not_at_all(olga):
    with pytest.raises(RuntimeError, match="inside the transaction"):
        record_volume(olga, AccountEvent.USER_SIGNED_IN, olga)
    with transaction.atomic():
        record_volume(olga, AccountEvent.USER_SIGNED_IN, olga)
        transaction.set_rollback(True)
    assert not VolumeEvent.objects.exists()


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("UPDATE audit_volumeevent SET actor_name = 'Sam' WHERE id = {third}", "row 2 was changed"),
        ("UPDATE audit_volumeevent SET data = '{{}}' WHERE id = {third}", "row 2 was changed"),
        ("UPDATE audit_volumeevent SET digest = sha256('x') WHERE id = {third}", "row 2 was chang"),
        ("DELETE FROM audit_volumeevent WHERE id = {third}", "row 2 is missing"),
        ("DELETE FROM audit_sealmember WHERE event_id = {third}", "row 2 is missing"),
        ("DELETE FROM audit_sealmember WHERE event_id = {last}", "rows are not the 7"),
        ("UPDATE audit_seal SET root = sha256('x')", "its row was changed"),
    ],
)
def test_a_tampered_row_breaks_its_seal(rows, make_seals, sql, why, capsys):
    make_seals()
    tamper(sql.format(third=rows[2].pk, last=rows[-1].pk))
    with pytest.raises(SystemExit) as stopped:
        call_command("verify_audit")
    assert stopped.value.code == 1
    said = capsys.readouterr().err
    assert "broken at event 1: seal 1" in said
    assert why in said


def test_a_seal_that_the_chain_does_not_tell_of_is_found(rows, make_seals):
    make_seals()
    tamper("UPDATE audit_seal SET number = 2")
    assert "the chain does not tell of it" in verify().reason


def test_a_long_transaction_delays_a_row_and_loses_none(olga, make_seals):
    """Its number was given out before the others', and it commits after they are sealed."""
    written, go = threading.Event(), threading.Event()

    def slow():
        try:
            with transaction.atomic():
                record_volume(User.objects.get(pk=olga.pk), AccountEvent.USER_SIGNED_IN, olga)
                written.set()
                go.wait(10)
        finally:
            connection.close()

    early = note(olga)
    thread = threading.Thread(target=slow)
    thread.start()
    written.wait(10)
    late = note(olga)
    make_seals()
    assert [m.event_id for m in SealMember.objects.order_by("index")] == [early.pk, late.pk]
    go.set()
    thread.join()
    make_seals()
    sealed = list(
        SealMember.objects.order_by("seal_id", "index").values_list("event_id", flat=True)
    )
    assert sealed == [early.pk, late.pk, early.pk + 1]
    assert (verify().sealed, verify().waiting) == (3, 0)


@pytest.mark.parametrize("ahead", [-50, 10**9])
def test_rows_of_another_cluster_are_sealed_after_a_restore(rows, olga, make_seals, ahead):
    """Transaction numbers mean nothing after a dump; what is sealed is remembered in rows."""
    make_seals()
    unsealed = note(olga)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id()::text::bigint")
        foreign = cursor.fetchone()[0] + ahead
    tamper("UPDATE audit_volumeevent SET xid = %s::text::xid8", str(foreign))
    tamper("UPDATE audit_seal SET settled_before = %s::text::xid8", str(foreign - 5))
    note(olga)
    make_seals()
    assert SealMember.objects.filter(event_id=unsealed.pk).exists()
    assert (verify().sealed, verify().waiting) == (9, 0)


WRITER = """
import sys
import django
django.setup()
from django.db import transaction
from accounts.events import AccountEvent
from accounts.models import User
from audit.record import record, record_volume
olga = User.objects.get(pk=int(sys.argv[1]))
for number in range(int(sys.argv[2])):
    with transaction.atomic():
        record_volume(olga, AccountEvent.USER_SIGNED_IN, olga, number=number)
        if number % 10 == 0:
            record(olga, AccountEvent.USER_SIGNED_IN, olga, number=number)
"""


def test_processes_that_write_while_seals_are_made_lose_nothing(make_seals):
    olga = person("olga")
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": database_url(connection.settings_dict),
    }
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(olga.pk), "120"], cwd=ROOT, env=environment
        )
        for _ in range(3)
    ]
    while any(writer.poll() is None for writer in writers):
        make_seals()
        time.sleep(0.05)
    assert [writer.returncode for writer in writers] == [0, 0, 0]
    make_seals()
    found = verify()
    assert found.broken_at is None
    assert found.seals > 1, "seals were made while they wrote"
    assert (found.sealed, found.waiting) == (360, 0)
    assert found.checked == 36 + found.seals

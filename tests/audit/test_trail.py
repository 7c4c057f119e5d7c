"""The trail: written with the change, refused to be changed, found when tampered with."""

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

from accounts.services.tokens import create_token
from audit.models import Event
from audit.verify import verify
from tests.audit.conftest import tamper


def test_every_event_holds_and_is_counted(five_events, capsys):
    call_command("verify_audit")
    assert capsys.readouterr().out.startswith("5 events checked, all hold.")


def test_an_empty_trail_is_not_called_sound(db, capsys):
    with pytest.raises(SystemExit) as stopped:
        call_command("verify_audit")
    assert stopped.value.code == 2
    assert "nothing was checked" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("sql", "arguments", "first_broken"),
    [
        ("UPDATE audit_event SET actor_name = 'Sam' WHERE sequence = 3", [], 3),
        ("UPDATE audit_event SET at = at + interval '1 microsecond' WHERE sequence = 2", [], 2),
        ("UPDATE audit_event SET data = %s WHERE sequence = 4", ['{"days": 31}'], 4),
        ("UPDATE audit_event SET team_id = 9 WHERE sequence = 5", [], 5),
        ("DELETE FROM audit_event WHERE sequence = 3", [], 4),
        ("UPDATE audit_event SET digest = sha256('x') WHERE sequence = 1", [], 1),
    ],
)
def test_a_tampered_event_is_named(five_events, capsys, sql, arguments, first_broken):
    tamper(sql, *arguments)
    with pytest.raises(SystemExit) as stopped:
        call_command("verify_audit")
    assert stopped.value.code == 1
    assert f"broken at event {first_broken}:" in capsys.readouterr().err


def test_two_swapped_events_are_found(five_events):
    tamper("UPDATE audit_event SET sequence = sequence + 100 WHERE sequence IN (2, 3)")
    tamper("UPDATE audit_event SET sequence = 105 - sequence WHERE sequence IN (102, 103)")
    assert verify().broken_at == 2


def test_a_cut_tail_is_found_against_a_head_kept_elsewhere(five_events):
    head = bytes(Event.objects.get(sequence=5).digest).hex()
    tamper("DELETE FROM audit_event WHERE sequence > 3")
    assert verify().broken_at is None, "a shorter chain holds by itself: that is why heads are kept"
    assert verify(expect_count=5).broken_at == 4
    assert verify(expect_head=head).broken_at == 3


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE audit_event SET actor_name = 'Sam'",
        "DELETE FROM audit_event",
        "TRUNCATE audit_event",
        "TRUNCATE audit_checkpoint",
        "TRUNCATE audit_volumeevent",
        "TRUNCATE audit_seal",
        "TRUNCATE audit_sealmember",
        "TRUNCATE audit_subtree",
    ],
)
def test_the_database_refuses_to_change_the_trail(five_events, sql):
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
    assert verify().checked == 5


def test_no_change_without_its_event(olga, monkeypatch):
    def no_trail(*args, **kwargs):
        raise DatabaseError("disk full")

    monkeypatch.setattr("accounts.services.tokens.record", no_trail)
    with pytest.raises(DatabaseError):
        create_token(actor=olga, owner=olga, name="laptop", scopes=["read"], days=30)
    assert olga.tokens.count() == 0

"""Appends to the chain queue up behind one lock; who holds it waits for nothing else."""

import re
import threading

import pytest
from django.db import connection, transaction

from accounts.events import AccountEvent
from accounts.models import Membership, User
from accounts.roles import Role
from audit.record import record
from audit.verify import verify
from tests.conftest import person


@pytest.mark.django_db(transaction=True)
def test_a_row_that_refers_to_a_locked_one_does_not_deadlock_with_its_holder():
    """One holds olga's row and then records; another adds a row about olga and records first."""
    olga = person("olga")
    holds, appended = threading.Event(), threading.Event()
    faults: list[Exception] = []

    def holder():
        with transaction.atomic():
            locked = User.objects.select_for_update(no_key=True).get(pk=olga.pk)
            holds.set()
            appended.wait(5)
            record(locked, AccountEvent.USER_SIGNED_IN, locked)

    def referrer():
        holds.wait(5)
        with transaction.atomic():
            membership = Membership.objects.create(user=olga, role=Role.ADMINISTRATOR)
            record(olga, AccountEvent.ROLE_GRANTED, membership)
            appended.set()

    def noting(work):
        try:
            work()
        except Exception as fault:
            faults.append(fault)
        finally:
            connection.close()

    threads = [threading.Thread(target=noting, args=[work]) for work in (holder, referrer)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert faults == []
    assert verify().checked == 2


def test_locks_are_of_the_kind_that_foreign_keys_pass(db):
    from tests.test_architecture import FILES

    locking = [path for path in FILES if "select_for_update(" in path.read_text()]
    assert len(locking) > 5
    for path in locking:
        calls = re.findall(r"select_for_update\(\s*([^)]*)", path.read_text())
        assert all("no_key=True" in call for call in calls), path

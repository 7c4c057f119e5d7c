"""What tests with a browser leave behind: nothing that a later test could trip over."""

from django.db import connection

from accounts.models import User
from tests import browsers
from tests.faults.processes import until


def still_there(backend):
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE pid = %s", [backend])
        return cursor.fetchone() == (1,)


def test_the_connection_that_was_opened_beside_a_browser_ends_with_it(transactional_db):
    with browsers.started():
        assert not User.objects.filter(name="Nobody").exists()
        backend = connection.connection.info.backend_pid
    assert connection.connection.info.backend_pid != backend
    until(lambda: not still_there(backend), lambda: "the browser's connection is closed")

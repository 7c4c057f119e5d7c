"""Finding and suspension are one: a worker killed between them leaves neither."""

import signal
from typing import Any

import pytest

from audit.models import Event
from governance.jobs.follow import follow_verdicts
from governance.models import Clearance, Finding
from registry.models import Version
from tests.governance.conftest import promoted
from tests.governance.test_shadow import deviation
from tests.registry.test_deviations_under_load import killed


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_before_the_suspension_leaves_no_finding(
    one: Version, olga: Any, vera: Any, rita: Any
) -> None:
    serving = promoted(one, olga, vera, rita)
    deviation(serving)
    events = Event.objects.count()
    code = (
        "import os, signal\n"
        "from governance.jobs import shadow\n"
        "shadow.clearance.suspend = lambda **_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "shadow.follow_deviations()\n"
    )
    assert killed(code) == -signal.SIGKILL
    assert not Finding.objects.exists()
    assert Clearance.objects.get(until__isnull=True).state == "cleared"
    assert Event.objects.count() == events
    follow_verdicts()
    assert Finding.objects.count() == 1
    assert Clearance.objects.get(until__isnull=True).state == "suspended"

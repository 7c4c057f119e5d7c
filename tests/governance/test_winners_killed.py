"""A worker killed while it proposes a winner is followed by one that asks for it once."""

import pytest

from audit.models import Event
from governance.jobs.winners import follow_winners
from governance.models import ChangeRequest, WinnerProposal
from ledger.runner import run
from tests.governance.test_winners import experiment, ready, seen
from tests.killing import die_at

__all__ = ["experiment", "ready"]
IMPORTS = """
from audit.models import Event
from governance.models import ChangeRequest, WinnerProposal
"""
UNCHANGED = (
    "not ChangeRequest.objects.filter(version__number=2).exists()"
    " and not WinnerProposal.objects.exists()"
    " and not Event.objects.filter(event='governance.winner.proposed').exists()"
)
# What would come next when the worker dies.
PROPOSING = {
    "before the experiment is read": ("governance.services.winners", "concluded"),
    "before it is asked for": ("governance.services.winners", "submit"),
    "while it is asked for": ("governance.jobs.requesting", "rebuild_status"),
    "after that, before it is on record": ("governance.services.winners", "record"),
}


@pytest.mark.django_db(transaction=True)
def test_killed_at_each_step_of_proposing_a_winner_it_is_asked_for_once(experiment):
    seen(experiment, -0.04, -0.01)
    follow_winners()
    job = die_at(PROPOSING.values(), kind="governance.winner", unchanged=UNCHANGED, imports=IMPORTS)
    run(job_id=job.pk)
    assert ChangeRequest.objects.get(version=experiment.challenger).state == "open"
    assert WinnerProposal.objects.get().outcome == "promote"
    assert Event.objects.filter(event="governance.winner.proposed").count() == 1

"""What was decided is covered by a signed checkpoint at once."""

from pathlib import Path

from audit import keys
from audit.jobs import checkpoint
from audit.models import Checkpoint, Event
from audit.proofs import prove_event
from ledger import runner
from ledger.models import Job
from tests.governance.conftest import ask, promoted, sign


def asked_for():
    return set(Job.objects.filter(kind=checkpoint.KIND).values_list("subject_id", flat=True))


def test_an_approval_and_what_it_brought_about_are_signed_over(one, olga, vera, rita, settings):
    keys.make(Path(settings.AUDIT_KEY))
    promoted(one, olga, vera, rita)
    decided = Event.objects.get(event="governance.request.approved")
    executed = Event.objects.get(event="governance.request.executed")
    assert asked_for() == {decided.sequence, executed.sequence}
    for job in Job.objects.filter(kind=checkpoint.KIND):
        runner.run(job_id=job.pk)
    assert Checkpoint.objects.latest("pk").size >= executed.sequence
    assert prove_event(event=decided).checkpoint.size >= executed.sequence


def test_a_rejection_is_a_decision_too(one, olga, vera):
    request = ask(olga, one)
    sign(vera, request, decision="reject")
    rejected = Event.objects.get(event="governance.request.rejected")
    assert asked_for() == {rejected.sequence}


def test_a_signature_that_decides_nothing_yet_waits_for_the_five_minutes(one, olga, vera):
    sign(vera, ask(olga, one))
    assert asked_for() == set()

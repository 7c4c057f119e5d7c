"""What was changed outside of approved changes: a finding, a suspension, and how to mend it."""

import pytest

from audit.models import Event
from governance.jobs.follow import follow_verdicts
from governance.models import Clearance, Finding, StatusRow
from governance.services.clearance import reinstate_clearance
from registry.models import Deviation
from tests.governance.conftest import promoted

MOVED = "The alias champion was moved from version 1 to version 2 outside of Ombud."


def deviation(of, **more):
    facts = {"kind": "alias", "what": "champion", "expected": "1", "found": "2", "message": MOVED}
    facts |= {"model": of.model, "version": of, "environment": "production"}
    return Deviation.objects.create(**facts | more)


def states():
    return dict(
        Clearance.objects.filter(until__isnull=True).values_list("version__number", "state")
    )


@pytest.fixture
def serving(one, olga, vera, rita):
    return promoted(one, olga, vera, rita)


def test_a_moved_alias_is_a_finding_and_suspends_what_it_should_name(serving, olga):
    deviation(serving)
    follow_verdicts()
    found = Finding.objects.get()
    assert (found.kind, found.severity, found.owner) == ("shadow", "critical", olga)
    assert found.version == serving
    assert "If the move is wanted, ask for it by a change request" in found.text
    assert states() == {1: "suspended"}
    told = StatusRow.objects.latest("pk").answer["clearance"]
    assert told["reasons"] == [f"{MOVED} See {found}."]


def test_it_is_found_once_also_when_it_was_put_right_before_anybody_looked(serving):
    row = deviation(serving)
    Deviation.objects.filter(pk=row.pk).update(gone_at=row.noticed_at)
    follow_verdicts()
    follow_verdicts()
    assert Finding.objects.count() == 1
    assert Event.objects.filter(event="governance.clearance.suspended").count() == 1


def test_another_environment_stays_cleared(serving, two, olga, vera, rita):
    promoted(two, olga, vera, rita, environment="staging")
    deviation(serving, environment="staging", what="champion-staging")
    follow_verdicts()
    assert states() == {1: "cleared", 2: "cleared"}
    assert Finding.objects.get().severity == "critical"


def test_other_bytes_suspend_the_version_wherever_it_serves(serving, olga, vera, rita):
    promoted(serving, olga, vera, rita, environment="staging")
    message = "The bytes of version 1 are not those that were hashed: changed model.skops."
    deviation(serving, kind="bytes", what="files", environment="", message=message)
    follow_verdicts()
    assert set(states().values()) == {"suspended"}
    assert Clearance.objects.filter(until__isnull=True, state="suspended").count() == 2
    assert "other bytes are another version" in Finding.objects.get().text


def test_a_model_that_is_gone_suspends_all_of_its_versions(serving, two, olga, vera, rita):
    promoted(two, olga, vera, rita, role="shadow")
    deviation(serving, kind="model_gone", version=None, what="flight-delay", environment="")
    follow_verdicts()
    assert states() == {1: "suspended", 2: "suspended"}


def test_a_version_that_does_not_serve_is_found_and_nothing_is_suspended(serving, two):
    deviation(two, kind="version_gone", what="version 2", environment="")
    follow_verdicts()
    assert Finding.objects.get().severity == "medium"
    assert states() == {1: "cleared"}


def test_a_closed_finding_is_not_raised_again_for_the_same_deviation(serving, rita):
    deviation(serving)
    follow_verdicts()
    Finding.objects.update(
        state="closed",
        closed_by=rita,
        closed_at="2026-04-01T00:00:00Z",
        resolution="Put back.",
    )
    follow_verdicts()
    assert Finding.objects.count() == 1


def test_the_same_move_again_is_told_in_the_open_finding_and_suspends_again(serving, rita):
    first = deviation(serving)
    follow_verdicts()
    Deviation.objects.filter(pk=first.pk).update(gone_at=first.noticed_at)
    reinstate_clearance(
        actor=rita, version_id=serving.pk, environment="production", reason="Put back."
    )
    deviation(serving)
    follow_verdicts()
    follow_verdicts()
    found = Finding.objects.get()
    (again,) = found.entries.filter(verb="note")
    assert again.text == f"Again: {MOVED}"
    assert Event.objects.filter(event="governance.finding.noted").count() == 1
    assert states() == {1: "suspended"}


def test_after_the_finding_was_closed_the_same_move_is_a_new_one(serving, rita):
    first = deviation(serving)
    follow_verdicts()
    Deviation.objects.filter(pk=first.pk).update(gone_at=first.noticed_at)
    Finding.objects.update(
        state="closed",
        closed_by=rita,
        closed_at="2026-04-01T00:00:00Z",
        resolution="Put back.",
    )
    deviation(serving)
    follow_verdicts()
    assert sorted(Finding.objects.values_list("state", flat=True)) == ["closed", "open"]


def test_a_number_given_to_another_version_says_how_to_mend_it(serving):
    message = "Version 1 in MLflow is another one than was registered here."
    deviation(serving, kind="made_anew", what="version 1", environment="", message=message)
    follow_verdicts()
    assert "register the new one as a version of its own" in Finding.objects.get().text
    assert states() == {1: "suspended"}

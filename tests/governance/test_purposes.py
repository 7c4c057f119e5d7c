"""What a model is for changes with a reason, and approvals under the earlier purpose reopen."""

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.db.utils import IntegrityError
from django.utils import timezone

from accounts.policies import Refused
from audit.models import Event
from governance.jobs.clearance import in_force, suspend
from governance.jobs.revalidations import find_overdue, open_by_cadence
from governance.models import (
    Attestation,
    ChangeRequest,
    Clearance,
    Finding,
    PurposeChange,
    Revalidation,
)
from governance.reads.clearance_tokens import answers_of
from governance.reads.evidence import what_changed
from governance.reads.inbox import waiting_for
from governance.reads.status import answers
from governance.refusals import ClearanceNotSo, EvidenceStale, GatesNotPassed, Incomplete
from governance.services.clearance import reinstate_clearance
from governance.services.purposes import change_purpose
from governance.services.requests import refresh_evidence, withdraw
from registry.models import Deployment, Model
from registry.refusals import ModelInvalid
from registry.services.models import change_model
from tests.governance.conftest import Unchanged, ask, carry_out, promoted, sign

NEW = {"purpose": "Decides which passengers are rebooked at once."}


def changed(actor, model, changes=NEW, reason="The desk wants to rebook"):
    return change_purpose(actor=actor, model_id=model.pk, changes=changes, reason=reason)


@pytest.fixture
def serving(one, olga, vera, rita):
    return promoted(one, olga, vera, rita)


def revalidated(version, olga, vera, rita):
    request = ask(olga, version, kind="revalidate", reason="It fits the new purpose too")
    sign(vera, request)
    sign(rita, request)
    return carry_out(request)


def reasons(version):
    return answers([version.model_id])[(version.model_id, "production")]["clearance"]["reasons"]


def test_a_change_keeps_before_after_and_reason(flights, olga):
    row = changed(olga, flights, {"kpis": ["Two of three"], "requirements": ["Within a second"]})
    assert (row.number, row.printed_name) == (1, "Olga")
    assert (row.before["kpis"], row.after["kpis"]) == ([], ["Two of three"])
    flights.refresh_from_db()
    assert flights.requirements == ["Within a second"]
    event = Event.objects.get(event="registry.model.purpose_changed")
    assert event.data["before"] == {"kpis": [], "requirements": []}
    assert event.data["reason"] == "The desk wants to rebook"
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE governance_purposechange SET reason = 'x'")


@pytest.mark.parametrize(
    ("changes", "reason", "field"),
    [
        ({}, "x", "purpose"),
        ({"purpose": ""}, "x", "purpose"),
        ({"purpose": "x" * 5001}, "x", "purpose"),
        ({"kpis": ["x" * 201]}, "x", "kpis"),
        ({"requirements": [5]}, "x", "requirements"),
        (NEW, " ", "reason"),
    ],
)
def test_what_cannot_be_accepted_changes_nothing(flights, olga, changes, reason, field):
    with Unchanged(), pytest.raises(Incomplete) as caught:
        changed(olga, flights, changes, reason)
    assert caught.value.field == field
    assert PurposeChange.objects.count() == 0


@pytest.mark.parametrize("name", ["vera", "rita", "adam", "sam", "robot", "anna"])
def test_others_do_not_change_it(name, flights, request):
    with Unchanged(), pytest.raises(Refused):
        changed(request.getfixturevalue(name), flights)
    assert Model.objects.get().purpose == flights.purpose


def test_without_a_reason_there_is_no_way_to_change_it(flights, olga):
    with Unchanged(), pytest.raises(ModelInvalid, match="with a reason"):
        change_model(actor=olga, model_id=flights.pk, changes=NEW)
    same = {"purpose": flights.purpose, "name": "Delays"}
    assert change_model(actor=olga, model_id=flights.pk, changes=same).name == "Delays"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (NEW, "The purpose changed"),
        ({"kpis": ["Half as many"]}, "The KPIs changed"),
        ({"requirements": ["At night too"]}, "The business requirements changed"),
    ],
)
def test_an_open_request_becomes_stale_by_it(one, two, olga, vera, rita, changes, sentence):
    request = ask(olga, two)
    sign(vera, request)
    changed(olga, two.model, changes)
    request = ChangeRequest.objects.get(pk=request.pk)
    assert what_changed(request) == [f"{sentence} after the request was submitted."]
    assert ChangeRequest.objects.with_stale().get(pk=request.pk).stale is True
    with Unchanged(), pytest.raises(EvidenceStale, match=sentence):
        sign(rita, request)
    request = refresh_evidence(actor=olga, request_id=request.pk)
    assert what_changed(request) == []
    assert ChangeRequest.objects.with_stale().get(pk=request.pk).stale is False


def test_a_version_that_serves_is_to_be_approved_anew_by_its_tier(serving, olga, rita, rosa):
    changed(olga, serving.model)
    row = Revalidation.objects.get()
    assert (row.version, row.environment, row.cause) == (serving, "production", "purpose")
    assert row.due_on == timezone.now().date() + timedelta(days=60)
    assert "It was approved for an earlier purpose" in reasons(serving)[-1]
    token = answers_of(olga, model="flight-delay", environment="production")[0]
    assert token.state == "cleared"
    assert "earlier purpose" in token.reasons[-1]
    assert [waiting_for(who) for who in (olga, rita)] == [2, 0], "re-approval and attestation"
    assert Attestation.objects.get().signed_at is None
    assert Event.objects.filter(event="governance.revalidation.opened").count() == 1


def test_changed_twice_it_is_owed_once_and_changed_back_not_at_all(serving, olga):
    before = serving.model.purpose
    changed(olga, serving.model)
    changed(olga, serving.model, {"kpis": ["One more"]})
    assert Revalidation.objects.count() == 1
    changed(olga, serving.model, {"purpose": before, "kpis": []})
    row = Revalidation.objects.get()
    assert row.outcome == "The purpose is again what was approved."
    assert len(reasons(serving)) == 1


def test_a_version_that_serves_nowhere_owes_nothing(one, olga):
    changed(olga, one.model)
    assert (Revalidation.objects.count(), Attestation.objects.count()) == (0, 0)


def test_an_approval_that_did_not_freeze_the_purpose_counts_for_the_one_of_its_day(serving, olga):
    request = ChangeRequest.objects.get()
    del request.evidence["model"]
    request.save()
    changed(olga, serving.model)
    assert Revalidation.objects.filter(settled_at__isnull=True).count() == 1


def test_the_quorums_signatures_settle_it_and_the_version_serves_on(serving, olga, vera, rita):
    changed(olga, serving.model)
    clearance = Clearance.objects.get(until__isnull=True)
    request = revalidated(serving, olga, vera, rita)
    assert (request.state, request.error) == ("executed", "")
    row = Revalidation.objects.get()
    assert (row.settled_by, row.outcome) == (request, f"Approved anew by CR-{request.pk}.")
    assert Clearance.objects.get(until__isnull=True) == clearance
    assert Deployment.objects.get().ended_at is None
    assert len(reasons(serving)) == 1
    assert waiting_for(olga) == 1, "the attestation"


def test_a_promotion_of_the_version_settles_it_too(serving, olga, vera, rita):
    changed(olga, serving.model)
    promoted(serving, olga, vera, rita, role="challenger")
    assert Revalidation.objects.get().settled_by is not None


def test_a_version_that_was_replaced_owes_nothing_any_more(serving, two, olga, vera, rita):
    changed(olga, serving.model)
    promoted(two, olga, vera, rita)
    row = Revalidation.objects.get()
    assert (row.version, row.outcome) == (serving, "The version serves there no longer.")


def test_a_version_that_stopped_serving_without_a_request_owes_nothing_the_next_day(serving, olga):
    changed(olga, serving.model)
    Deployment.objects.update(ended_at=timezone.now())
    assert late(serving, "high") == 0
    assert Revalidation.objects.get().outcome == "The version serves there no longer."
    assert in_force(serving).get().state == "cleared"


def test_what_is_asked_for_waits_on_nobodys_desk_and_comes_back_when_withdrawn(serving, olga):
    changed(olga, serving.model)
    request = ask(olga, serving, kind="revalidate")
    assert waiting_for(olga) == 1
    withdraw(actor=olga, request_id=request.pk, reason="Later")
    assert waiting_for(olga) == 2


def test_only_a_version_that_serves_is_revalidated(serving, two, olga):
    with Unchanged(), pytest.raises(GatesNotPassed, match="must be serving"):
        ask(olga, two, kind="revalidate")
    with Unchanged(), pytest.raises(GatesNotPassed, match="does not serve in staging"):
        ask(olga, serving, kind="revalidate", environment="staging")


def late(version, tier):
    Revalidation.objects.update(tier=tier, due_on=timezone.now().date() - timedelta(days=1))
    return find_overdue(today=timezone.now().date())


def test_missed_at_medium_risk_it_is_a_finding_and_serves_on(serving, olga):
    changed(olga, serving.model)
    assert late(serving, "medium") == 1
    finding = Finding.objects.get()
    assert (finding.kind, finding.severity, finding.version) == ("exception", "medium", serving)
    assert in_force(serving).get().state == "cleared"
    assert "was due on" in reasons(serving)[-1]
    assert find_overdue(today=timezone.now().date()) == 0
    assert Finding.objects.count() == 1


def test_missed_at_high_risk_the_clearance_lapses_until_the_quorum_signs(serving, olga, vera, rita):
    changed(olga, serving.model)
    assert late(serving, "high") == 1
    row = in_force(serving).get()
    assert row.state == "suspended"
    assert "approval lapsed" in row.reasons[0]
    assert reasons(serving) == row.reasons
    with Unchanged(), pytest.raises(ClearanceNotSo, match="lapsed"):
        reinstate_clearance(
            actor=rita, version_id=serving.pk, environment="production", reason="Trust me"
        )
    revalidated(serving, olga, vera, rita)
    row = in_force(serving).get()
    assert (row.state, "approved anew" in row.reasons[0]) == ("cleared", True)


def test_what_was_suspended_for_another_reason_stays_suspended(serving, olga, vera, rita):
    changed(olga, serving.model)
    suspend(actor=rita, version=serving, environment="production", reasons=["Drift"])
    late(serving, "high")
    assert in_force(serving).get().reasons == ["Drift"]
    revalidated(serving, olga, vera, rita)
    assert in_force(serving).get().state == "suspended"
    reinstate_clearance(
        actor=rita, version_id=serving.pk, environment="production", reason="Looked at"
    )
    assert in_force(serving).get().state == "cleared"


def test_a_revalidation_falls_due_by_tier_and_is_opened_thirty_days_before(serving, olga):
    approved = timezone.now()
    due = approved.replace(year=approved.year + 2).date()
    assert open_by_cadence(today=due - timedelta(days=31)) == 0
    assert open_by_cadence(today=due - timedelta(days=30)) == 1
    assert open_by_cadence(today=due) == 0
    row = Revalidation.objects.get()
    assert (row.cause, row.due_on, row.tier) == ("cadence", due, "medium")
    assert "re-validation is due by" in reasons(serving)[-1]


def test_the_status_says_what_happens_when_a_token_expires(serving):
    def on_expiry():
        found = answers([serving.model_id])[(serving.model_id, "production")]
        return found["clearance"]["on_expiry"]

    assert on_expiry() == "closed"
    Model.objects.update(risk_tier="low")
    assert on_expiry() == "open"

"""Approved changes are carried out once, or say why not; the end of a version's life."""

from decimal import Decimal
from threading import Barrier, Thread

import pytest
from django.db import connection
from django.utils import timezone

from audit.models import Event
from governance.jobs.execute import execute_change
from governance.models import Clearance, SignOff
from governance.refusals import GatesNotPassed, NotOpen, Unable
from governance.services.cards import revise_card
from governance.services.requests import retry
from ledger import claims, runner
from ledger.models import Job, JobState
from registry.models import Archive, Deployment, Restore, Version
from tests.governance.conftest import Unchanged, ask, carry_out, promoted, sign, version_of


def approved(version, olga, vera, rita, **more):
    request = ask(olga, version, **more)
    for person in (vera, rita):
        if (request.state == "open" and "validator" in request.quorum) or person == rita:
            sign(person, request)
    request.refresh_from_db()
    assert request.state == "approved"
    return request


def job_of(request):
    return Job.objects.get(kind="governance.execute", key=f"request-{request.pk}")


def test_the_new_champion_replaces_the_old_one(one, two, olga, vera, rita):
    promoted(one, olga, vera, rita)
    promoted(two, olga, vera, rita)
    one.refresh_from_db()
    assert (one.stage, two.stage) == ("approved", "serving")
    ended, started = Deployment.objects.order_by("started_at", "pk")
    assert ended.ended_at == started.started_at
    assert Clearance.objects.get(until__isnull=True).version == two


def test_a_challenger_serves_beside_the_champion(one, two, olga, vera, rita):
    promoted(one, olga, vera, rita)
    promoted(two, olga, vera, rita, role="challenger", traffic_share=Decimal("0.1"))
    roles = Deployment.objects.filter(ended_at__isnull=True).values_list("version__number", "role")
    assert set(roles) == {(1, "champion"), (2, "challenger")}
    assert Clearance.objects.filter(until__isnull=True, state="cleared").count() == 2


def test_a_delivery_done_twice_changes_things_once(one, olga, vera, rita):
    request = approved(one, olga, vera, rita)
    runner.run(job_id=job_of(request).pk)
    before = Event.objects.count()
    runner.run(job_id=job_of(request).pk)
    claims.again(kind="governance.execute", key=f"request-{request.pk}", subject_id=request.pk)
    runner.run(job_id=job_of(request).pk)
    assert Event.objects.count() == before
    assert Deployment.objects.count() == 1
    assert job_of(request).state == JobState.DONE


def test_a_fenced_worker_changes_nothing(one, olga, vera, rita):
    request = approved(one, olga, vera, rita)
    claim = claims.claim(job_id=job_of(request).pk)
    Job.objects.update(token=99)
    with Unchanged(), pytest.raises(claims.Fenced):
        execute_change(claim)
    assert not Deployment.objects.exists()


def test_a_card_changed_after_approval_fails_the_change(one, olga, vera, rita):
    request = approved(one, olga, vera, rita)
    revise_card(
        actor=olga, version_id=one.pk, sections={"risks": "Oh"}, note="", expected_revision=1
    )
    carry_out(request)
    assert request.state == "failed"
    assert "card changed" in request.error
    assert not Deployment.objects.exists()
    assert not Clearance.objects.exists()


def test_what_fails_is_tried_again_and_then_given_up(one, olga, vera, rita, monkeypatch):
    request = approved(one, olga, vera, rita)

    def broken(**_):
        raise RuntimeError("disk full")

    monkeypatch.setattr("governance.jobs.execute.deployments.deploy", broken)
    for attempt in range(5):
        Job.objects.filter(pk=job_of(request).pk).update(due_at=timezone.now())
        runner.run(job_id=job_of(request).pk)
        request.refresh_from_db()
        assert request.state == ("failed" if attempt == 4 else "approved")
        assert not Deployment.objects.exists()
    assert "disk full" in request.error
    monkeypatch.undo()
    retry(actor=olga, request_id=request.pk)
    carry_out(request)
    assert (request.state, request.error) == ("executed", "")
    with Unchanged(), pytest.raises(NotOpen):
        retry(actor=olga, request_id=request.pk)


def test_a_roll_back_brings_the_earlier_champion_back(one, two, olga, vera, rita):
    promoted(one, olga, vera, rita)
    promoted(two, olga, vera, rita)
    request = approved(one, olga, vera, rita, kind="roll_back")
    carry_out(request)
    assert request.state == "executed", request.error
    champion = Deployment.objects.get(role="champion", ended_at__isnull=True)
    assert champion.version == one
    assert Clearance.objects.get(until__isnull=True).version == one


def test_only_a_former_champion_is_rolled_back_to(one, olga, vera, rita):
    Version.objects.filter(pk=one.pk).update(stage="approved")
    with Unchanged(), pytest.raises(GatesNotPassed, match="never champion"):
        ask(olga, one, kind="roll_back")


def test_the_champion_is_not_retired_before_it_is_replaced(one, two, olga, vera, rita):
    promoted(one, olga, vera, rita)
    with Unchanged(), pytest.raises(GatesNotPassed, match="promote its replacement"):
        ask(olga, one, kind="retire")
    promoted(two, olga, vera, rita)
    carry_out(approved(one, olga, vera, rita, kind="retire"))
    one.refresh_from_db()
    assert one.stage == "retired"
    assert not Clearance.objects.filter(version=one, until__isnull=True).exists()


def test_a_retired_version_is_archived_with_its_card_and_approvals(one, two, olga, vera, rita):
    promoted(one, olga, vera, rita)
    promoted(two, olga, vera, rita)
    with Unchanged(), pytest.raises(GatesNotPassed, match="must be retired"):
        ask(olga, one, kind="archive")
    carry_out(approved(one, olga, vera, rita, kind="retire"))
    request = carry_out(approved(one, olga, vera, rita, kind="archive"))
    assert request.state == "executed", request.error
    archive = Archive.objects.get(version=one)
    assert archive.state == "requested"
    assert archive.documents.keys() == {"card.json", "card.md", "requests.json"}
    assert "I reviewed the evidence" in archive.documents["requests.json"]
    assert "About Risks and mitigations" in archive.documents["card.md"]


def test_only_a_sealed_and_verified_archive_is_restored(flights, one, olga, vera, rita):
    flights.mlflow_name = "flight-delay"
    flights.save()
    Version.objects.filter(pk=one.pk).update(stage="archived")
    archive = Archive.objects.create(
        version=one, state="sealed", path="archives/1", digest="a" * 64, sealed_at=timezone.now()
    )
    with Unchanged(), pytest.raises(GatesNotPassed, match="verified"):
        ask(olga, one, kind="restore")
    Archive.objects.filter(pk=archive.pk).update(verified_at=timezone.now())
    request = carry_out(approved(one, olga, vera, rita, kind="restore"))
    assert request.state == "executed", request.error
    assert Restore.objects.get().archive == archive


def test_an_approval_beside_another_champion_is_stale(one, two, olga, vera, rita):
    request = approved(two, olga, vera, rita)
    other = approved(one, olga, vera, rita)
    carry_out(other)
    assert carry_out(request).state == "failed"
    assert "became champion" in request.error


@pytest.mark.django_db(transaction=True)
def test_of_two_reviewers_at_the_same_instant_one_signs(team, flights, olga, vera):
    from tests.conftest import person

    version = version_of(flights, 1, olga)
    request = ask(olga, version)
    sign(vera, request)
    reviewers = [person(name, ("reviewer", team)) for name in ("rita", "rolf")]
    start, outcomes = Barrier(2), []

    def at_once(reviewer):
        try:
            start.wait(timeout=10)
            outcomes.append(sign(reviewer, request).decision)
        except Unable as error:
            outcomes.append(type(error))
        finally:
            connection.close()

    threads = [Thread(target=at_once, args=[reviewer]) for reviewer in reviewers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    request.refresh_from_db()
    assert sorted(map(str, outcomes)) == sorted(map(str, ["approve", NotOpen]))
    assert request.state == "approved"
    assert SignOff.objects.filter(role="reviewer").count() == 1
    assert Job.objects.filter(kind="governance.execute").count() == 1

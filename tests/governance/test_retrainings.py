"""The approval of a retrained version is asked for by itself, once, with what was found."""

from datetime import timedelta

import pytest
from django.utils import timezone

from governance.jobs.retrainings import follow_retrainings
from governance.models import ChangeRequest, SignOff
from governance.reads.card_facts import latest_revision
from governance.services.cards import refresh_card
from governance.services.requests import withdraw
from ledger.models import Job
from ledger.runner import run
from monitoring.models import Retraining, RetrainingPolicy, RetrainingStep
from monitoring.reads.retrainings import evidence_of
from monitoring.retraining_terms import parse
from monitoring.states import StepName, StepState
from registry.models import Deployment, Version
from tests.governance import conftest
from tests.governance.conftest import promoted, sign

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def retraining(one, two, olga, vera, rita, monkeypatch):
    """Version 2 was made from version 1, which serves; its approval is to be asked for."""
    monkeypatch.setattr("ledger.claims.wake", lambda *_: None)
    promoted(one, olga, vera, rita)
    terms = parse({"triggers": [{"on": "drift", "windows": 2}]})
    policy = RetrainingPolicy.objects.create(
        model=one.model,
        number=1,
        terms=terms.as_json(),
        digest=terms.digest,
        reason="Spring.",
        state="on",
        on_since=timezone.now(),
        written_by=olga,
        switched_on_by=olga,
        approved_by=rita,
    )
    made = Retraining.objects.create(
        model=one.model,
        policy=policy,
        parent=one,
        version=two,
        terms=policy.terms,
        reasons=["Two windows breached."],
        up_to=timezone.now(),
    )
    for place, name in enumerate(StepName):
        waits = name == StepName.REQUEST
        later = place > list(StepName).index(StepName.REQUEST)
        RetrainingStep.objects.create(
            retraining=made,
            name=name,
            place=place,
            state="waiting" if waits else "next" if later else "done",
            numbers={"latest": {"difference": {"value": -0.0123}}} if name == "evaluate" else {},
            message="Better than the champion." if name == "evaluate" else "",
        )
    return made


def followed():
    follow_retrainings()
    for job in Job.objects.filter(kind="governance.retraining", state="due"):
        run(job_id=job.pk)


def states(made):
    return dict(made.steps.values_list("name", "state"))


def test_it_is_asked_for_once_with_the_evaluation_as_evidence(retraining, two, olga):
    for _ in range(3):
        followed()
    request = ChangeRequest.objects.get(version=two)
    assert (request.kind, request.role, request.requested_by) == ("promote", "champion", olga)
    assert "Two windows breached. Better than the champion." in request.reason
    kept = request.evidence["retraining"]
    assert kept["parent"] == 1
    assert kept["evaluation"]["latest"]["difference"]["value"] == "-0.0123"
    assert kept == evidence_of(two)
    assert states(retraining)["request"] == StepState.DONE
    assert states(retraining)["deploy"] == StepState.DUE


def test_signed_it_becomes_champion_and_the_pipeline_sees_it(retraining, two, vera, rita):
    followed()
    request = ChangeRequest.objects.get(version=two)
    sign(vera, request)
    sign(rita, request)
    for kind in ("governance.execute", "monitoring.retrain"):
        for job in Job.objects.filter(kind=kind, state="due"):
            run(job_id=job.pk)
    for job in Job.objects.filter(kind="monitoring.retrain", state="due"):
        run(job_id=job.pk)
    assert Deployment.objects.filter(version=two, role="champion", ended_at=None).exists()
    assert states(retraining)["deploy"] == StepState.DONE
    watch = retraining.steps.get(name="watch")
    assert watch.state == StepState.WAITING
    assert watch.message.startswith("Watched until")


def test_a_gate_that_prevents_it_is_said_and_it_is_asked_again(retraining, two):
    Version.objects.filter(pk=two.pk).update(artifact_digest="")
    followed()
    assert not ChangeRequest.objects.filter(version=two).exists()
    assert "cannot be asked for yet" in retraining.steps.get(name="request").message
    Version.objects.filter(pk=two.pk).update(artifact_digest="2" * 64)
    Job.objects.filter(kind="governance.retraining").update(
        finished_at=timezone.now() - timedelta(minutes=2)
    )
    followed()
    assert ChangeRequest.objects.filter(version=two).count() == 1


def test_a_card_is_taken_over_where_the_new_version_has_none(retraining, one, olga, monkeypatch):
    monkeypatch.setattr(conftest, "revise_card", lambda **_: None)
    three = conftest.version_of(one.model, 3, olga)
    Retraining.objects.filter(pk=retraining.pk).update(version=three)
    followed()
    assert ChangeRequest.objects.filter(version=three).count() == 1
    assert latest_revision(three.pk).sections == latest_revision(one.pk).sections


def test_words_are_taken_over_into_a_card_that_has_only_facts(retraining, one, olga, monkeypatch):
    monkeypatch.setattr(conftest, "revise_card", lambda **_: None)
    three = conftest.version_of(one.model, 3, olga)
    refresh_card(actor=olga, version_id=three.pk)
    assert latest_revision(three.pk).sections == {}
    Retraining.objects.filter(pk=retraining.pk).update(version=three)
    followed()
    assert latest_revision(three.pk).sections == latest_revision(one.pk).sections


def test_withdrawn_it_ends_the_retraining(retraining, two, olga):
    followed()
    for job in Job.objects.filter(kind="monitoring.retrain", state="due"):
        run(job_id=job.pk)
    request = ChangeRequest.objects.get(version=two)
    withdraw(actor=olga, request_id=request.pk, reason="Not now.")
    followed()
    retraining.refresh_from_db()
    assert retraining.state == "cancelled"
    assert "withdrawn" in retraining.note
    assert not SignOff.objects.filter(request=request).exists()

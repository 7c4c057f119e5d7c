"""The checklist: each step is done, looked at again and recorded; what is proved is kept."""

import json
import signal
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import ApiToken
from accounts.policies import Refused
from accounts.services.tokens import create_token
from audit.models import Event
from clients import ombud_verify
from governance.jobs.retirements import advance_endings, forget_logs
from governance.models import ModelClient, Registration, Retirement, RetirementStep
from governance.refusals import NoSuchStep
from governance.services.registrations import keep_registration
from governance.services.retirements import retry_step
from ledger import claims
from ledger.models import Job
from monitoring.models import Batch, Monitor
from registry.gateways import store
from registry.models import Archive, Model, Version
from tests.days import today
from tests.governance.conftest import Unchanged
from tests.governance.retirements.conftest import (
    ask_again,
    drill,
    sealed,
    step,
    to_the_end,
    until_archived,
    work,
)
from tests.registry.test_deviations_under_load import killed


def batch(version, sender, days, key):
    """A file of the prediction log whose rows are that old."""
    path = f"predictions/{version.pk}/{key}.parquet"
    digest = store.put_bytes(path, key.encode())
    at = timezone.now() - timedelta(days=days)
    return Batch.objects.create(
        kind="predictions",
        model=version.model,
        version=version,
        key=key,
        body_digest=digest,
        path=path,
        file_digest=digest,
        rows=10,
        bytes=len(key),
        first_at=at,
        last_at=at,
        answer={},
        sent_by=sender,
        folded_at=at,
    )


def alone(row):
    """No other version of the model lives."""
    Version.objects.filter(model=row.model).exclude(pk=row.version_id).update(stage="retired")


def test_serving_has_ended_and_each_step_says_what_was_counted(ending):
    assert [one.name for one in ending.steps.all()][:3] == ["serving", "archive", "drill"]
    done = work(ending, "serving")
    assert (done.state, done.tries, done.note) == ("verified", 1, "")
    assert done.evidence["seen"] == {
        "deployments_looked_at": 1,
        "running": 0,
        "clearances_in_force": 0,
    }
    assert Job.objects.get(pk=done.job).kind == "governance.retirement_step"
    assert Job.objects.filter(kind="governance.retirement_step", state="due").count() == 1


def test_the_archive_is_asked_for_once_and_waited_for(ending):
    work(ending, "serving")
    waits = work(ending, "archive")
    assert (waits.state, waits.note) == ("done", "The archive is being written.")
    advance_endings()
    assert work(ending, "archive").state == "done"
    assert Archive.objects.count() == 1
    assert "card.json" in Archive.objects.get().documents
    sealed(ending.version)
    assert advance_endings() == 1
    assert work(ending, "archive").state == "verified"


def test_nothing_is_cleaned_up_and_nothing_closes_without_a_drill(ending, robot):
    old = batch(ending.version, robot, 800, "a")
    work(ending, "serving")
    work(ending, "archive")
    archive = sealed(ending.version)
    ask_again(ending)
    work(ending, "archive")
    assert work(ending, "drill").note == "The archive is being brought back on trial."
    store.put_bytes("archives/one/artifacts/model.skops", b"trEes")
    drill(archive)
    ask_again(ending)
    failed = work(ending, "drill")
    assert failed.state == "failed"
    assert "bytes have changed" in failed.note
    ending.refresh_from_db()
    assert ending.state == "ending"
    assert {one.state for one in ending.steps.filter(position__gt=3)} == {"waiting"}
    assert store.exists(old.path)
    assert Event.objects.filter(event="governance.step.failed").count() == 1
    store.put_bytes("archives/one/artifacts/model.skops", b"trees")
    archive.refresh_from_db()
    Archive.objects.filter(pk=archive.pk).update(error="")
    assert work(ending, "drill").state == "done"
    drill(archive)
    ask_again(ending)
    assert work(ending, "drill").state == "verified"


def test_a_drill_that_holds_no_longer_stops_the_clean_up(ending, robot):
    old = batch(ending.version, robot, 800, "a")
    until_archived(ending)
    work(ending, "mlflow")
    work(ending, "artifacts")
    Archive.objects.update(error="A byte has changed.")
    assert work(ending, "logs").state == "failed"
    assert store.exists(old.path)


def test_logs_older_than_the_rule_go_and_the_rest_later(ending, robot):
    old = batch(ending.version, robot, 400, "a")
    new = batch(ending.version, robot, 300, "b")
    store.put_bytes(f"predictions/{ending.version_id}/orphan.parquet", b"x")
    closed = to_the_end(ending)
    logs = step(closed, "logs").evidence
    assert logs["did"]["rows_removed"] == 10
    assert (logs["seen"]["files_kept"], logs["seen"]["kept_days"]) == (1, 365)
    assert not store.exists(old.path)
    assert store.exists(new.path)
    assert not store.exists(f"predictions/{ending.version_id}/orphan.parquet")
    Batch.objects.update(last_at=timezone.now() - timedelta(days=366))
    assert forget_logs() == 1
    assert not store.exists(new.path)
    event = Event.objects.filter(event="monitoring.logs.removed").latest("sequence")
    assert "retention rule" in event.data["because"]


def test_what_belongs_to_the_model_stays_while_another_version_lives(ending, robot, olga):
    ModelClient.objects.create(
        model=ending.model, name="Gates", contact="g@example.org", account=robot, added_by=olga
    )
    closed = to_the_end(ending)
    for name in ("tokens", "monitors", "routes"):
        assert step(closed, name).state == "not_applicable"
        assert step(closed, name).note == "The model goes on with version 2."
    assert step(closed, "mlflow").note in {
        "The version was never in MLflow.",
        "No MLflow server is set up.",
    }
    assert Monitor.objects.filter(enabled=True).count() == 2
    assert ModelClient.objects.get().ended_at is None


def test_with_its_last_version_tokens_monitors_and_addresses_end(ending, robot, olga):
    alone(ending)
    ModelClient.objects.create(
        model=ending.model, name="Gates", contact="g@example.org", account=robot, added_by=olga
    )
    create_token(actor=robot, owner=robot, name="gates", scopes=["ingest"], days=30)
    mine = create_token(actor=olga, owner=olga, name="hers", scopes=["read"], days=30).token
    closed = to_the_end(ending)
    assert step(closed, "tokens").evidence["did"] == {"accounts": 1, "tokens_revoked": 1}
    assert step(closed, "monitors").evidence["did"] == {"switched_off": 2}
    assert step(closed, "routes").evidence["did"] == {"addresses_ended": 1}
    assert list(ApiToken.objects.live()) == [mine]
    assert not Monitor.objects.filter(enabled=True).exists()


def test_an_account_that_calls_another_model_keeps_its_tokens(ending, robot, olga):
    alone(ending)
    other = Model.objects.create(
        slug="air-time", name="Air time", team=ending.model.team, owner=olga, task="regression",
        risk_tier="low", purpose="Minutes.",
    )  # fmt: skip
    for model in (ending.model, other):
        ModelClient.objects.create(
            model=model, name="Gates", contact="g@example.org", account=robot, added_by=olga
        )
    create_token(actor=robot, owner=robot, name="gates", scopes=["ingest"], days=30)
    closed = to_the_end(ending)
    assert step(closed, "tokens").state == "not_applicable"
    assert ApiToken.objects.live().count() == 1


def test_a_registration_has_to_be_updated_and_its_owner_hears_of_it(ending, olga, rita):
    for verb, more in (
        ("draft", {}),
        ("register", {"register": "EU database", "number": "EU-7", "registered_on": today()}),
    ):
        keep_registration(
            actor=olga, model_id=ending.model_id, verb=verb, reason="Annex VIII", **more
        )
    closed = to_the_end(ending)
    row = Registration.objects.get()
    assert row.state == "update_due"
    assert step(closed, "registration").evidence["did"]["owner"] == "Olga"
    assert list(Registration.objects.to_update(olga)) == [row]
    assert not Registration.objects.to_update(rita)
    keep_registration(
        actor=olga, model_id=ending.model_id, verb="register", reason="Says so now",
        register="EU database", number="EU-7", registered_on=today(),
    )  # fmt: skip
    assert not Registration.objects.to_update(olga)


# Failing and trying again -------------------------------------------------------------------------


def test_what_fails_says_why_and_is_tried_again(ending, olga, sam, monkeypatch):
    until_archived(ending)

    def away(*_, **__):
        raise OSError("the store does not answer")

    monkeypatch.setattr("governance.jobs.cleaning.ending.remove_logs", away)
    work(ending, "mlflow")
    work(ending, "artifacts")
    failed = work(ending, "logs")
    assert (failed.state, failed.note) == ("failed", "the store does not answer")
    assert Job.objects.get(pk=failed.job).state == "due"
    assert work(ending, "logs").tries == 2
    assert Event.objects.filter(event="governance.step.failed").count() == 1
    with Unchanged(), pytest.raises(Refused):
        retry_step(actor=sam, step_id=failed.pk, reason="Now")
    monkeypatch.undo()
    retry_step(actor=olga, step_id=failed.pk, reason="The store is back")
    assert work(ending, "logs").state == "verified"
    with Unchanged(), pytest.raises(NoSuchStep):
        retry_step(actor=olga, step_id=failed.pk, reason="Once more")


def test_a_step_done_twice_is_done_once(ending):
    work(ending, "serving")
    before = Event.objects.count()
    first = step(ending, "serving")
    claims.again(kind="governance.retirement_step", key=str(first.pk), subject_id=first.pk)
    assert work(ending, "serving").state == "verified"
    assert Event.objects.count() == before


def test_a_fenced_worker_settles_nothing(ending):
    first = step(ending, "serving")
    from governance.jobs.retirement_steps import do_step

    claim = claims.claim(job_id=Job.objects.get(kind="governance.retirement_step").pk)
    Job.objects.filter(pk=claim.job_id).update(token=99)
    with Unchanged(), pytest.raises(claims.Fenced):
        do_step(claim)
    first.refresh_from_db()
    assert first.state == "waiting"


KILL = "os.kill(os.getpid(), signal.SIGKILL)"
PLACES = {
    "before it is done": f"cleaning.ending.remove_logs = lambda **_: {KILL}",
    "after it was done": f"steps._done = lambda *_: {KILL}",
    "before it is looked at": f"cleaning.ending.logs_kept = lambda *_: {KILL}",
    "before the next begins": f"steps.advance = lambda *_: {KILL}",
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("place", PLACES)
def test_a_worker_killed_anywhere_in_a_step_leaves_it_whole(ending, robot, place, settings):
    batch(ending.version, robot, 800, "a")
    until_archived(ending)
    work(ending, "mlflow")
    work(ending, "artifacts")
    logs = step(ending, "logs")
    job = Job.objects.get(kind="governance.retirement_step", key=str(logs.pk))
    code = (
        "import os, signal\n"
        "from django.conf import settings\n"
        f"settings.STORE_URL = {settings.STORE_URL!r}\n"
        "from governance.jobs import cleaning, retirement_steps as steps\n"
        "from ledger import runner\n"
        f"old = dict(steps.WORK); {PLACES[place]}\n"
        f"runner.run(job_id={job.pk})\n"
    )
    assert killed(code) == -signal.SIGKILL
    Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    closed = to_the_rest(ending)
    assert closed.state == "closed"
    assert not Batch.objects.exists()
    assert Event.objects.filter(event="monitoring.logs.removed").count() == 1
    told = Event.objects.filter(event="governance.step.verified", data__step="Prediction logs")
    assert told.count() == 1


def to_the_rest(row):
    for _ in range(12):
        row.refresh_from_db()
        if row.state == "closed":
            break
        first = row.steps.exclude(state__in=["verified", "not_applicable"]).first()
        Job.objects.filter(kind="governance.retirement_step", key=str(first.pk)).update(
            state="due", lease_until=None, due_at=timezone.now()
        )
        work(row)
    return row


# Tombstone ----------------------------------------------------------------------------------------


def test_the_tombstone_is_proved_without_ombud(ending, tmp_path, capsys, settings):
    from audit.jobs.checkpoint import sign as sign_checkpoint
    from audit.keys import make
    from governance.reads.tombstones import proof_of

    closed = to_the_end(ending)
    assert closed.tombstone["archive"]["digest"] == Archive.objects.get().digest
    assert [one["name"] for one in closed.tombstone["change_request"]["signatures"]] == ["Rita"]
    sign_checkpoint([make(Path(settings.AUDIT_KEY))])
    told = proof_of(closed)
    place = tmp_path / "tombstone.json"
    place.write_text(json.dumps(told))
    assert ombud_verify.main([str(place)]) == 0
    assert "1 tombstone" in capsys.readouterr().out
    told["tombstone"]["replacement"] = 9
    place.write_text(json.dumps(told))
    assert ombud_verify.main([str(place)]) == 1
    told["tombstone"]["replacement"] = 2
    told["proof"]["event"]["data"]["tombstone"] = "0" * 64
    place.write_text(json.dumps(told))
    assert ombud_verify.main([str(place)]) == 1


def test_a_closed_retirement_is_never_changed(ending):
    closed = to_the_end(ending)
    assert all(s.state in {"verified", "not_applicable"} for s in closed.steps.all())
    for change in (
        lambda: Retirement.objects.filter(pk=closed.pk).update(outcome="Never was"),
        lambda: (
            RetirementStep.objects.filter(retirement=closed).delete()
            and Retirement.objects.filter(pk=closed.pk).delete()
        ),
    ):
        with pytest.raises(IntegrityError, match="tombstone"), transaction.atomic():
            change()

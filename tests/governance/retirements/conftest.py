"""Version 1 was superseded by version 2; a retirement policy of the team says what follows."""

import hashlib
import json
from datetime import timedelta
from unittest import mock

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.roles import Role
from governance.jobs.retirement_end import STEP
from governance.jobs.retirements import look_at
from governance.models import Retirement, RetirementStep
from governance.services.retirement_policies import propose_retirement
from governance.services.retirements import name_replacement
from ledger import claims, runner
from ledger.models import Job
from registry.gateways import store
from registry.jobs import drills
from registry.models import Archive, Version
from tests.conftest import person
from tests.days import today
from tests.governance.conftest import (
    _policies,  # noqa: F401 - used by name
    carry_out,
    flights,  # noqa: F401 - used by name
    one,  # noqa: F401 - used by name
    promoted,
    rulers,
    sign,
    signed_policy,
    two,  # noqa: F401 - used by name
)

SUPERSEDED = {"rule": "superseded", "parameters": {"days": 0}}
OLD = {"rule": "age", "parameters": {"days": 400}}
CLOCKS = {"notice_days": 30, "rest_days": 90, "log_days": 365}


def terms(*rules, match="any", **more):
    return {"match": match, "rules": list(rules) or [SUPERSEDED], **CLOCKS, **more}


def in_force(wanted=None, scope="team", place="flight-operations"):
    """A retirement policy, proposed by one and signed by others."""
    ruler, signers = person("paul", (Role.ADMINISTRATOR, None)), rulers()
    change = propose_retirement(
        actor=ruler, scope=scope, place=place, terms=wanted or terms(), reason="Old ones mislead"
    )
    for signer in signers:
        change.refresh_from_db()
        if change.state == "open":
            signed_policy(signer, change)
    change.refresh_from_db()
    return change.retirement_policy


@pytest.fixture
def old(one, two, olga, vera, rita):  # noqa: F811 - the fixtures
    """Version 1: was champion, and version 2 is."""
    promoted(one, olga, vera, rita)
    promoted(two, olga, vera, rita)
    one.refresh_from_db()
    return one


@pytest.fixture
def policy(team):
    return in_force()


def look(version, days=0):
    """What a round finds `days` from now."""
    return look_at(version_id=version.pk, today=today() + timedelta(days=days))


@pytest.fixture
def notice(old, policy):
    look(old)
    return Retirement.objects.get()


@pytest.fixture
def requested(notice, olga):
    """The notice is over and the request has opened by itself."""
    name_replacement(actor=olga, retirement_id=notice.pk, number=2)
    look(notice.version, days=31)
    notice.refresh_from_db()
    assert notice.request is not None, notice.held_up
    return notice


@pytest.fixture
def ending(requested, rita):
    """It was signed and carried out; the clean-up has begun."""
    sign(rita, requested.request)
    carry_out(requested.request)
    requested.refresh_from_db()
    assert requested.state == "ending", requested.request.error
    return requested


def sealed(version):
    """What the archive's job leaves: a sealed folder that holds what its manifest says."""
    archive = Archive.objects.get(version=version)
    content = b"trees"
    store.put_bytes("archives/one/artifacts/model.skops", content)
    digest = hashlib.sha256(content).hexdigest()
    files = [{"path": "artifacts/model.skops", "size": len(content), "sha256": digest}]
    version.files.all().delete()
    version.files.create(path="model.skops", size=len(content), sha256=digest)
    manifest = json.dumps({"files": files}).encode()
    store.put_bytes("archives/one/manifest.json", manifest)
    now = timezone.now()
    archive.state, archive.path, archive.size = "sealed", "archives/one", len(content)
    archive.manifest, archive.digest = (
        {"files": files},
        hashlib.sha256(manifest).hexdigest(),
    )
    archive.sealed_at = now
    archive.save()
    Version.objects.filter(pk=version.pk).update(stage="archived")
    return archive


def step(row, name):
    return RetirementStep.objects.get(retirement=row, name=name)


def work(row, name=""):
    """Do the step's job as a worker would (the first unsettled one), waiting for nothing."""
    rows = row.steps.exclude(state__in=["verified", "not_applicable"]).order_by("position")
    found = step(row, name) if name else rows.first()
    Job.objects.filter(kind=STEP, key=str(found.pk)).update(due_at=timezone.now())
    runner.run(job_id=Job.objects.get(kind=STEP, key=str(found.pk)).pk)
    found.refresh_from_db()
    return found


def drill(archive):
    """Bring it back on trial, as a worker would."""
    job = Job.objects.get(kind="registry.drill", key=str(archive.drills.first().pk))
    Job.objects.filter(pk=job.pk).update(due_at=timezone.now())
    answered = {"open": lambda _: ("sklearn", 3), "replay": lambda _: ("3 answers", 3)}
    # Opening a model is the sandbox's own business; `trees` are none.
    with mock.patch.dict(drills.DOES, answered):
        runner.run(job_id=job.pk)


def ask_again(row):
    """What the next round does for a step that waits."""
    first = row.steps.exclude(state__in=["verified", "not_applicable"]).order_by("position").first()
    with transaction.atomic():
        claims.again(kind=STEP, key=str(first.pk), subject_id=first.pk)


def until_archived(row):
    """Serving has ended, and the archive is sealed and read back."""
    work(row, "serving")
    work(row, "archive")
    archive = sealed(row.version)
    ask_again(row)
    work(row, "archive")
    work(row, "drill")
    drill(archive)
    ask_again(row)
    assert work(row, "drill").state == "verified"
    return archive


def to_the_end(row):
    until_archived(row)
    for _ in range(20):
        row.refresh_from_db()
        if row.state == "closed":
            return row
        work(row)
    raise AssertionError([(s.name, s.state, s.note) for s in row.steps.all()])

"""A model of flight operations with three versions, and people who may do different things."""

from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.roles import Role
from audit.models import Event
from governance.card_fields import REQUIRED
from governance.jobs.execute import execute_change
from governance.models import ChangeRequest, SignOff
from governance.services.cards import revise_card
from governance.services.policies import install_default_policies
from governance.services.policy_changes import propose, sign_policy
from governance.services.requests import submit
from governance.services.signoffs import decide
from ledger import claims
from ledger.models import Job
from monitoring.models import Incident, Monitor
from registry.models import (
    ArtifactFile,
    Contribution,
    Model,
    Reference,
    Schema,
    Version,
)
from tests.conftest import PASSWORD, person

FIELDS = [
    {"name": "id", "dtype": "string", "role": "id"},
    {"name": "temperature", "dtype": "number", "role": "feature"},
    {"name": "late", "dtype": "number", "role": "score"},
]
SECTIONS = {section.id: f"About {section.title}." for section in REQUIRED}


@pytest.fixture(autouse=True)
def _policies(request):
    if {"db", "transactional_db", "team"} & set(request.fixturenames):
        request.getfixturevalue("db")
        install_default_policies()


@pytest.fixture
def flights(team, olga):
    """A model of medium risk, watched for drift and performance."""
    model = Model.objects.create(
        slug="flight-delay",
        name="Flight delay",
        purpose="Says which flights will be late.",
        team=team,
        owner=olga,
        task="binary",
        risk_tier="medium",
    )
    for kind in ("drift", "performance"):
        Monitor.objects.create(model=model, name=f"All {kind}", kind=kind, metric="psi")
    return model


def version_of(model, number, olga, auc=0.70):
    """A version with everything that a promotion asks for, made by olga."""
    version = Version.objects.create(
        model=model,
        number=number,
        artifact_digest=f"{number:064x}",
        registered_by=olga,
        lineage={
            "run": {"params": {"depth": "3"}, "metrics": {"test_auc": auc}},
            "pickled": [],
        },
    )
    ArtifactFile.objects.create(version=version, path="model.skops", size=9, sha256=f"{number:064}")
    Contribution.objects.create(version=version, person=olga, kind="registered")
    Schema.objects.create(version=version, fields=FIELDS, digest=f"{number + 10:064x}")
    Reference.objects.create(
        version=version,
        path=f"references/{number}",
        digest=f"{number + 20:064x}",
        rows=5000,
    )
    revise_card(
        actor=olga, version_id=version.pk, sections=SECTIONS, note="First", expected_revision=0
    )
    return version


@pytest.fixture
def one(flights, olga):
    return version_of(flights, 1, olga)


@pytest.fixture
def two(flights, olga):
    return version_of(flights, 2, olga, auc=0.72)


def ask(actor, version, kind="promote", **more):
    if kind == "promote":
        more.setdefault("role", "champion")
    return submit(
        actor=actor, kind=kind, version_id=version.pk, reason=more.pop("reason", "Needed"), **more
    )


def put_in_force(kind, tier, rounds, gates):
    """Another policy, proposed by one and signed by others, as every policy is."""
    ruler, signers = person("piet", (Role.ADMINISTRATOR, None)), rulers()
    change = propose(
        actor=ruler, kind=kind, risk_tier=tier, rounds=rounds, gates=gates, reason="Better so"
    )
    for signer in signers:
        change.refresh_from_db()
        if change.state == "open":
            signed_policy(signer, change)
    change.refresh_from_db()
    return change.policy


def rulers():
    """A risk officer of the whole organisation, and an administrator."""
    return [person("ronja", (Role.RISK_OFFICER, None)), person("amos", (Role.ADMINISTRATOR, None))]


def signed_policy(actor, change, decision="approve", **more):
    return sign_policy(
        actor=actor,
        change_id=change.pk,
        decision=decision,
        reason=more.get("reason", "It holds"),
        digest=more.get("digest", change.digest),
        password=more.get("password", PASSWORD),
    )


def sign(actor, request, decision="approve", **more):
    return decide(
        actor=actor,
        request_id=request.pk,
        decision=decision,
        meaning=more.get("meaning", "I reviewed the evidence"),
        reason=more.get("reason", "It holds"),
        password=more.get("password", PASSWORD),
        expected_digest=more.get("digest", request.digest),
    )


def carry_out(request):
    """Do the request's job as a worker would."""
    job = Job.objects.get(kind="governance.execute", key=f"request-{request.pk}")
    claim = claims.claim(job_id=job.pk)
    if claim is not None:
        execute_change(claim)
    request.refresh_from_db()
    return request


def promoted(version, olga, vera, rita, **more):
    """The version, after a promotion that vera and rita signed."""
    request = ask(olga, version, **more)
    sign(vera, request)
    sign(rita, request)
    carry_out(request)
    assert request.state == "executed", request.error
    version.refresh_from_db()
    return version


def critical_incident(version, kind="drift"):
    return Incident.objects.create(
        model=version.model,
        version=version,
        kind=kind,
        title="Temperature drifted",
        severity="critical",
        began_at=timezone.now(),
    )


class Unchanged:
    """Proves that a refusal left no trace: no event, signature, request or job came to be."""

    def __enter__(self):
        self.before = self.count()
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            assert self.count() == self.before

    @staticmethod
    def count():
        return [table.objects.count() for table in (Event, SignOff, ChangeRequest, Job)]


WHOLE = Decimal(1)

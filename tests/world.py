"""A small world with one of everything, for tests that walk over all routes."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts.models import Delegation, Team, User
from audit.models import Event
from audit.record import SYSTEM
from governance.framework_files import parse
from governance.jobs.controls import rebuild_controls
from governance.jobs.findings import Found, raise_finding
from governance.jobs.frameworks import store_edition
from governance.models import (
    ApprovalPolicy,
    AttachedEvidence,
    Attestation,
    BackTest,
    Bundle,
    Card,
    CardRevision,
    ChangeRequest,
    Clearance,
    Framework,
    Guideline,
    GuidelineAnswers,
    GuidelineEdition,
    ModelClient,
    PolicyChange,
    Recommendation,
    RecommendationLook,
    Retirement,
    RetirementObjection,
    RetirementPolicy,
    RetirementStep,
    RollBack,
    RuleTable,
    RuleTableChange,
    Sample,
    SampleEntry,
    SampleItem,
    Waiver,
    Watch,
)
from governance.recommendation_files import default_rules
from governance.rounds import one_round
from governance.services.policies import install_default_policies
from governance.services.requests import submit
from monitoring.models import (
    Erasure,
    Experiment,
    Explanation,
    Importance,
    Incident,
    Measurement,
    Monitor,
    Retraining,
    RetrainingLine,
    RetrainingPolicy,
    RetrainingStep,
    Run,
)
from monitoring.retraining_terms import parse as parse_terms
from registry.gateways import store
from registry.models import Archive, Deployment, Model, Schema, Version
from registry.models.keeping import LegalHold, Purge, RetentionTable

FIELDS = [
    {"name": "prediction_id", "dtype": "string", "role": "id"},
    {"name": "event_time", "dtype": "timestamp", "role": "timestamp"},
    {"name": "temperature", "dtype": "number", "role": "feature"},
    {"name": "late", "dtype": "integer", "role": "prediction", "categories": ["0", "1"]},
]


@dataclass(frozen=True)
class World:
    """Ids that addresses are made of."""

    model: str
    version: int
    retired: int
    request: int
    incident: int
    monitor: int
    run: int
    archive: int
    digest: str
    experiment: int
    framework: str
    control: str
    evidence: int
    finding: int
    waiver: int
    attestation: int
    guideline: str
    sequence: int
    prediction: str = "none-of-this-name"
    passkey: int = 1
    sample: int = 0
    position: int = 1
    bundle: int = 0
    hold: int = 0
    purge: int = 0
    table: int = 0
    person: int = 0
    membership: int = 0
    kind: str = "retire"
    tier: str = "low"
    change: int = 0
    delegation: int = 0
    back_test: int = 0
    team: str = "flight-operations"
    part: str = "card"
    recommendation: int = 0
    table_change: int = 0
    table_number: int = 1
    retirement: int = 0
    objection: int = 0
    step: int = 0
    client: int = 0
    scope: str = "tier"
    place: str = "low"
    watch: int = 0
    roll_back: int = 0
    erasure: int = 0
    policy: int = 0
    retraining: int = 0
    runner: str = "nobody"
    explanation: int = 0
    importance: int = 0


def world_of(team: Team, owner: User) -> World:
    """Model flight-delay with a champion, an archived version, a request, a run, an incident."""
    now = timezone.now()
    model = Model.objects.create(
        slug="flight-delay",
        name="Flight delay",
        purpose="Warns.",
        team=team,
        owner=owner,
        task="binary",
        risk_tier="low",
    )
    version = _version(model, owner, 1, "serving")
    retired = _version(model, owner, 0, "archived")
    Deployment.objects.create(version=version, model=model, role="champion", started_at=now)
    Clearance.objects.create(version=version, environment="production", state="suspended")
    archive = Archive.objects.create(
        version=retired,
        state="sealed",
        path="archives/flight-delay/0",
        manifest={"files": []},
        digest="e" * 64,
        size=1,
        sealed_at=now,
        verified_at=now,
    )
    install_default_policies()
    request = submit(actor=owner, kind="retire", version_id=version.pk, reason="Superseded.")
    run = _run(model, version)
    incident = Incident.objects.create(
        model=model,
        version=version,
        kind="drift",
        title="Temperature drifts",
        severity="warning",
        began_at=now - timedelta(days=7),
    )
    ruled = _ruled(model, owner)
    world = World(
        model.slug,
        version.number,
        retired.number,
        request.pk,
        incident.pk,
        run.monitor_id,
        run.pk,
        archive.pk,
        request.digest,
        _experiment(model, version, retired, owner).pk,
        *ruled,
        _guided(version, owner),
        Event.objects.filter(team_id=team.pk).latest("sequence").sequence,
    )
    held = owner.memberships.order_by("pk").first()
    made: dict[str, Any] = {
        "purge": Purge.objects.create(
            archive=archive,
            reason="Its years are over.",
            kept_until=now.date(),
            digest="d" * 64,
            asked_by=owner,
            asked_name=owner.name,
        ).pk,
        "table": RetentionTable.objects.create(
            years={"low": 4, "medium": 6, "high": 12},
            reason="The lawyers asked for it.",
            digest="d" * 64,
            proposed_by=owner,
            proposed_name=owner.name,
        ).pk,
        "hold": LegalHold.objects.create(
            model=model, case="Doe", reason="Asked for", placed_by=owner
        ).pk,
        "back_test": _tried(run.monitor, owner),
        "change": _proposed().pk,
        **_recommended(version, owner),
        "delegation": _lent(team).pk,
        "person": owner.pk,
        "membership": held.pk if held else 0,
    }
    made |= _on_its_way_out(version)
    made |= _rolled_back(version, retired)
    made["erasure"] = _to_erase(model)
    made |= _explained(version)
    return replace(world, **made, **_sampled(request, owner), **_retrained(model, version))


def _explained(version: Version) -> dict[str, Any]:
    """What could not be explained, of all answers and of one."""
    asked = {"version": version, "state": "refused", "reason": "Its files are away."}
    importance = Importance.objects.create(artifact_digest="a" * 64, **asked)
    one = Explanation.objects.create(
        prediction_id="f17", at=timezone.now(), origin="sampled", **asked
    )
    return {"explanation": one.pk, "importance": importance.pk}


def _retrained(model: Model, version: Version) -> dict[str, Any]:
    """A drafted policy by somebody who left, and a retraining of an earlier one that failed."""
    left = User.objects.create_user("lisa@example.org", "Lisa", None)
    terms = parse_terms({"triggers": [{"on": "schedule", "every_days": 30}]})
    earlier, policy = (
        RetrainingPolicy.objects.create(
            model=model,
            number=number,
            terms=terms.as_json(),
            digest=terms.digest,
            reason="Seasons.",
            state=state,
            written_by=left,
        )
        for number, state in ((1, "off"), (2, "draft"))
    )
    retraining = Retraining.objects.create(
        model=model,
        policy=earlier,
        parent=version,
        terms=terms.as_json(),
        reasons=["30 days have passed."],
        state="failed",
        up_to=timezone.now(),
    )
    step = RetrainingStep.objects.create(
        retraining=retraining, name="collect", place=0, state="failed", message="No outcome."
    )
    RetrainingLine.objects.create(step=step, text="Begun.")
    return {"policy": policy.pk, "retraining": retraining.pk}


def _on_its_way_out(version: Version) -> dict[str, Any]:
    """A notice that runs, an objection by somebody who left, a step, and who calls the model."""
    left = User.objects.create_user("lars@example.org", "Lars", None)
    today = timezone.now().date()
    terms = {"match": "any", "rules": [{"rule": "age", "parameters": {"days": 1}}]}
    clocks = {"notice_days": 30, "rest_days": 90, "log_days": 365}
    policy = RetirementPolicy.objects.create(risk_tier="low", terms=terms | clocks)
    row = Retirement.objects.create(
        model=version.model,
        version=version,
        policy=policy,
        episode=1,
        rules=[],
        found_rules=[],
        notice_from=today,
        notice_until=today + timedelta(days=30),
    )
    objection = RetirementObjection.objects.create(
        retirement=row, person=left, printed_name=left.name, reason="Too early."
    )
    step = RetirementStep.objects.create(retirement=row, position=1, name="serving")
    client = ModelClient.objects.create(
        model=version.model, name="Gates", contact="gates@example.org", added_by=left
    )
    return {
        "retirement": row.pk,
        "objection": objection.pk,
        "step": step.pk,
        "client": client.pk,
    }


def _to_erase(model: Model) -> int:
    """An erasure that waits to be checked, asked for by somebody who left."""
    today = timezone.now().date()
    return Erasure.objects.create(
        model=model,
        reference="Letter 7",
        basis="GDPR Art. 17",
        received_on=today,
        due_on=today,
        selection=["nobody"],
        selected=1,
        digest="d" * 64,
        asked_by=User.objects.create_user("luke@example.org", "Luke", None),
        printed_name="Luke",
    ).pk


def _rolled_back(version: Version, left: Version) -> dict[str, Any]:
    """A watch that broke and what followed, long ago."""
    now = timezone.now()
    running = Deployment.objects.get(version=version)
    policy = ApprovalPolicy.objects.get(kind="promote", risk_tier="low", current=True)
    watch = Watch.objects.create(
        deployment=running,
        model=version.model,
        version=version,
        former=left,
        environment="production",
        policy=policy,
        hours=1,
        kinds=["performance"],
        margin=0.02,
        automatic=True,
        suspends=False,
        started_at=now,
        until=now,
        state="broken",
        broke_at=now,
        breach={"said": "It broke."},
        outcome="rolled_back",
    )
    row = RollBack.objects.create(
        model=version.model,
        environment="production",
        left=left,
        to=version,
        deployment=running,
        watch=watch,
        policy=policy,
        why="It broke.",
        executed_at=now,
        bytes_state="none",
        bytes_said="No files.",
    )
    return {"watch": watch.pk, "roll_back": row.pk}


def _lent(team: Team) -> Delegation:
    """Between two who are on leave."""
    left = [User.objects.create_user(f"{n}@example.org", n, None) for n in ("Lutz", "Lore")]
    today = timezone.now().date()
    return Delegation.objects.create(
        giver=left[0],
        taker=left[1],
        team=team,
        role="reviewer",
        begins_on=today,
        ends_on=today,
        reason="On leave",
    )


def _tried(monitor: Monitor, owner: User) -> int:
    """A monitor's settings to be tried on the past; nothing came out yet."""
    now = timezone.now()
    return BackTest.objects.create(
        subject="monitor",
        team=monitor.model.team,
        monitor=monitor,
        proposal={},
        present={},
        since=now - timedelta(days=1),
        until=now,
        asked_by=owner,
        printed_name=owner.name,
    ).pk


def _proposed() -> PolicyChange:
    """A stricter policy that waits, proposed by somebody who left."""
    left = User.objects.create_user("liam@example.org", "Liam", None)
    policy = ApprovalPolicy.objects.get(kind="retire", risk_tier="low", current=True)
    return PolicyChange.objects.create(
        kind=policy.kind,
        risk_tier=policy.risk_tier,
        base=policy,
        rounds=one_round({"reviewer": 2}),
        gates=policy.gates,
        loosens=False,
        needed={"risk_officer": 1},
        reason="Two see more than one.",
        digest="9" * 64,
        proposed_by=left,
    )


def _recommended(version: Version, owner: User) -> dict[str, int]:
    """What is recommended for the champion, and another table that somebody proposed."""
    table = RuleTable.objects.filter(current=True).first() or RuleTable.objects.create(
        number=1, rules=default_rules(), digest="a" * 64
    )
    facts: dict[str, str] = {"performance": "ok"}
    row = Recommendation.objects.create(
        version=version,
        environment="production",
        recommend="keep",
        rule="sound",
        table=table,
        sentence="Nothing that is measured speaks against it.",
        enough=True,
        grounds=[],
        answer={"why": "So.", "looked": [], "unknown": [], "unwatched": []},
        facts=facts,
        facts_digest="b" * 64,
        opens=True,
    )
    RecommendationLook.objects.create(
        version=version, environment="production", latest=row, said_digest="c" * 64
    )
    change = RuleTableChange.objects.create(
        base=table,
        rules=table.rules[1:],
        loosens=False,
        needed={"risk_officer": 1},
        reason="Shorter.",
        digest="8" * 64,
        proposed_by=User.objects.get(email="liam@example.org"),
    )
    return {"recommendation": row.pk, "table_change": change.pk, "table_number": table.number}


def _sampled(request: ChangeRequest, owner: User) -> dict[str, Any]:
    """A sample of one item about which a note was shared, and a bundle of it."""
    now = timezone.now()
    sample = Sample.objects.create(
        title="Changes",
        population="changes",
        since=now - timedelta(days=1),
        until=now,
        seed="1",
        size=1,
        algorithm="ombud-sample/1",
        numbers=[request.pk],
        population_size=1,
        population_digest="f" * 64,
        drawn_by=owner,
        drawn_by_name=owner.name,
    )
    item = SampleItem.objects.create(
        sample=sample,
        position=1,
        kind="change_request",
        number=request.pk,
        key="k" * 64,
        label=str(request),
        model=request.model,
        version=request.version,
    )
    SampleEntry.objects.create(
        item=item, person=owner, printed_name=owner.name, text="Please explain.", shared=True
    )
    bundle = Bundle.objects.create(sample=sample, requested_by=owner)
    return {"sample": sample.pk, "bundle": bundle.pk}


def _experiment(model: Model, version: Version, other: Version, owner: User) -> Experiment:
    now = timezone.now()
    return Experiment.objects.create(
        model=model,
        name="Fewer trees",
        kind="shadow",
        champion=version,
        challenger=other,
        endpoint="error_rate",
        planned_rows=1_000,
        starts_at=now,
        ends_at=now + timedelta(days=28),
        declared_by=owner,
    )


RULES = b"""
id: house-rules
title: House rules
publisher: Flight operations
source: https://rules.example.org
read_on: 2026-11-20
controls:
  - {id: H.1, line: Somebody answers at night, evidence: [{kind: card, section: contact}]}
"""


def _ruled(model: Model, owner: User) -> tuple[str, str, int, int, int, int]:
    """A shipped framework, evidence for its control, a finding with a waiver, an attestation."""
    framework = Framework.objects.create(slug="house-rules")
    store_edition(actor=SYSTEM, framework=framework, file=parse(RULES))
    rebuild_controls(model_ids=[model.pk])
    path = f"evidence/{model.pk}/rota"
    evidence = AttachedEvidence.objects.create(
        model=model,
        framework=framework,
        identifier="H.1",
        title="Rota",
        path=path,
        media_type="text/plain",
        size=4,
        sha256=store.put_bytes(path, b"Olga"),
        added_by=owner,
    )
    found = Found(kind="validation", severity="high", title="Night flights", text="Too few.")
    finding = raise_finding(actor=owner, model=model, found=found)
    waiver = Waiver.objects.create(
        model=model,
        finding=finding,
        reason="No night flights in winter.",
        expires_on=timezone.now().date() + timedelta(days=30),
        asked_by=owner,
    )
    attestation = Attestation.objects.create(
        model=model, tier=model.risk_tier, due_on=timezone.now().date()
    )
    return framework.slug, "H.1", evidence.pk, finding.pk, waiver.pk, attestation.pk


def _guided(version: Version, owner: User) -> str:
    """A guideline in force, its next edition, and drafted answers, by somebody who left."""
    left = User.objects.create_user("lena@example.org", "Lena", None)
    guideline = Guideline.objects.create(slug="ethics", team=version.model.team)
    words = {
        "guideline": guideline,
        "title": "Ethics",
        "scopes": ["evaluation"],
        "tiers": "high medium low",
        "changes": "promote",
        "questions": [
            {"id": "harmed", "title": "Harmed", "text": "Who?", "kind": "text", "options": []}
        ],
        "text": "id: ethics",
        "drafted_by": left,
    }
    edition = GuidelineEdition.objects.create(
        number=1,
        state="in_force",
        digest="1" * 64,
        signed_by=owner,
        signed_at=timezone.now(),
        signed_digest="2" * 64,
        **words,
    )
    GuidelineEdition.objects.create(number=2, digest="3" * 64, **words)
    GuidelineAnswers.objects.create(
        version=version,
        guideline=guideline,
        edition=edition,
        number=1,
        answers={"harmed": {"text": "Travellers"}},
        digest="4" * 64,
        purpose_digest="5" * 64,
        drafted_by=left,
    )
    return guideline.slug


def _version(model: Model, owner: User, number: int, stage: str) -> Version:
    version = Version.objects.create(
        model=model, number=number, stage=stage, registered_by=owner, artifact_digest="a" * 64
    )
    Schema.objects.create(version=version, fields=FIELDS, digest="s" * 64)
    card = Card.objects.create(version=version)
    CardRevision.objects.create(
        card=card, number=1, sections={"overview": "Trees."}, facts={}, digest="c" * 64
    )
    return version


def _run(model: Model, version: Version) -> Run:
    now = timezone.now()
    monitor = Monitor.objects.create(
        model=model, name="Drift of features", kind="drift", metric="psi", warning=0.1, breach=0.2
    )
    run = Run.objects.create(
        monitor=monitor,
        version=version,
        window_start=now - timedelta(days=7),
        window_end=now,
        config_digest="m" * 64,
        verdict="ok",
        profile_digest="p" * 64,
        library_version="1",
    )
    Measurement.objects.create(
        run=run,
        monitor=monitor,
        version=version,
        window_end=now,
        metric="psi",
        field="temperature",
        value=0.01,
        n=1000,
        verdict="ok",
    )
    return run

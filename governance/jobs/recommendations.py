"""What is recommended for versions that serve: looked at anew when something about them changed.

The follower finds which models are due and enqueues a ledger job for each; the job reads the
facts, asks the table of rules and adds a row where the answer is another.
"""

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Greatest
from django.utils import timezone

from audit.chain import plain, sha256_of
from audit.record import SYSTEM, record
from governance.events import GovernanceEvent
from governance.jobs.locks import lock_models
from governance.jobs.status import rebuild_status
from governance.models import (
    Attestation,
    Finding,
    LifeFact,
    Recommendation,
    RecommendationLook,
    RuleTable,
    StatusRow,
)
from governance.reads.serving_facts import Known, known_of
from governance.recommendation_facts import FACTS
from governance.recommendation_files import default_rules, rules_digest
from governance.recommendation_rules import Answer, recommend
from ledger import claims
from ledger.models import Job, JobState
from monitoring.models import ExperimentLook, Investigation
from registry.models import Deployment, Model

KIND = "governance.recommend"
LOOKED_EVERY = timedelta(days=1)
# Facts that are told by a word: another word is another ground, another number alone is not.
IN_WORDS = tuple(fact.name for fact in FACTS if fact.choices)


def enqueue_recommendations() -> int:
    """A job for every model with a version that serves and is to be looked at; how many."""
    current_table()  # people read and propose rules before anything serves
    due = _never_looked() | _looked_too_long_ago()
    # A job that died is not woken again before a day has passed: it would only die once more.
    waits = Q(state__in=[JobState.DUE, JobState.RUNNING]) | Q(
        state=JobState.DEAD, due_at__gt=timezone.now() - LOOKED_EVERY
    )
    under_way = Job.objects.filter(waits, kind=KIND, subject_id__in=due)
    left = sorted(due - set(under_way.values_list("subject_id", flat=True)))
    for model_id in left:
        with transaction.atomic():
            claims.again(kind=KIND, key=f"model-{model_id}", subject_id=model_id)
    return len(left)


def _never_looked() -> set[int]:
    looks = RecommendationLook.objects.filter(
        version=OuterRef("version"), environment=OuterRef("environment")
    )
    rows = Deployment.objects.filter(~Exists(looks), ended_at__isnull=True)
    return set(rows.values_list("model_id", flat=True))


def _looked_too_long_ago() -> set[int]:
    """Models of which something was said after the last look. One query."""
    at = OuterRef("looked_at")
    model = OuterRef("version__model")
    version = OuterRef("version")
    later = (
        Exists(StatusRow.objects.filter(model=model, valid_from__gt=at))
        | Exists(Finding.objects.filter(Q(opened_at__gt=at) | Q(closed_at__gt=at), model=model))
        | Exists(LifeFact.objects.filter(recorded_at__gt=at, model=model))
        | Exists(Attestation.objects.filter(signed_at__gt=at, model=model))
        | Exists(Investigation.objects.filter(made_at__gt=at, incident__version=version))
        | Exists(_looks_after(version, at))
    )
    old = Q(looked_at__lt=timezone.now() - LOOKED_EVERY) | Q(latest__table__current=False)
    return set(
        RecommendationLook.objects.filter(later | old).values_list("version__model_id", flat=True)
    )


def _looks_after(version: OuterRef, at: OuterRef) -> QuerySet[ExperimentLook]:
    return ExperimentLook.objects.filter(experiment__champion=version, looked_at__gt=at)


def recommend_model(claim: claims.Claim) -> None:
    """Look at every version of one model that serves; a job."""
    model = Model.objects.get(pk=claim.subject_id)
    table = current_table()
    # Facts are read before the lock; what is said meanwhile is later than this, and is looked at.
    began = timezone.now()
    known = known_of(model)
    with transaction.atomic():
        lock_models([model.pk])
        claims.finish(claim=claim)
        changed = sum(_keep(one, table, began) for one in known)
        gone = _forget(model, known)
        if changed or gone:
            rebuild_status(model_ids=[model.pk])


def current_table() -> RuleTable:
    """The table in force; an installation without one gets the one that Ombud starts with."""
    found = RuleTable.objects.filter(current=True).first()
    if found is not None:
        return found
    rules = default_rules()
    number = RuleTable.objects.count() + 1
    with transaction.atomic():
        table = RuleTable.objects.create(number=number, rules=rules, digest=rules_digest(rules))
        record(SYSTEM, GovernanceEvent.RULE_TABLE_SET, table, number=number, digest=table.digest)
    return table


def _keep(known: Known, table: RuleTable, began: Any) -> bool:
    """Note the look, and add a row if something else is said than before; whether it was."""
    answer = recommend(table.rules, known.facts)
    digest = _said_digest(known, answer, table)
    place: dict[str, Any] = {"version": known.version, "environment": known.environment}
    before = RecommendationLook.objects.select_related("latest").filter(**place).first()
    if before is not None and before.said_digest == digest:
        RecommendationLook.objects.filter(pk=before.pk).update(
            looked_at=Greatest(F("looked_at"), began)
        )
        return False
    row = _add(known, answer, table, before.latest if before else None)
    RecommendationLook.objects.update_or_create(
        **place, defaults={"latest": row, "said_digest": digest, "looked_at": began}
    )
    return True


def _said_digest(known: Known, answer: Answer, table: RuleTable) -> str:
    said = {
        "recommend": answer.recommend,
        "rule": answer.rule,
        "table": table.number,
        "unknown": answer.unknown,
        "unwatched": answer.unwatched,
        "words": {name: known.facts[name] for name in IN_WORDS},
    }
    return sha256_of(plain(said))


def _add(
    known: Known, answer: Answer, table: RuleTable, before: Recommendation | None
) -> Recommendation:
    facts = plain(known.facts)
    grounds = [
        {"fact": name, "said": known.said[name], "links": known.links[name]}
        for name in answer.grounds
    ]
    same = before is not None and (before.recommend, before.rule) == (answer.recommend, answer.rule)
    row = Recommendation.objects.create(
        version=known.version,
        environment=known.environment,
        recommend=answer.recommend,
        rule=answer.rule,
        table=table,
        sentence=answer.sentence,
        enough=answer.enough,
        grounds=plain(grounds),
        answer=plain(answer.as_json()),
        facts=facts,
        facts_digest=sha256_of(facts),
        opens=not same,
    )
    _tell(row, before)
    return row


def _tell(row: Recommendation, before: Recommendation | None) -> None:
    record(
        SYSTEM,
        GovernanceEvent.RECOMMENDATION_CHANGED,
        row,
        model=row.version.model.slug,
        version=row.version.number,
        environment=row.environment,
        recommend=row.recommend,
        before=before and before.recommend,
        rule=row.rule,
        table=row.table.number,
        enough=row.enough,
        facts=row.facts_digest,
    )


def _forget(model: Model, known: Collection[Known]) -> int:
    """Versions that serve no longer are not looked at any more; what was said of them stays."""
    there = {(one.version.pk, one.environment) for one in known}
    looks = RecommendationLook.objects.filter(version__model=model)
    places = list(looks.values_list("pk", "version_id", "environment"))
    gone = [pk for pk, version, environment in places if (version, environment) not in there]
    return RecommendationLook.objects.filter(pk__in=gone).delete()[0]

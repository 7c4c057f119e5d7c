"""Auditors' work: samples are drawn, items noted on and concluded; an exception is a finding."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.policies import require
from audit.record import record
from governance import sampling
from governance.events import GovernanceEvent
from governance.jobs.findings import Found, raise_finding
from governance.jobs.locks import lock_models
from governance.models import (
    Conclusion,
    Finding,
    FindingKind,
    FindingSeverity,
    Population,
    Sample,
    SampleEntry,
    SampleItem,
)
from governance.policies import can_audit
from governance.reads.populations import MOST, SOURCES, label_of, numbers_of, rows_of
from governance.refusals import Incomplete, NoSuchStep
from governance.services.proofs import words

ONLY_AUDITORS = "Auditors do this."
LARGEST = 500
# What a finding may link to, by the kind of the item.
LINKED = {"change_request": "change_request", "signoff": "change_request", "incident": "incident"}


@dataclass(frozen=True)
class Draw:
    """What is to be drawn: a population in a period, both days included, a size and a seed."""

    title: str
    population: str
    since: date
    until: date
    size: int
    seed: str
    filters: Mapping[str, str] = field(default_factory=dict)


@transaction.atomic
def draw_sample(*, actor: User, draw: Draw) -> Sample:
    """Draw and keep a sample: the population, its digest and the items with their keys.

    Raises:
        Refused: the actor is no auditor.
        Incomplete: a part is not right, or the population is empty or too large.
    """
    require(can_audit(actor), ONLY_AUDITORS)
    since, until = _period(draw.since, draw.until)
    title, seed = words("title", draw.title, 120), words("seed", draw.seed, 80)
    if draw.population not in Population.values:
        raise Incomplete("population", f"One of {', '.join(Population.values)}.")
    if not 1 <= draw.size <= LARGEST:
        raise Incomplete("size", f"From 1 to {LARGEST}.")
    filters = {name: str(value) for name, value in draw.filters.items() if value}
    numbers = numbers_of(draw.population, since=since, until=until, filters=filters)
    _check(numbers)
    kind = SOURCES[draw.population].kind
    sample = Sample.objects.create(
        title=title,
        population=draw.population,
        filters=filters,
        since=since,
        until=until,
        seed=seed,
        size=draw.size,
        algorithm=sampling.ALGORITHM,
        numbers=numbers,
        population_size=len(numbers),
        population_digest=sampling.digest_of(kind=kind, numbers=numbers),
        drawn_by=actor,
        drawn_by_name=actor.name,
    )
    items = _items(
        sample, kind, sampling.drawn(kind=kind, numbers=numbers, seed=seed, size=draw.size)
    )
    SampleItem.objects.bulk_create(items)
    record(actor, GovernanceEvent.SAMPLE_DRAWN, sample, **_told(sample, items))
    sample.refresh_from_db()
    return sample


def _period(since: date, until: date) -> tuple[datetime, datetime]:
    if until < since:
        raise Incomplete("until", "Not before the first day.")
    if until > timezone.now().date():
        raise Incomplete("until", "Not after today: what is to come cannot be drawn from.")
    first = datetime.combine(since, time(), tzinfo=UTC)
    return first, datetime.combine(until, time(), tzinfo=UTC) + timedelta(days=1)


def _check(numbers: list[int]) -> None:
    if not numbers:
        raise Incomplete("population", "Nothing fits: there is nothing to draw from.")
    if len(numbers) > MOST:
        raise Incomplete("population", f"More than {MOST:,} fit. Take a shorter period or filters.")


def _items(sample: Sample, kind: str, keyed: list[tuple[int, str]]) -> list[SampleItem]:
    rows, source = rows_of(kind, [number for number, _ in keyed]), SOURCES[sample.population]
    return [
        SampleItem(
            sample=sample,
            position=position,
            kind=kind,
            number=number,
            key=key,
            label=label_of(kind, rows[number]),
            model=source.model(rows[number]),
            version=source.version(rows[number]),
        )
        for position, (number, key) in enumerate(keyed, start=1)
    ]


def _told(sample: Sample, items: list[SampleItem]) -> dict[str, Any]:
    return {
        "population": sample.population,
        "filters": sample.filters,
        "since": sample.since,
        "until": sample.until,
        "seed": sample.seed,
        "algorithm": sample.algorithm,
        "population_size": sample.population_size,
        "population_digest": sample.population_digest,
        "items": [sampling.name_of(item.kind, item.number) for item in items],
    }


@transaction.atomic
def note_item(*, actor: User, item_id: int, text: str, shared: bool = False) -> SampleEntry:
    """Write a note on an item: for auditors alone, or shared with the model's team."""
    item = _locked(actor, item_id)
    entry = _entry(item, actor, words("text", text), shared=shared)
    record(actor, GovernanceEvent.SAMPLE_NOTED, item, **_written(entry))
    return entry


@transaction.atomic
def conclude_item(
    *, actor: User, item_id: int, conclusion: str, text: str, shared: bool = False
) -> SampleEntry:
    """Say whether the item shows an exception; a later conclusion stands beside the earlier.

    Raises:
        Incomplete: an unknown conclusion, or no words for it.
    """
    item = _locked(actor, item_id)
    if conclusion not in Conclusion.values:
        raise Incomplete("conclusion", f"One of {', '.join(Conclusion.values)}.")
    entry = _entry(item, actor, words("text", text), shared=shared, conclusion=conclusion)
    record(actor, GovernanceEvent.SAMPLE_CONCLUDED, item, **_written(entry))
    return entry


@transaction.atomic
def raise_exception(
    *, actor: User, item_id: int, severity: str, text: str, due_on: date | None = None
) -> Finding:
    """Conclude an exception and raise the finding of it, which the model's owner owns.

    Raises:
        Incomplete: an unknown severity, no words, or a day gone by.
        NoSuchStep: a finding was raised of this item already.
    """
    item = _locked(actor, item_id)
    said = words("text", text)
    if severity not in FindingSeverity.values:
        raise Incomplete("severity", f"One of {', '.join(FindingSeverity.values)}.")
    if due_on is not None and due_on < timezone.now().date():
        raise Incomplete("due_on", "A day in the future.")
    if item.entries.filter(finding__isnull=False).exists():
        raise NoSuchStep("A finding was raised of this item already.")
    found = Found(
        kind=FindingKind.AUDIT,
        severity=severity,
        title=f"Audit exception: {item.label}"[:200],
        text=said,
        due_on=due_on,
        link=_link(item),
    )
    finding = raise_finding(actor=actor, model=item.model, found=found, version=item.version)
    entry = _entry(item, actor, said, shared=True, conclusion=Conclusion.EXCEPTION, finding=finding)
    record(actor, GovernanceEvent.SAMPLE_CONCLUDED, item, **_written(entry))
    return finding


def _locked(actor: User, item_id: int) -> SampleItem:
    """The item; its model is locked, so that two auditors do not raise the same finding."""
    require(can_audit(actor), ONLY_AUDITORS)
    parts = ("sample", "model__team", "model__owner", "version")
    item = SampleItem.objects.select_related(*parts).get(pk=item_id)
    lock_models([item.model_id])
    return item


def _entry(item: SampleItem, actor: User, text: str, *, shared: bool, **more: Any) -> SampleEntry:
    entry = SampleEntry.objects.create(
        item=item, person=actor, printed_name=actor.name, text=text, shared=shared, **more
    )
    entry.refresh_from_db(fields=["at"])
    return entry


def _written(entry: SampleEntry) -> dict[str, Any]:
    """The trail holds the digest of the words, not the words: administrators read the trail."""
    return {
        "entry": entry.pk,
        "conclusion": str(entry.conclusion),
        "shared": entry.shared,
        "text_sha256": hashlib.sha256(entry.text.encode()).hexdigest(),
        "finding": entry.finding_id,
    }


def _link(item: SampleItem) -> dict[str, Any]:
    """The item as evidence of the finding, where findings link to such a thing."""
    if item.kind not in LINKED:
        return {}
    number = item.number
    if item.kind == "signoff":
        number = rows_of("signoff", [item.number])[item.number].request_id
    return {"kind": LINKED[item.kind], "id": number, "label": item.label}

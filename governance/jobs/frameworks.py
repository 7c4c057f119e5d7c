"""Frameworks from files: a changed file is a new edition, and what changed is written down."""

from datetime import date
from typing import Any

from django.db import transaction

from audit.record import Actor, record
from governance.events import GovernanceEvent
from governance.framework_files import ControlLine, FrameworkFile
from governance.jobs.controls import enqueue_evaluation
from governance.models import Control, Edition, Framework, RuleChange
from registry.models import Model


@transaction.atomic
def store_edition(*, actor: Actor, framework: Framework, file: FrameworkFile) -> Edition | None:
    """The file as the framework's current edition; None if it is what is there already.

    Models that it concerns are evaluated anew by jobs.
    """
    held = Framework.objects.select_for_update(no_key=True).get(pk=framework.pk)
    last = held.editions.filter(current=True).first()
    if last is not None and last.digest == file.digest:
        return None
    before = _digests(last)
    number = last.number + 1 if last else 1
    held.editions.filter(current=True).update(current=False)
    edition = _edition(actor, held, number, file)
    Control.objects.bulk_create(
        _control(edition, position, line) for position, line in enumerate(file.controls)
    )
    changes = _difference(before, {line.id: line.digest for line in file.controls})
    if last is not None:
        _note(edition, changes)
    enqueue_evaluation(_concerned(held))
    record(
        actor,
        GovernanceEvent.FRAMEWORK_LOADED,
        edition,
        framework=held.slug,
        number=number,
        digest=file.digest,
        controls=len(file.controls),
        changes=changes if last else {},
    )
    return edition


def _edition(actor: Actor, held: Framework, number: int, file: FrameworkFile) -> Edition:
    return Edition.objects.create(
        framework=held,
        number=number,
        title=file.title,
        publisher=file.publisher,
        source=file.source,
        note=file.note,
        read_on=file.read_on,
        valid_from=file.valid_from,
        valid_to=file.valid_to,
        digest=file.digest,
        loaded_by_id=actor.pk,
    )


def _control(edition: Edition, position: int, line: ControlLine) -> Control:
    return Control(
        edition=edition,
        identifier=line.id,
        position=position,
        group=line.group,
        line=line.line,
        applies=line.applies.as_dict(),
        rules=list(line.evidence),
        crosswalk=list(line.crosswalk),
        valid_from=line.valid_from,
        valid_to=line.valid_to,
        digest=line.digest,
    )


def _digests(edition: Edition | None) -> dict[str, str]:
    if edition is None:
        return {}
    return dict(edition.controls.values_list("identifier", "digest"))


def _difference(before: dict[str, str], after: dict[str, str]) -> dict[str, list[str]]:
    return {
        "added": sorted(after.keys() - before.keys()),
        "changed": sorted(k for k in after.keys() & before.keys() if after[k] != before[k]),
        "removed": sorted(before.keys() - after.keys()),
    }


def _note(edition: Edition, changes: dict[str, Any]) -> None:
    edition.refresh_from_db(fields=["loaded_at"])
    RuleChange.objects.create(
        edition=edition,
        kind=RuleChange.Kind.EDITION,
        day=edition.loaded_at.date(),
        controls=changes,
    )


def _concerned(framework: Framework) -> list[int]:
    rows = Model.objects.order_by("pk")
    if framework.team_id is not None:
        rows = rows.filter(team=framework.team_id)
    return list(rows.values_list("pk", flat=True))


@transaction.atomic
def follow_dates(*, actor: Actor, today: date) -> int:
    """Write down rules that became or ceased to be valid by today; returns how many are new."""
    new = 0
    for edition in Edition.objects.filter(current=True).select_related("framework"):
        for (kind, day), names in _dates(edition).items():
            if edition.loaded_at.date() < day <= today:
                new += _changed(actor, edition, kind, day, names)
    return new


def _dates(edition: Edition) -> dict[tuple[str, date], list[str]]:
    """On which days which controls of the edition begin and end."""
    found: dict[tuple[str, date], list[str]] = {}
    for control in edition.controls.order_by("position"):
        begins = control.valid_from or edition.valid_from
        ends = control.valid_to or edition.valid_to
        for kind, day in ((RuleChange.Kind.BEGINS, begins), (RuleChange.Kind.ENDS, ends)):
            if day is not None:
                found.setdefault((kind.value, day), []).append(control.identifier)
    return found


def _changed(actor: Actor, edition: Edition, kind: str, day: date, names: list[str]) -> int:
    _, made = RuleChange.objects.get_or_create(
        edition=edition, kind=kind, day=day, defaults={"controls": {"concerned": names}}
    )
    if made:
        enqueue_evaluation(_concerned(edition.framework))
        record(
            actor, GovernanceEvent.RULE_CHANGED, edition, change=kind, day=str(day), controls=names
        )
    return int(made)

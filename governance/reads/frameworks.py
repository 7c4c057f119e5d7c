"""Frameworks as pages and the API show them, and what changed in them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Count
from django.shortcuts import get_object_or_404
from django.utils import timezone

from governance.card_fields import BY_ID
from governance.control_rules import in_force
from governance.models import Assessment, Control, ControlStatus, Edition, Framework, RuleChange
from registry.models import Model

KINDS = {
    "measurement": "the last {monitor} run",
    "monitor": "a {monitor} monitor",
    "card": "card section “{section}”",
    "archive": "an archive, {check}",
    "approval": "an executed request to {change}",
    "document": "a document",
    "risk": "the signed risk questionnaire",
    "attestation": "a signed attestation",
}


@dataclass(frozen=True)
class FrameworkLine:
    """A framework in a list, as its current edition says."""

    id: str
    title: str
    publisher: str
    source: str
    note: str
    team: str
    edition: int
    edition_id: int
    read_on: date
    valid_from: date | None
    valid_to: date | None
    controls: int
    loaded_at: datetime
    digest: str

    @property
    def validity(self) -> str:
        """in_force, ended or coming, today."""
        today = timezone.now().date()
        if in_force(self.valid_from, self.valid_to, today):
            return "in_force"
        return "ended" if self.valid_to is not None and self.valid_to <= today else "coming"


@dataclass(frozen=True)
class Pointer:
    """Where a crosswalk leads."""

    framework: str
    control: str


@dataclass(frozen=True)
class ControlRow:
    """A control as its framework's page shows it."""

    id: str
    group: str
    line: str
    tiers: tuple[str, ...]
    jurisdictions: tuple[str, ...]
    purposes: tuple[str, ...]
    evidence: tuple[str, ...]
    rules: tuple[dict[str, Any], ...]
    crosswalk: tuple[Pointer, ...]
    valid_from: date | None
    valid_to: date | None
    digest: str


@dataclass(frozen=True)
class ChangeLine:
    """A rule that changed, and what it means for the models that a person may see."""

    kind: str
    day: date
    framework: str
    title: str
    edition: int
    controls: Mapping[str, Sequence[str]]
    affected: tuple["AffectedModel", ...]


@dataclass(frozen=True)
class AffectedModel:
    """A model that a changed rule concerns: what is to be assessed anew, what is missing."""

    slug: str
    name: str
    risk_tier: str
    to_assess: tuple[str, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True)
class FrameworkDetail:
    """One framework with its controls and editions."""

    line: FrameworkLine
    controls: tuple[ControlRow, ...]
    editions: tuple[Edition, ...]

    @property
    def groups(self) -> list[tuple[str, list[ControlRow]]]:
        found: dict[str, list[ControlRow]] = {}
        for control in self.controls:
            found.setdefault(control.group, []).append(control)
        return list(found.items())


def frameworks_for(user: Any) -> list[FrameworkLine]:
    """Every framework that the user may see, by title. One query."""
    visible = Framework.objects.visible_to(user)
    rows = Edition.objects.filter(framework__in=visible, current=True)
    rows = rows.select_related("framework__team").annotate(count=Count("controls"))
    return [_line(row) for row in rows.order_by("title")]


def framework_detail(user: Any, slug: str) -> FrameworkDetail:
    """One framework. Four queries.

    Raises:
        Http404: there is none of this id that the user may see.
    """
    framework = get_object_or_404(Framework.objects.visible_to(user), slug=slug)
    editions = tuple(
        framework.editions.select_related("framework__team", "loaded_by").annotate(
            count=Count("controls")
        )
    )
    current = next(edition for edition in editions if edition.current)
    controls = current.controls.order_by("position")
    return FrameworkDetail(_line(current), tuple(control_row(one) for one in controls), editions)


def control_row(control: Control) -> ControlRow:
    return ControlRow(
        id=control.identifier,
        group=control.group,
        line=control.line,
        tiers=tuple(control.applies.get("tiers", ())),
        jurisdictions=tuple(control.applies.get("jurisdictions", ())),
        purposes=tuple(control.applies.get("purposes", ())),
        evidence=tuple(rule_words(rule) for rule in control.rules),
        rules=tuple(control.rules),
        crosswalk=tuple(Pointer(*one.split(":", 1)) for one in control.crosswalk),
        valid_from=control.valid_from,
        valid_to=control.valid_to,
        digest=control.digest,
    )


def rule_words(rule: Mapping[str, Any]) -> str:
    """An evidence rule as a person reads it."""
    parts = {name: str(value).replace("_", " ") for name, value in rule.items()}
    if "section" in rule:
        parts["section"] = BY_ID[rule["section"]].title if rule["section"] in BY_ID else "?"
    said = KINDS[rule["kind"]].format_map(parts)
    days = f", within {rule['within_days']} days" if "within_days" in rule else ""
    verdicts = f", {' or '.join(rule['verdicts'])}" if "verdicts" in rule else ""
    return f"{said}{verdicts}{days}"


def changes_of(user: Any, slug: str) -> list[ChangeLine]:
    """What changed in a framework, newest first, with the models it affects. Four queries."""
    visible = Framework.objects.visible_to(user).filter(slug=slug)
    rows = RuleChange.objects.filter(edition__framework__in=visible)
    changes = list(rows.select_related("edition__framework")[:50])
    if not changes:
        return []
    statuses = list(
        ControlStatus.objects.visible_to(user)
        .filter(control__edition__framework__in=visible, control__edition__current=True)
        .select_related("control", "model")
        .order_by("model__name", "control__position")
    )
    held = _held(user, visible, {status.model_id for status in statuses})
    return [_change(change, statuses, held) for change in changes]


Held = dict[tuple[int, str], str]


def _held(user: Any, frameworks: Any, models: Iterable[int]) -> Held:
    """The digest of the rule that each assessment in force met."""
    rows = Assessment.objects.visible_to(user).filter(
        framework__in=frameworks, model__in=models, current=True, lapsed_at__isnull=True
    )
    listed = rows.values_list("model", "identifier", "control_digest")
    return {(model, identifier): digest for model, identifier, digest in listed}


def _change(change: RuleChange, statuses: Sequence[ControlStatus], held: Held) -> ChangeLine:
    names = {
        name for part, listed in change.controls.items() if part != "removed" for name in listed
    }
    by_model: dict[Model, list[ControlStatus]] = {}
    for status in statuses:
        if status.control.identifier in names:
            by_model.setdefault(status.model, []).append(status)
    affected = (_affected(model, rows, held) for model, rows in by_model.items())
    return ChangeLine(
        kind=change.kind,
        day=change.day,
        framework=change.edition.framework.slug,
        title=change.edition.title,
        edition=change.edition.number,
        controls=change.controls,
        affected=tuple(affected),
    )


def _affected(model: Model, rows: Sequence[ControlStatus], held: Held) -> AffectedModel:
    return AffectedModel(
        slug=model.slug,
        name=model.name,
        risk_tier=model.risk_tier,
        to_assess=tuple(
            row.control.identifier
            for row in rows
            if held.get((model.pk, row.control.identifier)) != row.control.digest
        ),
        missing=tuple(
            f"{row.control.identifier}: {one['message']}"
            for row in rows
            for one in row.results
            if not one["passed"]
        ),
    )


def _line(row: Any) -> FrameworkLine:
    return FrameworkLine(
        id=row.framework.slug,
        title=row.title,
        publisher=row.publisher,
        source=row.source,
        note=row.note,
        team=row.framework.team.name if row.framework.team else "",
        edition=row.number,
        edition_id=row.pk,
        read_on=row.read_on,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        controls=row.count,
        loaded_at=row.loaded_at,
        digest=row.digest,
    )

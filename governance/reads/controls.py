"""Controls of models: prepared rule answers beside people's judgements, counted and in a matrix."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils import timezone

from governance.models import (
    Assessment,
    AttachedEvidence,
    Control,
    ControlStatus,
    Framework,
    ModelScope,
    Waiver,
)
from governance.policies import can_ask_waiver, can_assess, can_attach, can_set_scope
from governance.reads.frameworks import (
    ControlRow,
    FrameworkLine,
    control_row,
    frameworks_for,
)
from governance.states import WaiverState
from registry.models import Model

# From the best to what needs a person most; `proposed` is a rule's word that nobody confirmed.
STATES = (
    *("met", "waived", "partly", "proposed", "outdated", "lapsed", "unassessed", "not"),
    "not_applicable",
)
PER_PAGE = 25


@dataclass(frozen=True)
class RuleLine:
    """What one evidence rule found; `mend` says what kind of thing is missing."""

    kind: str
    passed: bool
    message: str
    mend: str
    reference: dict[str, Any]


@dataclass(frozen=True)
class AssessmentLine:
    """A person's judgement, and why it does not hold any more if so."""

    id: int
    result: str
    proposed: str
    reason: str
    name: str
    at: datetime
    expires_on: date | None
    edition: int
    control_digest: str
    lapsed_at: datetime | None
    lapse_reason: str
    current: bool
    evidence: dict[str, Any]


@dataclass(frozen=True)
class ControlCell:
    """One control of one model."""

    framework: str
    control: str
    group: str
    line: str
    digest: str
    state: str
    proposal: str
    rules: tuple[RuleLine, ...]
    assessment: AssessmentLine | None
    waived_until: date | None
    valid_from: date | None
    evaluated_at: datetime

    @property
    def missing(self) -> tuple[RuleLine, ...]:
        """What no rule found; the same sentence only once."""
        return tuple({rule.message: rule for rule in self.rules if not rule.passed}.values())

    @property
    def coming(self) -> bool:
        """Not valid yet: prepared for, not owed."""
        return self.valid_from is not None and self.valid_from > timezone.now().date()


@dataclass(frozen=True)
class Share:
    """How much of a framework a model meets: counts by state, of what is owed today."""

    framework: FrameworkLine
    cells: tuple[ControlCell, ...]

    @property
    def counts(self) -> dict[str, int]:
        found = Counter(cell.state for cell in self.cells if not cell.coming)
        return {state: found[state] for state in STATES if found[state]}

    @property
    def owed(self) -> int:
        return sum(n for state, n in self.counts.items() if state != "not_applicable")

    @property
    def met(self) -> int:
        return self.counts.get("met", 0)

    @property
    def coming(self) -> int:
        return sum(1 for cell in self.cells if cell.coming)

    @property
    def share(self) -> float | None:
        return self.met / self.owed if self.owed else None

    @property
    def to_confirm(self) -> int:
        return sum(1 for cell in self.cells if cell.state == "proposed" and not cell.coming)

    @property
    def groups(self) -> list[tuple[str, list[ControlCell]]]:
        found: dict[str, list[ControlCell]] = {}
        for cell in self.cells:
            found.setdefault(cell.group, []).append(cell)
        return list(found.items())


@dataclass(frozen=True)
class Compliance:
    """A model's page of controls."""

    model: Model
    jurisdictions: tuple[str, ...]
    purposes: tuple[str, ...]
    shares: tuple[Share, ...]
    others: tuple[FrameworkLine, ...]
    known_places: tuple[str, ...]
    known_purposes: tuple[str, ...]
    can_set_scope: bool


@dataclass(frozen=True)
class ControlPage:
    """One control of one model: rules, evidence, judgements."""

    model: Model
    control: Control
    row: ControlRow
    cell: ControlCell
    framework: FrameworkLine
    history: tuple[AssessmentLine, ...]
    attached: tuple[AttachedEvidence, ...]
    waivers: tuple[Waiver, ...]
    can_assess: bool
    can_attach: bool
    can_ask_waiver: bool


@dataclass(frozen=True)
class MatrixRow:
    """A model in the matrix: one share per framework, or one cell per control (None: not its)."""

    slug: str
    name: str
    risk_tier: str
    shares: tuple[Share | None, ...]
    cells: tuple[ControlCell | None, ...]


@dataclass(frozen=True)
class Matrix:
    """Models × frameworks, or models × controls of one framework."""

    frameworks: tuple[FrameworkLine, ...]
    chosen: FrameworkLine | None
    columns: tuple[Control, ...]
    rows: tuple[MatrixRow, ...]
    page: int
    pages: int
    total: int


def compliance(user: Any, slug: str) -> Compliance:
    """Every control that concerns one model. Seven queries.

    Raises:
        Http404: there is none of this name that the user may see.
    """
    model = _model(user, slug)
    scope = ModelScope.objects.filter(model=model).first()
    lines = frameworks_for(user)
    cells = cells_of([model.pk])
    shares = tuple(_shares(lines, cells.get(model.pk, [])))
    known = list(
        Control.objects.filter(edition__in=[line.edition_id for line in lines]).values_list(
            "applies", flat=True
        )
    )
    concerned = {share.framework.id for share in shares}
    return Compliance(
        model=model,
        jurisdictions=tuple(scope.jurisdictions) if scope else (),
        purposes=tuple(scope.purposes) if scope else (),
        shares=shares,
        others=tuple(line for line in lines if line.id not in concerned),
        known_places=_known(known, "jurisdictions"),
        known_purposes=_known(known, "purposes"),
        can_set_scope=can_set_scope(user, model),
    )


def control_page(user: Any, slug: str, framework: str, identifier: str) -> ControlPage:
    """One control of one model. A fixed number of queries.

    Raises:
        Http404: no such model, framework or control that the user may see and that concerns it.
    """
    model, control = _model(user, slug), current_control(user, framework, identifier)
    cells = cells_of([model.pk], control=control).get(model.pk, [])
    if not cells:
        raise Http404("This control does not concern the model.")
    about = {"model": model, "framework": control.edition.framework, "identifier": identifier}
    history = Assessment.objects.filter(**about).select_related("control__edition")
    attached = AttachedEvidence.objects.filter(**about).select_related("added_by")
    waivers = Waiver.objects.filter(**about).select_related("asked_by", "decided_by")
    line = next(one for one in frameworks_for(user) if one.id == framework)
    return ControlPage(
        model=model,
        control=control,
        row=control_row(control),
        cell=cells[0],
        framework=line,
        history=tuple(assessment_line(row) for row in history),
        attached=tuple(attached),
        waivers=tuple(waivers),
        can_assess=can_assess(user, model),
        can_attach=can_attach(user, model),
        can_ask_waiver=can_ask_waiver(user, model),
    )


def current_control(user: Any, framework: str, identifier: str) -> Control:
    """A control of a framework's current edition.

    Raises:
        Http404: there is none that the user may see.
    """
    visible = Framework.objects.visible_to(user).filter(slug=framework)
    rows = Control.objects.filter(edition__framework__in=visible, edition__current=True)
    return get_object_or_404(rows.select_related("edition__framework"), identifier=identifier)


def matrix(user: Any, *, framework: str = "", tier: str = "", page: int = 1) -> Matrix:
    """Models × frameworks; with `framework`, models × its controls. Seven queries."""
    lines = frameworks_for(user)
    chosen = next((line for line in lines if line.id == framework), None)
    models = Model.objects.visible_to(user).order_by("name")
    models = models.filter(risk_tier=tier) if tier else models
    total = models.count()
    pages = max(1, -(-total // PER_PAGE))
    number = min(max(page, 1), pages)
    shown = list(models[(number - 1) * PER_PAGE : number * PER_PAGE])
    cells = cells_of([model.pk for model in shown], framework=chosen.id if chosen else "")
    columns = Control.objects.filter(edition=chosen.edition_id if chosen else 0)
    listed = tuple(columns.order_by("position"))
    rows = (_row(model, lines, listed, cells.get(model.pk, [])) for model in shown)
    return Matrix(tuple(lines), chosen, listed, tuple(rows), number, pages, total)


def cells_of(
    model_ids: Sequence[int], *, framework: str = "", control: Control | None = None
) -> dict[int, list[ControlCell]]:
    """The controls of these models, by model, in the order of their files. Three queries."""
    rows = ControlStatus.objects.filter(model__in=model_ids, control__edition__current=True)
    held = Assessment.objects.filter(model__in=model_ids, current=True)
    waived = Waiver.objects.filter(
        model__in=model_ids, state=WaiverState.GRANTED, framework__isnull=False
    )
    if framework:
        rows = rows.filter(control__edition__framework__slug=framework)
        held, waived = (
            held.filter(framework__slug=framework),
            waived.filter(framework__slug=framework),
        )
    if control is not None:
        rows = rows.filter(control=control)
    rows = rows.select_related("control__edition__framework")
    judged = {
        (row.model_id, row.framework_id, row.identifier): assessment_line(row)
        for row in held.select_related("control__edition")
    }
    until = {(w.model_id, w.framework_id, w.identifier): w.expires_on for w in waived}
    found: dict[int, list[ControlCell]] = {}
    for row in rows.order_by("control__edition__title", "control__position"):
        key = (row.model_id, row.control.edition.framework_id, row.control.identifier)
        found.setdefault(row.model_id, []).append(_cell(row, judged.get(key), until.get(key)))
    return found


def _cell(
    row: ControlStatus, judged: AssessmentLine | None, waived_until: date | None
) -> ControlCell:
    control = row.control
    starts = [day for day in (control.valid_from, control.edition.valid_from) if day]
    return ControlCell(
        framework=control.edition.framework.slug,
        control=control.identifier,
        group=control.group,
        line=control.line,
        digest=control.digest,
        state=_state(row, judged, waived_until),
        proposal=row.proposal,
        rules=tuple(_rule(one) for one in row.results),
        assessment=judged,
        waived_until=waived_until,
        valid_from=max(starts) if starts else None,
        evaluated_at=row.evaluated_at,
    )


def _state(row: ControlStatus, judged: AssessmentLine | None, waived_until: date | None) -> str:
    """What counts: a judgement that holds, else a waiver, else why there is none."""
    holds = (
        judged is not None
        and judged.lapsed_at is None
        and judged.control_digest == row.control.digest
    )
    if judged is not None and holds and judged.result in {"met", "not_applicable"}:
        return judged.result
    if waived_until is not None:
        return "waived"
    if judged is not None:
        if holds:
            return judged.result
        return "lapsed" if judged.lapsed_at is not None else "outdated"
    return "proposed" if row.proposal == "met" else "unassessed"


def _rule(one: dict[str, Any]) -> RuleLine:
    return RuleLine(one["kind"], one["passed"], one["message"], one["mend"], one["reference"])


def assessment_line(row: Assessment) -> AssessmentLine:
    return AssessmentLine(
        id=row.pk,
        result=row.result,
        proposed=row.proposed,
        reason=row.reason,
        name=row.printed_name,
        at=row.at,
        expires_on=row.expires_on,
        edition=row.control.edition.number,
        control_digest=row.control_digest,
        lapsed_at=row.lapsed_at,
        lapse_reason=row.lapse_reason,
        current=row.current,
        evidence=row.evidence,
    )


def _model(user: Any, slug: str) -> Model:
    rows = Model.objects.visible_to(user).select_related("team", "owner")
    return get_object_or_404(rows, slug=slug)


def _known(applies: Iterable[dict[str, list[str]]], name: str) -> tuple[str, ...]:
    """Every word that some framework distinguishes models by."""
    return tuple(sorted({word for one in applies for word in one.get(name, ())}))


def _shares(lines: Iterable[FrameworkLine], cells: Sequence[ControlCell]) -> Iterable[Share]:
    for line in lines:
        ours = tuple(cell for cell in cells if cell.framework == line.id)
        if ours:
            yield Share(line, ours)


def _row(
    model: Model,
    lines: Sequence[FrameworkLine],
    columns: Sequence[Control],
    cells: Sequence[ControlCell],
) -> MatrixRow:
    shares = {share.framework.id: share for share in _shares(lines, cells)}
    named = {cell.control: cell for cell in cells}
    return MatrixRow(
        slug=model.slug,
        name=model.name,
        risk_tier=model.risk_tier,
        shares=tuple(shares.get(line.id) for line in lines),
        cells=tuple(named.get(column.identifier) for column in columns),
    )

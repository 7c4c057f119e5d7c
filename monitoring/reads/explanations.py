"""Explanations as pages, receipts and the API show them: numbers, and the same in words."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count

from monitoring.models import (
    Explanation,
    ExplanationPolicy,
    ExplanationState,
    Importance,
)
from monitoring.reads.baselines import schema_of
from registry.models import Version
from registry.schemas import PredictionSchema

SHARE = "share"
METHODS = {
    "tree": "exact, from the model's own trees",
    "linear": "exact, from the model's own weights",
    "exact": "exact, over every set of features",
    "permutation": "over orders that were drawn with a seed",
}
SMALLEST = 1e-6
NAMED = 3  # features that the sentence names
LONGEST = 60
MIDDLE, HALF = 50.0, 48.0  # of a bar that is 100 wide


@dataclass(frozen=True)
class Part:
    """One feature's share in an answer; `x` and `width` draw it, 100 is the whole bar."""

    feature: str
    value: str
    contribution: float
    error: float
    said: str
    raised: bool
    x: float
    width: float


@dataclass(frozen=True)
class Explained:
    """One explanation; only one that adds up has parts."""

    id: int
    model: str
    version: int
    prediction_id: str
    at: datetime
    state: str
    state_words: str
    origin: str
    reason: str
    said: str
    unit: str
    answer: float | None
    base: float | None
    answer_said: str
    base_said: str
    parts: tuple[Part, ...]
    gap: float | None
    tolerance: float | None
    gap_said: str
    tolerance_said: str
    method: str
    method_words: str
    seed: int
    artifact_digest: str
    inputs_digest: str
    background_digest: str
    digest: str
    asked_by: str
    asked_at: datetime
    done_at: datetime | None


@dataclass(frozen=True)
class Weight:
    """How much answers rest on one feature; widths draw it, 100 is the largest."""

    feature: str
    size: float
    low: float
    high: float
    said: str
    interval: str
    width: float
    shuffled: float
    shuffled_said: str
    shuffled_interval: str


@dataclass(frozen=True)
class Rests:
    """What a version's answers rest on, over its reference."""

    id: int
    model: str
    version: int
    state: str
    state_words: str
    reason: str
    unit: str
    loss: str
    weights: tuple[Weight, ...]
    rows: int
    explained_rows: int
    method: str
    method_words: str
    note: str
    largest_gap: float | None
    tolerance: float | None
    gap_said: str
    tolerance_said: str
    seed: int
    artifact_digest: str
    reference_digest: str
    background_digest: str
    digest: str
    done_at: datetime | None


def explanation_for(version: Version, prediction_id: str, at: datetime) -> Explained | None:
    """The explanation of one answer of a version, whatever became of it. One query."""
    rows = Explanation.objects.filter(version=version, prediction_id=prediction_id, at=at)
    found = rows.select_related("version__model", "version__schema", "asked_by").first()
    return None if found is None else told(found)


def explanation_of(user: Any, explanation_id: int) -> Explained | None:
    """One explanation that the user may see."""
    rows = Explanation.objects.visible_to(user).filter(pk=explanation_id)
    found = rows.select_related("version__model", "version__schema", "asked_by").first()
    return None if found is None else told(found)


def explanations_of(
    user: Any, model_id: int, *, prediction_id: str = "", most: int = 50
) -> list[Explained]:
    """The newest explanations of a model, or those of one prediction."""
    rows = Explanation.objects.visible_to(user).filter(version__model=model_id)
    if prediction_id:
        rows = rows.filter(prediction_id=prediction_id)
    ordered = rows.order_by("-asked_at", "-pk")
    found = ordered.select_related("version__model", "version__schema", "asked_by")[:most]
    return [told(one) for one in found]


def counts_of(model_id: int) -> dict[str, int]:
    """How many explanations of a model are in which state."""
    rows = Explanation.objects.filter(version__model=model_id).order_by().values_list("state")
    return dict.fromkeys(ExplanationState.values, 0) | dict(rows.annotate(n=Count("pk")))


def policy_of(user: Any, model_id: int) -> ExplanationPolicy | None:
    rows = ExplanationPolicy.objects.visible_to(user).filter(model=model_id)
    return rows.select_related("changed_by").first()


def rests_on(user: Any, version_id: int) -> Rests | None:
    """What a version's answers rest on; the newest, whatever became of it."""
    rows = Importance.objects.visible_to(user).filter(version=version_id).order_by("-pk")
    found = rows.select_related("version__model", "version__schema").defer("contributions").first()
    return None if found is None else _rests(found)


def told(row: Explanation) -> Explained:
    """A stored explanation with its words."""
    schema = schema_of(row.version)
    unit = unit_of(schema, row.unit)
    parts = _parts(row, schema, unit)
    return Explained(
        id=row.pk,
        model=row.version.model.slug,
        version=row.version.number,
        prediction_id=row.prediction_id,
        at=row.at,
        state=row.state,
        state_words=row.get_state_display(),
        origin=row.origin,
        reason=row.reason,
        said=_said(row, parts, unit),
        unit=row.unit,
        answer=row.answer,
        base=row.base,
        answer_said=level(row.answer, unit),
        base_said=level(row.base, unit),
        parts=parts,
        gap=row.gap,
        tolerance=row.tolerance,
        gap_said=missed(row.gap, unit),
        tolerance_said=missed(row.tolerance, unit),
        method=row.method,
        method_words=METHODS.get(row.method, row.method),
        seed=row.seed,
        artifact_digest=row.artifact_digest,
        inputs_digest=row.inputs_digest,
        background_digest=row.background_digest,
        digest=row.digest,
        asked_by=row.asked_by.name if row.asked_by else "",
        asked_at=row.asked_at,
        done_at=row.done_at,
    )


def unit_of(schema: PredictionSchema | None, unit: str) -> str:
    """`share`, or the unit of the model's prediction as its schema declares it."""
    if unit == SHARE or schema is None:
        return unit
    return schema.prediction.unit


def level(number: float | None, unit: str) -> str:
    """An answer with its unit."""
    if number is None:
        return "–"
    if unit == SHARE:
        return f"{100 * number:.1f}\u202f%"
    return f"{_plain(number)}\u00a0{unit}".strip() if unit else _plain(number)


def amount(number: float, unit: str) -> str:
    """A change of an answer with its unit; of shares in percentage points."""
    if unit == SHARE:
        return f"{100 * number:.1f} percentage points"
    return f"{_plain(number)} {unit}" if unit else _plain(number)


def missed(number: float | None, unit: str) -> str:
    """By how much parts miss an answer: of shares in percentage points."""
    if number is None:
        return "–"
    if not number:
        return "nothing at all"
    size, words = (100 * number, "percentage points") if unit == SHARE else (number, unit)
    told = "less than 0.000001" if size < SMALLEST else f"{size:.1g}"
    return f"{told} {words}".strip()


def _plain(number: float) -> str:
    size = abs(number)
    if size >= 1000:
        return f"{number:,.0f}"
    return f"{number:.3g}"


def _parts(row: Explanation, schema: PredictionSchema | None, unit: str) -> tuple[Part, ...]:
    if row.state != ExplanationState.DONE:
        return ()
    ordered = sorted(row.contributions, key=lambda one: -abs(one["contribution"]))
    top = max((abs(one["contribution"]) for one in ordered), default=0.0) or 1.0
    units = {field.name: field.unit for field in schema.fields} if schema else {}
    return tuple(_part(one, units.get(one["feature"], ""), unit, top) for one in ordered)


def _part(one: dict[str, Any], field_unit: str, unit: str, top: float) -> Part:
    size = float(one["contribution"])
    width = HALF * abs(size) / top
    return Part(
        feature=one["feature"],
        value=_value(one["value"], field_unit),
        contribution=size,
        error=float(one["error"] or 0.0),
        said=f"{'+' if size >= 0 else '−'}{amount(abs(size), unit)}",
        raised=size >= 0,
        x=round(MIDDLE if size >= 0 else MIDDLE - width, 2),
        width=round(max(width, 0.4), 2),
    )


def _value(value: Any, unit: str) -> str:
    if value is None:
        return "missing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        value = f"{value:,.0f}" if value.is_integer() and abs(value) < 1e9 else f"{value:.4g}"
    return f"{value} {unit}".strip()[:LONGEST]


def _said(row: Explanation, parts: tuple[Part, ...], unit: str) -> str:
    if row.state == ExplanationState.DUE:
        return "It is being computed."
    if row.state == ExplanationState.REFUSED:
        return f"It could not be explained. {row.reason}"
    if row.state == ExplanationState.FAILED:
        return f"No explanation is shown: {row.reason[:1].lower()}{row.reason[1:]}"
    what = "chance" if unit == SHARE else "answer"
    begun = (
        f"The {what} was {level(row.answer, unit)}; over the reference it is usually "
        f"{level(row.base, unit)}."
    )
    named = [_moved(one) for one in parts[:NAMED] if one.contribution]
    if not named:
        return f"{begun} No feature moved it."
    rest = " The other features moved it less." if len(parts) > len(named) else ""
    return f"{begun} What moved it most: {_and(named)}.{rest}"


def _moved(one: Part) -> str:
    verb = "raised" if one.raised else "lowered"
    return f"{one.feature} ({one.value}) {verb} it by {one.said[1:]}"


def _and(named: list[str]) -> str:
    return named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"


def _rests(row: Importance) -> Rests:
    numbers = row.numbers if row.state == ExplanationState.DONE else {}
    unit = unit_of(schema_of(row.version), row.unit)
    return Rests(
        id=row.pk,
        model=row.version.model.slug,
        version=row.version.number,
        state=row.state,
        state_words=row.get_state_display(),
        reason=row.reason,
        unit=row.unit,
        loss=numbers.get("loss", ""),
        weights=_weights(numbers, unit),
        rows=numbers.get("rows", 0),
        explained_rows=numbers.get("explained_rows", 0),
        method=row.method,
        method_words=METHODS.get(row.method, row.method),
        note=numbers.get("note", ""),
        largest_gap=numbers.get("largest_gap"),
        tolerance=numbers.get("tolerance"),
        gap_said=missed(numbers.get("largest_gap"), unit),
        tolerance_said=missed(numbers.get("tolerance"), unit),
        seed=row.seed,
        artifact_digest=row.artifact_digest,
        reference_digest=row.reference_digest,
        background_digest=row.background_digest,
        digest=row.digest,
        done_at=row.done_at,
    )


def _weights(numbers: dict[str, Any], unit: str) -> tuple[Weight, ...]:
    lines = sorted(numbers.get("features", []), key=lambda one: -(one["size"]["value"] or 0.0))
    top = max((one["size"]["value"] or 0.0 for one in lines), default=0.0) or 1.0
    return tuple(_weight(one, unit, top) for one in lines)


def _weight(one: dict[str, Any], unit: str, top: float) -> Weight:
    size, low, high = (float(one["size"][name] or 0.0) for name in ("value", "low", "high"))
    shuffled = {name: float(one["shuffled"][name] or 0.0) for name in ("value", "low", "high")}
    return Weight(
        feature=one["feature"],
        size=size,
        low=low,
        high=high,
        said=amount(size, unit),
        interval=f"{_short(max(low, 0.0), unit)} to {amount(high, unit)}",
        width=round(100 * size / top, 2),
        shuffled=shuffled["value"],
        shuffled_said=f"{shuffled['value']:.3g}",
        shuffled_interval=f"{shuffled['low']:.3g} to {shuffled['high']:.3g}",
    )


def _short(number: float, unit: str) -> str:
    return f"{100 * number:.1f}" if unit == SHARE else _plain(number)

"""Models: registered by developers of a team, changed by them; the tier is lowered by others."""

import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NotRequired, TypedDict, Unpack

from django.core.validators import validate_slug
from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from accounts.models import Team, User
from accounts.policies import require
from audit.record import record
from ledger import claims
from registry.events import RegistryEvent
from registry.models import Model, RiskTier, TaskType
from registry.policies import OWNERS_ONLY, can_change_model, can_register, can_set_tier
from registry.refusals import AlreadyThere, ChangedSince, ModelInvalid

DEFAULT_HORIZON_HOURS = 24 * 14
# How many texts a list holds, and how long each may be.
TEXTS = {"kpis": (20, 200), "requirements": (20, 400), "components": (20, 40)}
MAX_PURPOSE = 5_000
CHANGEABLE = frozenset(
    {
        "name",
        "owner_id",
        "components",
        "outcome_horizon_hours",
        "mlflow_name",
    }
)
# What a model is for: changed with a reason, because approvals were given under it.
PURPOSE = ("purpose", "kpis", "requirements")


class ModelFacts(TypedDict):
    """What is said of a model when it is registered; without an owner it is the actor's."""

    name: str
    purpose: str
    task: str
    risk_tier: str
    owner_id: NotRequired[int | None]
    kpis: NotRequired[Sequence[str]]
    requirements: NotRequired[Sequence[str]]
    components: NotRequired[Sequence[str]]
    outcome_horizon_hours: NotRequired[int]
    mlflow_name: NotRequired[str | None]


@transaction.atomic
def register_model(*, actor: User, slug: str, team_id: int, **facts: Unpack[ModelFacts]) -> Model:
    """Register a model of a team.

    Raises:
        Refused: the actor is no developer of that team.
        ModelInvalid, AlreadyThere: what is wrong with it, in a sentence.
    """
    require(can_register(actor, team_id), OWNERS_ONLY)
    model = Model(
        slug=slug,
        name=facts["name"].strip(),
        purpose=facts["purpose"].strip(),
        team=Team.objects.get(pk=team_id),
        owner_id=facts.get("owner_id") or actor.pk,
        task=facts["task"],
        risk_tier=facts["risk_tier"],
        kpis=list(facts.get("kpis", ())),
        requirements=list(facts.get("requirements", ())),
        components=list(facts.get("components", ())),
        outcome_horizon_hours=facts.get("outcome_horizon_hours", DEFAULT_HORIZON_HOURS),
        mlflow_name=facts.get("mlflow_name"),
    )
    _check(model)
    _save(model)
    model.refresh_from_db()
    record(actor, RegistryEvent.MODEL_REGISTERED, model, **_facts(model))
    return model


@transaction.atomic
def change_model(
    *,
    actor: User,
    model_id: int,
    changes: Mapping[str, Any],
    unchanged_since: datetime | None = None,
) -> Model:
    """Change what a model says of itself (see CHANGEABLE); purpose and tier have their own ways.

    Raises:
        ChangedSince: it was changed after `unchanged_since`, when the actor had read it.
        Refused: not of the team.
        ModelInvalid: an unknown field or a value that cannot be accepted.
    """
    model = Model.objects.select_for_update(no_key=True).get(pk=model_id)
    require(can_change_model(actor, model.team_id), OWNERS_ONLY)
    if unchanged_since is not None and model.changed_at != unchanged_since:
        raise ChangedSince(f"{model.name} was changed {model.changed_at:%Y-%m-%d %H:%M:%S} UTC.")
    changes = _without_signed(model, changes)
    _check_names(changes)
    before = _facts(model)
    _refuse_moving_in_mlflow(model, changes)
    for field, value in changes.items():
        setattr(model, field, value.strip() if field == "name" else value)
    _check(model)
    changed = {key: value for key, value in _facts(model).items() if value != before[key]}
    if not changed:
        return model
    _save(model, changed_at=Now())
    model.refresh_from_db()
    old = {key: before[key] for key in changed}
    if model.mlflow_name:
        claims.again(kind="registry.push", key=str(model.pk), subject_id=model.pk)
    record(actor, RegistryEvent.MODEL_CHANGED, model, before=old, after=changed)
    return model


@transaction.atomic
def set_tier(*, actor: User, model_id: int, tier: str) -> Model:
    """Set the tier that follows from a signed questionnaire: governance calls this.

    Raises:
        Refused: not of the team, or a developer lowering it.
        ModelInvalid: there is no such tier.
    """
    model = Model.objects.select_for_update(no_key=True).get(pk=model_id)
    _check_tier(tier)
    before = str(model.risk_tier)
    require(
        can_set_tier(actor, model.team_id, before=before, after=tier),
        "Only the team's risk officer lowers a risk tier: it decides who must approve.",
    )
    if before == tier:
        return model
    model.risk_tier = tier
    _save(model, changed_at=Now())
    model.refresh_from_db()
    if model.mlflow_name:
        claims.again(kind="registry.push", key=str(model.pk), subject_id=model.pk)
    old, new = {"risk_tier": before}, {"risk_tier": tier}
    record(actor, RegistryEvent.MODEL_CHANGED, model, before=old, after=new)
    return model


@transaction.atomic
def change_purpose(
    *, actor: User, model_id: int, changes: Mapping[str, Any], reason: str
) -> tuple[Model, dict[str, Any]]:
    """Change what a model is for, its KPIs or what the business asks of it; with what was before.

    Governance calls this, because approvals hold for what they were given under.

    Raises:
        Refused: not of the team.
        ModelInvalid: a value that cannot be accepted, or nothing that changes.
    """
    model = Model.objects.select_for_update(no_key=True).get(pk=model_id)
    require(can_change_model(actor, model.team_id), OWNERS_ONLY)
    before = {name: getattr(model, name) for name in PURPOSE}
    for name in sorted(changes.keys() - set(PURPOSE)):
        raise ModelInvalid(f"{name}: is no part of the purpose; {', '.join(PURPOSE)} are.")
    for name, value in changes.items():
        setattr(model, name, value.strip() if isinstance(value, str) else value)
    _check(model)
    after = {name: getattr(model, name) for name in PURPOSE if getattr(model, name) != before[name]}
    if not after:
        raise ModelInvalid("purpose: nothing changes; purpose, KPIs and requirements are as said.")
    _save(model, changed_at=Now())
    model.refresh_from_db()
    old = {name: before[name] for name in after}
    record(actor, RegistryEvent.PURPOSE_CHANGED, model, before=old, after=after, reason=reason)
    return model, before


def _check(model: Model) -> None:
    """Everything a person may get wrong, said before the database refuses it."""
    try:
        validate_slug(model.slug)
    except Exception as error:
        raise ModelInvalid(
            "slug: use letters, digits, hyphens and underscores, as in flight-delay."
        ) from error
    if len(model.slug) > 80 or not 1 <= len(model.name) <= 120:
        raise ModelInvalid("slug: at most 80 characters; name: 1 to 120 characters.")
    if not 1 <= len(model.purpose) <= MAX_PURPOSE:
        raise ModelInvalid(f"purpose: say what it is for, in 1 to {MAX_PURPOSE} characters.")
    if model.task not in TaskType.values:
        raise ModelInvalid(f"task: one of {', '.join(TaskType.values)}.")
    _check_tier(model.risk_tier)
    _check_texts(model)
    if not 1 <= model.outcome_horizon_hours <= 24 * 366 * 5:
        raise ModelInvalid("outcome_horizon_hours: between one hour and five years.")
    if model.mlflow_name is not None and not _is_mlflow_name(model.mlflow_name):
        raise ModelInvalid("mlflow_name: 1 to 256 printable characters without '/' and ':'.")
    _check_owner(model)


def _check_tier(tier: Any) -> None:
    if tier not in RiskTier.values:
        raise ModelInvalid(f"risk_tier: one of {', '.join(RiskTier.values)}.")


def _check_texts(model: Model) -> None:
    for name, (most, longest) in TEXTS.items():
        texts = getattr(model, name)
        listed = isinstance(texts, list) and all(isinstance(text, str) for text in texts)
        if not listed or len(texts) > most or any(not 1 <= len(t) <= longest for t in texts):
            raise ModelInvalid(
                f"{name}: a list of at most {most} texts of 1 to {longest} characters."
            )
    if len(set(model.components)) < len(model.components):
        raise ModelInvalid("components: each stage of the pipeline has a name of its own.")


def _check_owner(model: Model) -> None:
    owner = User.objects.filter(pk=model.owner_id, is_active=True).first()
    if owner is None or not (owner.team_ids & {model.team_id}):
        raise ModelInvalid("owner: name an active member of the team that owns the model.")


def _is_mlflow_name(name: str) -> bool:
    # MLflow refuses these two signs in names; a folder name of dots is nobody's model.
    spoilt = any(unicodedata.category(sign).startswith("C") for sign in name) or "/" in name
    return 1 <= len(name) <= 256 and not spoilt and ":" not in name and bool(name.strip(". "))


def _without_signed(model: Model, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The changes without purpose and tier, which may only be said as they are already."""
    ways = dict.fromkeys(PURPOSE, ("is changed with a reason", "purpose"))
    ways["risk_tier"] = ("follows from the signed questionnaire", "risk")
    for name, (how, where) in ways.items():
        if name in changes and changes[name] != getattr(model, name):
            raise ModelInvalid(f"{name}: {how}, see POST /api/v1/models/{model.slug}/{where}.")
    return {name: value for name, value in changes.items() if name not in ways}


def _check_names(changes: Mapping[str, Any]) -> None:
    unknown = sorted(changes.keys() - CHANGEABLE)
    if unknown:
        raise ModelInvalid(f"{unknown[0]}: cannot be changed; {', '.join(sorted(CHANGEABLE))} can.")


def _refuse_moving_in_mlflow(model: Model, changes: Mapping[str, Any]) -> None:
    wanted = changes.get("mlflow_name", model.mlflow_name)
    if wanted == model.mlflow_name:
        return
    if model.versions.filter(mlflow_version__isnull=False).exists():
        raise ModelInvalid("mlflow_name: fixed, because versions of it are registered here.")


def _save(model: Model, **database: Any) -> None:
    for field, value in database.items():
        setattr(model, field, value)
    try:
        with transaction.atomic():
            model.save()
    except IntegrityError as error:
        taken = "mlflow_name" if "mlflow_name" in str(error) else "slug"
        raise AlreadyThere(
            f"{taken}: another model has {getattr(model, taken)!r}; choose another."
        ) from error


def _facts(model: Model) -> dict[str, Any]:
    return {
        "slug": model.slug,
        "name": model.name,
        "purpose": model.purpose,
        "team": model.team.name,
        "owner": model.owner.name if model.owner_id else None,
        "task": str(model.task),
        "risk_tier": str(model.risk_tier),
        "kpis": model.kpis,
        "requirements": model.requirements,
        "components": model.components,
        "outcome_horizon_hours": model.outcome_horizon_hours,
        "mlflow_name": model.mlflow_name,
    }

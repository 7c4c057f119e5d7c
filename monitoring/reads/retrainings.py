"""Retrainings and their policies, as pages, the API and governance see them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Prefetch, QuerySet

from monitoring.data_checks import lines as lines_of_checks
from monitoring.models import (
    DataSuite,
    Retraining,
    RetrainingLine,
    RetrainingPolicy,
    RetrainingRefusal,
    RetrainingStep,
)
from monitoring.retraining_terms import Terms, sentence, stored
from monitoring.states import PolicyState, RetrainingState, StepName, StepState
from registry.models import Version

MOST = 100
LAST_LINES = 400


@dataclass(frozen=True)
class PolicySeen:
    """One version of a policy, in words."""

    policy: RetrainingPolicy
    terms: Terms
    sentence: str


@dataclass(frozen=True)
class StepSeen:
    """One step and the last lines of its log."""

    step: RetrainingStep
    lines: Sequence[RetrainingLine]
    more_lines: int


@dataclass(frozen=True)
class RetrainingSeen:
    """One retraining with its steps."""

    retraining: Retraining
    terms: Terms
    steps: Sequence[StepSeen]

    @property
    def now(self) -> RetrainingStep | None:
        """The step that it is at."""
        over = (StepState.DONE, StepState.SKIPPED)
        return next((one.step for one in self.steps if one.step.state not in over), None)

    @property
    def live(self) -> bool:
        return self.retraining.state == RetrainingState.RUNNING

    def step(self, name: str) -> RetrainingStep | None:
        return next((one.step for one in self.steps if one.step.name == name), None)


@dataclass(frozen=True)
class Awaiting:
    """What governance needs to ask for an approval."""

    retraining_id: int
    version_id: int
    parent_id: int
    person_id: int
    reason: str


def policies_of(user: Any, model_id: int) -> list[PolicySeen]:
    """The versions of a model's policy, the newest first. One query."""
    found = RetrainingPolicy.objects.visible_to(user).filter(model_id=model_id)
    named = found.select_related("model", "written_by", "switched_on_by", "approved_by")
    return [policy_seen(one) for one in named[:MOST]]


def policy_of(user: Any, policy_id: int) -> PolicySeen | None:
    found = RetrainingPolicy.objects.visible_to(user).filter(pk=policy_id)
    named = found.select_related("model", "written_by", "switched_on_by", "approved_by").first()
    return policy_seen(named) if named else None


def policy_seen(policy: RetrainingPolicy) -> PolicySeen:
    terms = stored(policy.terms)
    return PolicySeen(policy, terms, sentence(terms))


def policy_on(model_id: int) -> RetrainingPolicy | None:
    return RetrainingPolicy.objects.filter(model_id=model_id, state=PolicyState.ON).first()


def refusals_of(user: Any, model_id: int) -> QuerySet[RetrainingRefusal]:
    """When a policy wanted to and was not let, the newest first."""
    mine = RetrainingPolicy.objects.visible_to(user).filter(model_id=model_id)
    return RetrainingRefusal.objects.filter(policy__in=mine).select_related("policy")[:MOST]


def suites_of(user: Any, model_id: int) -> list[DataSuite]:
    found = DataSuite.objects.visible_to(user).filter(model_id=model_id)
    return list(found.select_related("written_by")[:MOST])


def checks_in_words(suite: DataSuite) -> list[tuple[str, str]]:
    return lines_of_checks(suite.checks)


def retrainings_of(user: Any, *, model_id: int | None = None) -> list[RetrainingSeen]:
    """The newest retrainings that a person may see, with their steps. Two queries."""
    found = Retraining.objects.visible_to(user)
    if model_id is not None:
        found = found.filter(model_id=model_id)
    named = found.select_related("model", "policy", "parent", "version", "asked_by")
    with_steps = named.prefetch_related(Prefetch("steps", RetrainingStep.objects.order_by("place")))
    return [
        RetrainingSeen(one, stored(one.terms), [StepSeen(step, (), 0) for step in one.steps.all()])
        for one in with_steps[:MOST]
    ]


def retraining_of(user: Any, retraining_id: int) -> RetrainingSeen | None:
    """One retraining with its steps and their logs; None where it may not be seen."""
    found = Retraining.objects.visible_to(user).filter(pk=retraining_id)
    one = found.select_related("model", "policy", "parent", "version", "asked_by", "suite").first()
    if one is None:
        return None
    steps = list(one.steps.order_by("place"))
    lines: dict[int, list[RetrainingLine]] = {}
    for line in RetrainingLine.objects.filter(step__in=steps).order_by("pk"):
        lines.setdefault(line.step_id, []).append(line)
    seen = [
        StepSeen(
            step,
            lines.get(step.pk, [])[-LAST_LINES:],
            max(0, len(lines.get(step.pk, [])) - LAST_LINES),
        )
        for step in steps
    ]
    return RetrainingSeen(one, stored(one.terms), seen)


def awaiting_request() -> list[int]:
    """Retrainings whose new version waits for somebody to ask for its approval."""
    waiting = RetrainingStep.objects.filter(
        name=StepName.REQUEST,
        state=StepState.WAITING,
        retraining__state=RetrainingState.RUNNING,
        retraining__version__isnull=False,
    )
    return list(waiting.order_by("pk").values_list("retraining_id", flat=True))


def awaiting_deployment() -> list[tuple[int, int]]:
    """(retraining, version) of those whose approval was asked for and which do not serve yet."""
    waiting = RetrainingStep.objects.filter(
        name=StepName.DEPLOY,
        state=StepState.WAITING,
        retraining__state=RetrainingState.RUNNING,
        retraining__version__isnull=False,
    )
    return list(waiting.order_by("pk").values_list("retraining_id", "retraining__version_id"))


def awaiting(retraining_id: int) -> Awaiting | None:
    """What a request for this retraining's version says; None where it needs none any more."""
    if retraining_id not in awaiting_request():
        return None
    one = Retraining.objects.select_related("policy", "version", "parent").get(pk=retraining_id)
    person = one.asked_by_id or one.policy.switched_on_by_id
    if one.version_id is None or person is None:
        return None
    return Awaiting(one.pk, one.version_id, one.parent_id, person, _reason(one))


def _reason(retraining: Retraining) -> str:
    evaluated = retraining.steps.filter(name=StepName.EVALUATE).first()
    said = evaluated.message if evaluated else ""
    why = " ".join(retraining.reasons)
    return f"Retrained from version {retraining.parent.number}. {why} {said}".strip()[:4000]


def evidence_of(version: Version) -> dict[str, Any] | None:
    """What the retraining that made a version says of it, to be frozen; None where none did."""
    one = Retraining.objects.filter(version=version).select_related("parent", "policy").first()
    if one is None:
        return None
    steps = {step.name: step for step in one.steps.all()}
    return {
        "parent": one.parent.number,
        "policy": one.policy.number,
        "policy_digest": one.policy.digest,
        "reasons": one.reasons,
        "up_to": _iso(one.up_to),
        "files": {
            name: dict(sorted(step.files.items())) for name, step in steps.items() if step.files
        },
        "evaluation": _as_text(steps[StepName.EVALUATE].numbers),
        "code": steps[StepName.TRAIN].numbers.get("code_digest", ""),
        "parameters": _as_text(steps[StepName.TRAIN].numbers.get("parameters", {})),
        "validation": _as_text(
            {
                name: steps[StepName.VALIDATE].numbers.get(name)
                for name in ("suite", "checked", "rows")
            }
        ),
    }


def _iso(moment: datetime) -> str:
    return moment.isoformat()


def _as_text(value: Any) -> Any:
    """Numbers as text: canonical JSON holds no floats."""
    if isinstance(value, dict):
        return {str(key): _as_text(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_as_text(one) for one in value]
    return value if value is None or isinstance(value, bool | int | str) else format(value, ".9g")

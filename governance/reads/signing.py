"""What can be signed by API: records by the names that addresses have, and their pages."""

from typing import Any

from django.conf import settings
from django.db import models
from django.shortcuts import get_object_or_404
from django.urls import reverse

from governance.models import (
    Attestation,
    ChangeRequest,
    Guideline,
    GuidelineAnswers,
    GuidelineEdition,
    PolicyChange,
    Waiver,
)
from monitoring.models import Erasure, RetrainingPolicy
from registry.models import Model

# What is signed, by the name that the API gives to it; whose records are named by a number.
NUMBERED: dict[str, Any] = {
    "change_request": ChangeRequest,
    "waiver": Waiver,
    "attestation": Attestation,
    "erasure": Erasure,
    "retraining_policy": RetrainingPolicy,
}
# The page of whose are named by nothing but their number.
PAGES: dict[Any, str] = {
    ChangeRequest: "sign",
    PolicyChange: "policy-change",
    Waiver: "waiver",
    Attestation: "attestation",
    RetrainingPolicy: "retraining-policy-approve",
}
ACTS = (*NUMBERED, "policy_change", "risk", "guideline", "guideline_end", "guideline_answers")
LONGEST_NUMBER = 18


def record_to_sign(user: Any, act: str, name: str) -> models.Model:
    """The record of this name, 404 where the person may not see it or there is nothing to sign."""
    if act in NUMBERED:
        rows = NUMBERED[act].objects.visible_to(user)
        found: models.Model = get_object_or_404(rows, pk=_number(name))
        return found
    if act == "policy_change":  # policies are everybody's to read
        return get_object_or_404(PolicyChange, pk=_number(name))
    if act == "risk":
        return get_object_or_404(Model.objects.visible_to(user), slug=name)
    if act == "guideline_answers":
        return _answers(user, name)
    state = "in_force" if act == "guideline_end" else "draft"
    guideline = get_object_or_404(Guideline.objects.visible_to(user), slug=name)
    return get_object_or_404(GuidelineEdition, guideline=guideline, state=state)


def _answers(user: Any, name: str) -> GuidelineAnswers:
    model, _, rest = name.partition("/")
    version, _, guideline = rest.partition("/")
    rows = GuidelineAnswers.objects.visible_to(user).filter(state="draft")
    return get_object_or_404(
        rows,
        version__model__slug=model,
        version__number=_number(version),
        edition__guideline__slug=guideline,
    )


def _number(name: str) -> int:
    """A row's number, or one that no row has."""
    good = name.isascii() and name.isdecimal() and len(name) <= LONGEST_NUMBER
    return int(name) if good else -1


def page_of(subject: models.Model) -> str:
    """Where a person signs this record in the browser."""
    return f"{settings.PUBLIC_URL}{_path(subject)}"


def _path(subject: models.Model) -> str:
    for kind, page in PAGES.items():
        if isinstance(subject, kind):
            return reverse(page, args=[subject.pk])
    if isinstance(subject, Model):
        return reverse("model-risk", args=[subject.slug])
    if isinstance(subject, GuidelineEdition):
        return reverse("guideline", args=[subject.guideline.slug])
    if isinstance(subject, GuidelineAnswers):
        version, guideline = subject.version, subject.edition.guideline
        return reverse(
            "guideline-answers", args=[version.model.slug, version.number, guideline.slug]
        )
    return "/"

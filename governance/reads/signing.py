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
    Waiver,
)
from registry.models import Model

# What is signed, by the name that the API gives to it; whose records are named by a number.
NUMBERED: dict[str, Any] = {
    "change_request": ChangeRequest,
    "waiver": Waiver,
    "attestation": Attestation,
}
ACTS = (*NUMBERED, "risk", "guideline", "guideline_end", "guideline_answers")
LONGEST_NUMBER = 18


def record_to_sign(user: Any, act: str, name: str) -> models.Model:
    """The record of this name, 404 where the person may not see it or there is nothing to sign."""
    if act in NUMBERED:
        good = name.isascii() and name.isdecimal() and len(name) <= LONGEST_NUMBER
        rows = NUMBERED[act].objects.visible_to(user)
        found: models.Model = get_object_or_404(rows, pk=int(name) if good else 0)
        return found
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
    good = version.isascii() and version.isdecimal() and len(version) <= LONGEST_NUMBER
    rows = GuidelineAnswers.objects.visible_to(user).filter(state="draft")
    return get_object_or_404(
        rows,
        version__model__slug=model,
        version__number=int(version) if good else -1,
        edition__guideline__slug=guideline,
    )


def page_of(subject: models.Model) -> str:
    """Where a person signs this record in the browser."""
    return f"{settings.PUBLIC_URL}{_path(subject)}"


def _path(subject: models.Model) -> str:
    if isinstance(subject, ChangeRequest):
        return reverse("sign", args=[subject.pk])
    if isinstance(subject, Waiver):
        return reverse("waiver", args=[subject.pk])
    if isinstance(subject, Attestation):
        return reverse("attestation", args=[subject.pk])
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

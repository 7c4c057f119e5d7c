"""Ethical guidelines: what is asked of a version, what was answered, and pages of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import Http404
from django.shortcuts import get_object_or_404

from governance.guideline_files import Question, questions_of, unanswered
from governance.models import (
    AnswersState,
    EditionState,
    Guideline,
    GuidelineAnswers,
    GuidelineEdition,
)
from governance.policies import (
    can_answer_guidelines,
    can_sign_answers,
    can_sign_guideline,
    can_write_guideline,
)
from governance.purposes import purpose_of
from monitoring.models import Experiment
from registry.models import Version

# How far a guideline is answered for a version; only `signed` satisfies the gate.
STATES = {
    "signed": "answered and signed",
    "draft": "drafted, not signed yet",
    "missing": "not answered",
    "outdated": "answered to an earlier edition",
    "purpose": "answered under an earlier purpose",
}
MOST_CANDIDATES = 12


@dataclass(frozen=True)
class Asked:
    """One guideline in force that concerns a version, and how far it is answered."""

    edition: GuidelineEdition
    signed: GuidelineAnswers | None
    draft: GuidelineAnswers | None
    state: str

    @property
    def slug(self) -> str:
        return self.edition.guideline.slug

    @property
    def title(self) -> str:
        return self.edition.title

    @property
    def words(self) -> str:
        return STATES[self.state]

    @property
    def badge(self) -> str:
        return "outdated" if self.state == "purpose" else self.state

    @property
    def stamp(self) -> str:
        """What signatures rest on; `querysets.with_stale` says the same in SQL."""
        return f"{self.slug}:{self.edition.number}:{self.signed.digest if self.signed else ''}"


@dataclass(frozen=True)
class Said:
    """A question with its answer, ready to be shown."""

    question: Question
    answer: Mapping[str, Any] | None

    @property
    def chosen(self) -> str:
        """What was chosen, in words."""
        if self.answer is None:
            return ""
        if "yes" in self.answer:
            return "Yes" if self.answer["yes"] else "No"
        return dict(self.question.options).get(self.answer.get("choice", ""), "")

    @property
    def words(self) -> str:
        answer = self.answer or {}
        return str(answer.get("text") or answer.get("reason") or "")

    @property
    def rejected(self) -> list[dict[str, str]]:
        return list((self.answer or {}).get("rejected", []))


@dataclass(frozen=True)
class AnswersPage:
    """One guideline for one version: what was answered, and what this person may do."""

    version: Version
    asked: Asked
    questions: tuple[Question, ...]
    said: tuple[Said, ...]
    shown: GuidelineAnswers | None
    history: tuple[GuidelineAnswers, ...]
    candidates: dict[str, str]
    open_questions: tuple[Question, ...]
    can_answer: bool
    can_sign: bool

    @property
    def start(self) -> Mapping[str, Any]:
        """What the form starts from."""
        return self.shown.answers if self.shown else {}


@dataclass(frozen=True)
class GuidelineLine:
    slug: str
    title: str
    team: str
    edition: int
    state: str
    questions: int
    scopes: tuple[str, ...]
    signed_by: str
    signed_at: datetime | None
    draft: bool


@dataclass(frozen=True)
class GuidelinePage:
    """One guideline: the edition to read, a draft that waits, and the past."""

    guideline: Guideline
    edition: GuidelineEdition
    questions: tuple[Question, ...]
    draft: GuidelineEdition | None
    draft_questions: tuple[Question, ...]
    editions: tuple[GuidelineEdition, ...]
    can_write: bool
    can_sign: bool
    can_end: bool


def asked_of(version: Version, kind: str = "") -> tuple[Asked, ...]:
    """The guidelines in force for this version and kind of change (any, if empty). Two queries."""
    model = version.model
    editions = (
        GuidelineEdition.objects.filter(
            guideline__team=model.team_id,
            state=EditionState.IN_FORCE,
            tiers__contains=model.risk_tier,
        )
        .select_related("guideline", "signed_by")
        .order_by("guideline__slug")
    )
    if kind:
        editions = editions.filter(changes__contains=kind)
    return asked_with(version, list(editions))


def asked_with(version: Version, editions: Iterable[GuidelineEdition]) -> tuple[Asked, ...]:
    listed = list(editions)
    rows = GuidelineAnswers.objects.filter(
        version=version, state__in=[AnswersState.DRAFT, AnswersState.SIGNED]
    ).select_related("drafted_by", "edition")
    there = {(row.guideline_id, row.state): row for row in rows} if listed else {}
    purpose = purpose_of(version.model)["digest"] if listed else ""
    return tuple(
        _asked(
            edition,
            there.get((edition.guideline_id, AnswersState.SIGNED.value)),
            there.get((edition.guideline_id, AnswersState.DRAFT.value)),
            purpose,
        )
        for edition in listed
    )


def _asked(
    edition: GuidelineEdition,
    signed: GuidelineAnswers | None,
    draft: GuidelineAnswers | None,
    purpose: str,
) -> Asked:
    if signed is not None and signed.edition_id == edition.pk and signed.purpose_digest == purpose:
        return Asked(edition, signed, draft, "signed")
    if draft is not None:
        return Asked(edition, signed, draft, "draft")
    if signed is None:
        return Asked(edition, None, None, "missing")
    state = "purpose" if signed.edition_id == edition.pk else "outdated"
    return Asked(edition, signed, None, state)


def stamp_of(asked: Iterable[Asked]) -> str:
    return " ".join(one.stamp for one in asked)


def frozen_of(asked: Iterable[Asked]) -> dict[str, Any]:
    """What evidence keeps of guidelines: enough to see later that something changed."""
    listed = tuple(asked)
    return {
        "stamp": stamp_of(listed),
        "asked": [
            {
                "guideline": one.slug,
                "title": one.title,
                "edition": one.edition.number,
                "edition_digest": one.edition.digest,
                "state": one.state,
                "answers": one.signed.number if one.signed else None,
                "digest": one.signed.digest if one.signed else "",
            }
            for one in listed
        ],
    }


def said_of(edition: GuidelineEdition, answers: Mapping[str, Any]) -> tuple[Said, ...]:
    return tuple(Said(one, answers.get(one.id)) for one in questions_of(edition.questions))


def card_guidelines(version: Version) -> list[dict[str, Any]]:
    """Signed answers of a version, as its card holds them. One query."""
    rows = GuidelineAnswers.objects.filter(version=version, state=AnswersState.SIGNED)
    return [
        {
            "guideline": row.guideline.slug,
            "title": row.edition.title,
            "edition": row.edition.number,
            "answers": [_card_answer(one) for one in said_of(row.edition, row.answers)],
            "name": row.printed_name,
            "role": row.role,
            "meaning": row.meaning,
            "reason": row.reason,
            "at": row.signed_at,
            "digest": row.signed_digest,
        }
        for row in rows.select_related("guideline", "edition").order_by("guideline__slug")
    ]


def _card_answer(said: Said) -> dict[str, Any]:
    return {
        "question": said.question.title,
        "chosen": said.chosen,
        "text": said.words,
        "rejected": [
            {"alternative": one["label"], "reason": one["reason"]} for one in said.rejected
        ],
    }


def candidates_of(version: Version) -> dict[str, str]:
    """Other versions and experiments of the model that can be named as rejected. Two queries."""
    others = version.model.versions.exclude(pk=version.pk).order_by("-number")
    numbers = others.values_list("number", "summary")[:MOST_CANDIDATES]
    tried = Experiment.objects.filter(model=version.model_id).order_by("-pk")
    names = tried.values_list("pk", "name")[:MOST_CANDIDATES]
    versions = {
        f"version:{number}": f"Version {number}" + (f": {summary}" if summary else "")
        for number, summary in numbers
    }
    return versions | {f"experiment:{pk}": f"Experiment: {name}" for pk, name in names}


def answers_page(user: Any, slug: str, number: int, guideline: str) -> AnswersPage:
    """One guideline for one version.

    Raises:
        Http404: no such version that the user may see, or the guideline does not concern it.
    """
    version = version_for(user, slug, number)
    asked = next((one for one in asked_of(version) if one.slug == guideline), None)
    if asked is None:
        raise Http404("No such guideline is in force for this version.")
    shown = asked.draft or asked.signed
    rows = GuidelineAnswers.objects.filter(version=version, guideline=asked.edition.guideline)
    history = rows.select_related("drafted_by", "edition").order_by("-number")
    questions = questions_of(asked.edition.questions)
    edition = shown.edition if shown else asked.edition
    return AnswersPage(
        version=version,
        asked=asked,
        questions=questions,
        said=said_of(edition, shown.answers if shown else {}),
        shown=shown,
        history=tuple(history[:50]),
        candidates=candidates_of(version),
        open_questions=unanswered(questions, asked.draft.answers) if asked.draft else (),
        can_answer=can_answer_guidelines(user, version.model),
        can_sign=asked.draft is not None and can_sign_answers(user, asked.draft),
    )


def version_for(user: Any, slug: str, number: int) -> Version:
    rows = Version.objects.visible_to(user).select_related("model__team", "model__owner")
    return get_object_or_404(rows, model__slug=slug, number=number)


def guideline_lines(user: Any) -> list[GuidelineLine]:
    """Every guideline of the user's teams. Two queries."""
    rows = Guideline.objects.visible_to(user).select_related("team").prefetch_related("editions")
    return [_line(row) for row in rows.order_by("team__name", "slug")]


def _line(row: Guideline) -> GuidelineLine:
    editions = list(row.editions.all())
    shown = _shown(editions)
    return GuidelineLine(
        slug=row.slug,
        title=shown.title,
        team=row.team.name,
        edition=shown.number,
        state=shown.state,
        questions=len(shown.questions),
        scopes=tuple(shown.scopes),
        signed_by=shown.printed_name,
        signed_at=shown.signed_at,
        draft=any(one.state == EditionState.DRAFT for one in editions),
    )


def _shown(editions: list[GuidelineEdition]) -> GuidelineEdition:
    """The edition in force, else the newest."""
    in_force = [one for one in editions if one.state == EditionState.IN_FORCE]
    return in_force[0] if in_force else max(editions, key=lambda one: one.number)


def guideline_page(user: Any, slug: str) -> GuidelinePage:
    """One guideline.

    Raises:
        Http404: there is none of this name that the user may see.
    """
    rows = Guideline.objects.visible_to(user).select_related("team")
    row = get_object_or_404(rows, slug=slug)
    editions = list(row.editions.select_related("drafted_by").order_by("-number"))
    shown = _shown(editions)
    draft = next((one for one in editions if one.state == EditionState.DRAFT), None)
    return GuidelinePage(
        guideline=row,
        edition=shown,
        questions=questions_of(shown.questions),
        draft=draft,
        draft_questions=questions_of(draft.questions) if draft else (),
        editions=tuple(editions),
        can_write=can_write_guideline(user, row.team_id),
        can_sign=draft is not None and can_sign_guideline(user, draft),
        can_end=shown.state == EditionState.IN_FORCE and can_sign_guideline(user, shown, ends=True),
    )


def answers_waiting_for(user: Any) -> list[GuidelineAnswers]:
    """Complete drafts that wait for this person's signature, oldest first. One query."""
    rows = GuidelineAnswers.objects.signable_by(user).select_related(
        "version__model", "edition", "guideline", "drafted_by"
    )
    return list(rows.order_by("drafted_at", "pk")[:50])


def editions_waiting_for(user: Any) -> list[GuidelineEdition]:
    """Drafts of guidelines that wait for this person's signature, oldest first. One query."""
    rows = GuidelineEdition.objects.signable_by(user).select_related(
        "guideline__team", "drafted_by"
    )
    return list(rows.order_by("drafted_at", "pk")[:50])

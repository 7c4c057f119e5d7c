"""Ethical guidelines: written by a team, signed in, answered for a version, answers signed."""

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.db.models.functions import Now

from accounts.models import Team, User
from accounts.policies import require
from accounts.proofs import Proof
from audit.record import record
from governance.events import GovernanceEvent
from governance.framework_files import BadFramework
from governance.guideline_files import (
    BadAnswers,
    GuidelineFile,
    clean_answers,
    parse,
    questions_of,
    unanswered,
)
from governance.jobs.cards import refresh_as_system
from governance.jobs.locks import locked_version
from governance.jobs.status import rebuild_status
from governance.models import (
    AnswersState,
    EditionState,
    Guideline,
    GuidelineAnswers,
    GuidelineEdition,
)
from governance.policies import (
    SECOND_LINE,
    can_answer_guidelines,
    can_sign_answers,
    can_sign_guideline,
    can_write_guideline,
)
from governance.purposes import purpose_of
from governance.reads.guidelines import asked_of, candidates_of
from governance.refusals import (
    BadFields,
    BadFile,
    EvidenceChanged,
    Incomplete,
    NameTaken,
    NoSuchStep,
)
from governance.services.proofs import digest_of, prove, words
from registry.models import Contribution, ContributionKind, Version

ONLY_TEAM = "Only people who work with the team's models write its guidelines."
ONLY_OTHERS = (
    "A reviewer or risk officer of the team who did not write it puts a guideline in force."
)
ONLY_ENDERS = "A reviewer or risk officer of the team ends a guideline."
ONLY_BUILDERS = "Only developers and validators of the owning team answer its guidelines."
ONLY_SECOND_LINE = (
    "A validator, reviewer or risk officer who had no hand in the version signs its answers."
)
IN_FORCE_MEANING = "I put these questions in force for the team"
END_MEANING = "I end this guideline for the team"
ANSWERS_MEANING = "I read these answers, had no hand in the version, and stand by them"


@transaction.atomic
def write_guideline(*, actor: User, team_id: int, raw: bytes) -> GuidelineEdition:
    """Draft a guideline, or a new edition of it; a draft that waits is replaced.

    Raises:
        Refused: not of the team.
        BadFile: what is wrong with the file, line by line.
        NameTaken: another team has a guideline of this id, or nothing changed.
    """
    require(can_write_guideline(actor, team_id), ONLY_TEAM)
    file = _parsed(raw)
    guideline = _guideline(file, Team.objects.get(pk=team_id))
    editions = GuidelineEdition.objects.select_for_update(no_key=True).filter(guideline=guideline)
    current = [EditionState.DRAFT, EditionState.IN_FORCE]
    if any(one.digest == file.digest for one in editions if one.state in current):
        raise NameTaken(f"{file.id!r} is there already and says the same.")
    editions.filter(state=EditionState.DRAFT).update(state=EditionState.SUPERSEDED)
    number = max((one.number for one in editions), default=0) + 1
    edition = GuidelineEdition.objects.create(
        guideline=guideline,
        number=number,
        title=file.title,
        note=file.note,
        scopes=list(file.scopes),
        tiers=" ".join(file.tiers),
        changes=" ".join(file.changes),
        questions=[one.as_json() for one in file.questions],
        text=raw.decode(),
        digest=file.digest,
        drafted_by=actor,
    )
    record(
        actor,
        GovernanceEvent.GUIDELINE_DRAFTED,
        edition,
        guideline=file.id,
        edition=number,
        title=file.title,
        digest=file.digest,
    )
    return edition


def sign_guideline(
    *, actor: User, edition_id: int, digest: str, reason: str, password: str | Proof
) -> GuidelineEdition:
    """Put a draft in force; answers to the earlier edition do not count any more.

    Raises:
        Refused: neither reviewer nor risk officer, or the one who wrote it.
        EvidenceChanged: it is not what the person read.
        NoSuchStep: it is no draft any more.
        WrongPassword, TooManyAttempts: the person did not prove who they are.
    """
    said = words("reason", reason)
    edition = GuidelineEdition.objects.select_related("guideline").get(pk=edition_id)
    require(can_sign_guideline(actor, edition), ONLY_OTHERS)
    method = prove(actor=actor, subject=edition, password=password)
    return _sign_in(actor=actor, edition_id=edition_id, digest=digest, reason=said, method=method)


@transaction.atomic
def _sign_in(
    *, actor: User, edition_id: int, digest: str, reason: str, method: str
) -> GuidelineEdition:
    edition = _locked_edition(edition_id)
    require(can_sign_guideline(actor, edition), ONLY_OTHERS)
    if edition.state != EditionState.DRAFT:
        raise NoSuchStep(f"This edition is {edition.get_state_display()}; only a draft is signed.")
    if edition.digest != digest:
        raise EvidenceChanged("The guideline is not the one that you read. Read it again.")
    before = GuidelineEdition.objects.filter(
        guideline=edition.guideline_id, state=EditionState.IN_FORCE
    )
    before.update(state=EditionState.SUPERSEDED, ended_at=Now())
    edition.state = EditionState.IN_FORCE
    content = {
        "guideline": edition.guideline.slug,
        "edition": edition.number,
        "digest": edition.digest,
        "meaning": IN_FORCE_MEANING,
        "reason": reason,
    }
    _put_signature(edition, actor, IN_FORCE_MEANING, reason, digest_of(content), method)
    record(
        actor,
        GovernanceEvent.GUIDELINE_SIGNED,
        edition,
        guideline=edition.guideline.slug,
        edition=edition.number,
        reason=reason,
        digest=edition.signed_digest,
        method=method,
    )
    return edition


def end_guideline(
    *, actor: User, edition_id: int, reason: str, password: str | Proof
) -> GuidelineEdition:
    """Take a guideline out of force: nothing is asked by it any more.

    Raises:
        Refused: neither reviewer nor risk officer.
        NoSuchStep: it is not in force.
        WrongPassword, TooManyAttempts: the person did not prove who they are.
    """
    said = words("reason", reason)
    edition = GuidelineEdition.objects.select_related("guideline").get(pk=edition_id)
    require(can_sign_guideline(actor, edition, ends=True), ONLY_ENDERS)
    method = prove(actor=actor, subject=edition, password=password, act="end")
    return _end(actor=actor, edition_id=edition_id, reason=said, method=method)


@transaction.atomic
def _end(*, actor: User, edition_id: int, reason: str, method: str) -> GuidelineEdition:
    edition = _locked_edition(edition_id)
    require(can_sign_guideline(actor, edition, ends=True), ONLY_ENDERS)
    if edition.state != EditionState.IN_FORCE:
        raise NoSuchStep(f"This edition is {edition.get_state_display()}, not in force.")
    GuidelineEdition.objects.filter(pk=edition.pk).update(state=EditionState.ENDED, ended_at=Now())
    edition.refresh_from_db(fields=["state", "ended_at"])
    record(
        actor,
        GovernanceEvent.GUIDELINE_ENDED,
        edition,
        guideline=edition.guideline.slug,
        edition=edition.number,
        meaning=END_MEANING,
        reason=reason,
        digest=edition.digest,
        method=method,
    )
    return edition


@transaction.atomic
def draft_answers(
    *, actor: User, version_id: int, guideline: str, answers: Mapping[str, Any]
) -> GuidelineAnswers:
    """Write answers for a version; each writing is a row of its own, the earlier draft stays.

    Raises:
        Refused: neither developer nor validator of the team.
        NoSuchStep: the guideline is not in force for this version.
        BadFields: an answer that is not of its question's kind.
    """
    version = locked_version(version_id)
    require(can_answer_guidelines(actor, version.model), ONLY_BUILDERS)
    edition = _asked_edition(version, guideline)
    try:
        found = clean_answers(
            questions_of(edition.questions), answers, candidates=candidates_of(version)
        )
    except BadAnswers as error:
        raise BadFields(error.errors) from error
    rows = GuidelineAnswers.objects.filter(version=version, guideline=edition.guideline)
    draft = rows.filter(state=AnswersState.DRAFT).first()
    purpose = purpose_of(version.model)["digest"]
    number = (rows.aggregate(last=Max("number"))["last"] or 0) + 1
    digest = digest_of(_content(version, edition, purpose, found))
    if draft is not None and draft.digest == digest:
        return draft
    rows.filter(state=AnswersState.DRAFT).update(state=AnswersState.SUPERSEDED)
    Contribution.objects.get_or_create(
        version=version, person=actor, kind=ContributionKind.ANSWERED
    )
    row = GuidelineAnswers.objects.create(
        version=version,
        guideline=edition.guideline,
        edition=edition,
        number=number,
        answers=found,
        digest=digest,
        purpose_digest=purpose,
        drafted_by=actor,
    )
    row.refresh_from_db(fields=["drafted_at"])
    _record_answers(actor, GovernanceEvent.ANSWERS_DRAFTED, row, answers=found)
    return row


def sign_answers(
    *, actor: User, answers_id: int, digest: str, reason: str, password: str | Proof
) -> GuidelineAnswers:
    """Sign a draft that answers every question; signed answers before it are superseded.

    Raises:
        Refused: not of the second line, or a hand in the version.
        Incomplete: questions are open.
        EvidenceChanged: the answers, or what they were given under, are not what was read.
        NoSuchStep: it is no draft any more.
        WrongPassword, TooManyAttempts: the person did not prove who they are.
    """
    said = words("reason", reason)
    row = GuidelineAnswers.objects.select_related("version__model").get(pk=answers_id)
    require(can_sign_answers(actor, row), ONLY_SECOND_LINE)
    method = prove(actor=actor, subject=row, password=password)
    return _sign_answers(
        actor=actor, answers_id=answers_id, digest=digest, reason=said, method=method
    )


@transaction.atomic
def _sign_answers(
    *, actor: User, answers_id: int, digest: str, reason: str, method: str
) -> GuidelineAnswers:
    version_id = GuidelineAnswers.objects.values_list("version", flat=True).get(pk=answers_id)
    version = locked_version(version_id)
    row = GuidelineAnswers.objects.select_related("edition", "guideline").get(pk=answers_id)
    row.version = version
    require(can_sign_answers(actor, row), ONLY_SECOND_LINE)
    _refuse_signing(row, digest)
    signed = GuidelineAnswers.objects.filter(
        version=version, guideline=row.guideline, state=AnswersState.SIGNED
    )
    signed.update(state=AnswersState.SUPERSEDED)
    row.state = AnswersState.SIGNED
    bound = digest_of({"answers": row.digest, "meaning": ANSWERS_MEANING, "reason": reason})
    _put_signature(row, actor, ANSWERS_MEANING, reason, bound, method)
    _record_answers(
        actor, GovernanceEvent.ANSWERS_SIGNED, row, reason=reason, signed=bound, method=method
    )
    refresh_as_system(version.pk, f"Answers to {row.edition.title} were signed")
    rebuild_status(model_ids=[version.model_id])
    return row


def _refuse_signing(row: GuidelineAnswers, digest: str) -> None:
    if row.state != AnswersState.DRAFT:
        raise NoSuchStep(f"These answers are {row.get_state_display()}; only a draft is signed.")
    asked = _asked_edition(row.version, row.guideline.slug)
    now = _content(row.version, asked, purpose_of(row.version.model)["digest"], row.answers)
    if digest_of(now) != row.digest:
        raise EvidenceChanged(
            "The version, its purpose or the guideline changed after this was answered. "
            "Have the answers written again."
        )
    if row.digest != digest:
        raise EvidenceChanged("The answers are not those that you read. Read them again.")
    if still := unanswered(questions_of(asked.questions), row.answers):
        raise Incomplete("answers", f"Not answered: {', '.join(one.title for one in still)}.")


def _content(
    version: Version, edition: GuidelineEdition, purpose: str, answers: Mapping[str, Any]
) -> dict[str, Any]:
    """What answers are bound to: the version's bytes, the questions, the purpose, the words."""
    return {
        "model": version.model.slug,
        "version": version.number,
        "artifact": version.artifact_digest,
        "guideline": edition.guideline.slug,
        "edition": edition.number,
        "questions": edition.digest,
        "purpose": purpose,
        "answers": dict(answers),
    }


def _asked_edition(version: Version, slug: str) -> GuidelineEdition:
    found = next((one.edition for one in asked_of(version) if one.slug == slug), None)
    if found is None:
        raise NoSuchStep("This guideline is not in force for this version.")
    return found


def _put_signature(
    row: GuidelineEdition | GuidelineAnswers,
    actor: User,
    meaning: str,
    reason: str,
    digest: str,
    method: str,
) -> None:
    team_id = row.audit_team_id
    held = {role for team, role in actor.held if team in {None, team_id}}
    row.signed_by, row.printed_name = actor, actor.name
    row.role = next((role.value for role in reversed(SECOND_LINE) if role in held), "")
    row.meaning, row.reason, row.method = meaning, reason, method
    row.signed_digest = digest
    row.signed_at = Now()
    row.save()
    row.refresh_from_db(fields=["signed_at"])


def _record_answers(
    actor: User, event: GovernanceEvent, row: GuidelineAnswers, **more: Any
) -> None:
    record(
        actor,
        event,
        row,
        guideline=row.guideline.slug,
        edition=row.edition.number,
        version=row.version.number,
        number=row.number,
        digest=row.digest,
        **more,
    )


def _locked_edition(edition_id: int) -> GuidelineEdition:
    guideline_id = GuidelineEdition.objects.values_list("guideline", flat=True).get(pk=edition_id)
    Guideline.objects.select_for_update(no_key=True).get(pk=guideline_id)
    return GuidelineEdition.objects.select_related("guideline").get(pk=edition_id)


def _parsed(raw: bytes) -> GuidelineFile:
    try:
        return parse(raw)
    except BadFramework as error:
        raise BadFile(error.problems) from error


def _guideline(file: GuidelineFile, team: Team) -> Guideline:
    """The team's guideline of this id, locked; made if there is none."""
    taken = f"Another team has a guideline with the id {file.id!r}; choose another."
    try:
        with transaction.atomic():
            Guideline.objects.get_or_create(slug=file.id, defaults={"team": team})
    except IntegrityError as error:
        raise NameTaken(taken) from error
    found = Guideline.objects.select_for_update(no_key=True).get(slug=file.id)
    if found.team_id != team.pk:
        raise NameTaken(taken)
    return found

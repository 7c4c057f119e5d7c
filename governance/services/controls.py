"""Controls of a model: where it is used, what speaks for them, and what people judge."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.policies import require
from audit.record import record
from governance.control_rules import RESULTS
from governance.documents import media_type_of
from governance.events import GovernanceEvent
from governance.framework_files import JURISDICTION, SLUG
from governance.jobs.controls import answers_of, concerned, rebuild_controls
from governance.jobs.locks import lock_models
from governance.models import (
    Assessment,
    AttachedEvidence,
    Control,
    ControlStatus,
    ModelScope,
)
from governance.policies import can_assess, can_attach, can_set_scope
from governance.reads.control_facts import evidence_of
from governance.refusals import Incomplete, NotConcerned, NotTaken, RuleChanged, TooLarge
from governance.services.proofs import words
from registry.gateways import store
from registry.models import Model

LARGEST = 20 * 1024 * 1024
MOST_WORDS = 20
LONGEST_VALIDITY = timedelta(days=365 * 5)
ONLY_TEAM = "Only developers, validators and risk officers of the team say where it is used."
ONLY_JUDGES = "Only validators, reviewers and risk officers of the team assess a control."
ONLY_PEOPLE = "Only the team that works with the model attaches evidence."


@dataclass(frozen=True)
class Judgement:
    """What a person says about a control."""

    result: str
    reason: str
    expires_on: date | None = None
    expected_digest: str = ""


@transaction.atomic
def set_scope(
    *, actor: User, model_id: int, jurisdictions: Sequence[str], purposes: Sequence[str]
) -> ModelScope:
    """Say where a model is used and for what; which controls concern it follows at once.

    Raises:
        Incomplete: something that is no place or no purpose.
    """
    lock_models([model_id])
    model = Model.objects.select_related("team").get(pk=model_id)
    require(can_set_scope(actor, model), ONLY_TEAM)
    places = _words("jurisdictions", [place.upper() for place in jurisdictions], JURISDICTION)
    uses = _words("purposes", [purpose.lower() for purpose in purposes], SLUG)
    row, made = ModelScope.objects.get_or_create(model=model)
    if not made and (row.jurisdictions, row.purposes) == (places, uses):
        return row
    before = {"jurisdictions": row.jurisdictions, "purposes": row.purposes}
    row.jurisdictions, row.purposes, row.set_by = places, uses, actor
    row.set_at = timezone.now()
    row.save()
    rebuild_controls(model_ids=[model_id])
    record(
        actor,
        GovernanceEvent.SCOPE_SET,
        row,
        before=before,
        jurisdictions=places,
        purposes=uses,
    )
    return row


def attach_evidence(
    *, actor: User, model_id: int, control: Control, title: str, text: str = "", raw: bytes = b""
) -> AttachedEvidence:
    """Attach a document, or a note, to one control of a model.

    The file is written before its row, under its digest: without a row it is an orphan.

    Raises:
        Incomplete: no title, or neither a file nor a text.
        NotConcerned: the control is not asked of the model.
        NotTaken, TooLarge: the bytes are no document that is kept.
    """
    model = Model.objects.select_related("team").get(pk=model_id)
    require(can_attach(actor, model), ONLY_PEOPLE)
    if not concerned(model, control):
        raise NotConcerned
    found = AttachedEvidence(
        model=model,
        framework=control.edition.framework,
        identifier=control.identifier,
        title=words("title", title, 200),
        text=words("text", text) if text.strip() else "",
        added_by=actor,
    )
    if raw:
        _put(found, raw)
    elif not found.text:
        raise Incomplete("file", "Choose a file, or write what there is.")
    return _keep(actor=actor, found=found)


def _put(found: AttachedEvidence, raw: bytes) -> None:
    if len(raw) > LARGEST:
        raise TooLarge(f"At most {LARGEST // 2**20} MiB; this has {len(raw) / 2**20:.1f} MiB.")
    kind = media_type_of(raw)
    if kind is None:
        raise NotTaken("A PDF, PNG, JPEG, JSON, or text in UTF-8; these bytes are something else.")
    found.media_type, found.size = kind, len(raw)
    found.sha256 = hashlib.sha256(raw).hexdigest()
    found.path = f"evidence/{found.model_id}/{found.sha256}"
    if store.put_bytes(found.path, raw) != found.sha256:
        raise NotTaken("The file changed while it was stored; send it again.")


@transaction.atomic
def _keep(*, actor: User, found: AttachedEvidence) -> AttachedEvidence:
    lock_models([found.model_id])
    require(can_attach(actor, found.model), ONLY_PEOPLE)
    same = AttachedEvidence.objects.filter(
        model=found.model_id, framework=found.framework, identifier=found.identifier
    )
    there = same.filter(sha256=found.sha256).exclude(sha256="").first()
    if there is not None:
        return there
    found.save()
    found.refresh_from_db(fields=["added_at"])
    rebuild_controls(model_ids=[found.model_id])
    record(
        actor,
        GovernanceEvent.EVIDENCE_ATTACHED,
        found,
        framework=found.framework.slug,
        control=found.identifier,
        title=found.title,
        sha256=found.sha256,
        size=found.size,
    )
    return found


@transaction.atomic
def assess(*, actor: User, model_id: int, control: Control, said: Judgement) -> Assessment:
    """A person's judgement of a control, with the evidence as it is at this moment.

    Raises:
        Incomplete: no reason, an unknown result, or an expiry that makes no sense.
        NotConcerned: the control is not asked of the model.
        RuleChanged: the control is not as the person read it.
    """
    lock_models([model_id])
    model = Model.objects.select_related("team").get(pk=model_id)
    require(can_assess(actor, model), ONLY_JUDGES)
    _check(said, control)
    if not concerned(model, control):
        raise NotConcerned
    rebuild_controls(model_ids=[model_id])
    there = ControlStatus.objects.filter(model=model, control=control).first()
    evidence = _evidence(model, control)
    mine = Assessment.objects.filter(
        model=model, framework=control.edition.framework, identifier=control.identifier
    )
    before = mine.filter(current=True).first()
    mine.update(current=False)
    row = Assessment.objects.create(
        model=model,
        framework=control.edition.framework,
        identifier=control.identifier,
        control=control,
        control_digest=control.digest,
        result=said.result,
        proposed=there.proposal if there else "",
        reason=words("reason", said.reason),
        person=actor,
        printed_name=actor.name,
        expires_on=said.expires_on,
        evidence=evidence,
    )
    row.refresh_from_db(fields=["at"])
    _record(actor, row, before)
    return row


def _evidence(model: Model, control: Control) -> dict[str, object]:
    facts = evidence_of([model])[model.pk]
    attached = AttachedEvidence.objects.filter(
        model=model, framework=control.edition.framework, identifier=control.identifier
    )
    return {
        "edition": control.edition.number,
        "rules": answers_of(control, facts),
        "attached": [{"id": one.pk, "title": one.title, "sha256": one.sha256} for one in attached],
    }


def _record(actor: User, row: Assessment, before: Assessment | None) -> None:
    record(
        actor,
        GovernanceEvent.CONTROL_ASSESSED,
        row,
        framework=row.framework.slug,
        control=row.identifier,
        edition=row.control.edition.number,
        result=row.result,
        proposed=row.proposed,
        before=before.result if before else None,
        reason=row.reason,
        expires=str(row.expires_on) if row.expires_on else None,
    )


def _check(said: Judgement, control: Control) -> None:
    if said.result not in RESULTS:
        raise Incomplete("result", f"One of {', '.join(RESULTS)}.")
    words("reason", said.reason)
    today = timezone.now().date()
    if said.expires_on is not None and not (today < said.expires_on <= today + LONGEST_VALIDITY):
        raise Incomplete("expires_on", "A day in the future, at most five years ahead.")
    if not control.edition.current or said.expected_digest not in {"", control.digest}:
        raise RuleChanged("The control changed while you read it. Read it again, then assess.")


def _words(field: str, given: Sequence[str], pattern: re.Pattern[str]) -> list[str]:
    cleaned = sorted({one.strip() for one in given if one.strip()})
    wrong = [one for one in cleaned if not pattern.fullmatch(one)]
    if wrong or len(cleaned) > MOST_WORDS:
        example = "EU or US-NYC" if field == "jurisdictions" else "employment"
        raise Incomplete(field, f"At most {MOST_WORDS} words such as {example}; not {wrong[:3]}.")
    return cleaned

"""A card is published: by its editors where risk is low, else signed by somebody without a hand."""

from django.db import IntegrityError, transaction

from accounts.models import User
from accounts.policies import Refused, require
from accounts.proofs import Proof
from audit.record import record
from governance.events import GovernanceEvent
from governance.jobs.locks import locked_version
from governance.models import CardPublication, CardRevision
from governance.publishing import MEANING, MEANING_UNSIGNED
from governance.reads.card_facts import latest_revision
from governance.reads.publications import Rule, blocked, role_for, rule_of, too_little
from governance.refusals import EvidenceChanged, Incomplete, NoSuchStep
from governance.services.proofs import digest_of, prove, words
from registry.models import Version

OWN_WORK = "card_not_published_by_contributors"
NO_CARD = "There is no card yet: write it first."


def publish_card(
    *, actor: User, version_id: int, digest: str, reason: str, password: str | Proof = ""
) -> CardPublication:
    """Put the newest revision before the card's readers.

    `digest` is that of the revision which the person read. The proof is asked for where the risk
    tier has the card signed, and is not looked at elsewhere.

    Raises:
        Refused: not one of those who publish, or a hand in the version where it is signed.
        NoSuchStep: there is no card, or this revision is published already.
        EvidenceChanged: the card has a newer revision than the one that was read.
        Incomplete: no reason, or fewer sections than the approval policy asks for.
        SecondFactorNeeded, WrongPassword, TooManyAttempts: they did not prove who they are.
    """
    said = words("reason", reason)
    version = Version.objects.select_related("model").get(pk=version_id)
    rule = rule_of(version)
    revision = _publishable(actor, version, rule, digest)
    method = (
        prove(actor=actor, subject=revision, password=password, digest=digest)
        if rule.signed
        else ""
    )
    try:
        return _publish(
            actor=actor, version_id=version_id, digest=digest, reason=said, method=method
        )
    except IntegrityError as error:
        # The database's own guard: a hand in the version came between the look and the lock.
        if OWN_WORK in str(error) or "had a hand" in str(error):
            raise Refused("Who had a hand in a version does not publish its card.") from error
        raise


@transaction.atomic
def _publish(
    *, actor: User, version_id: int, digest: str, reason: str, method: str
) -> CardPublication:
    version = locked_version(version_id)
    rule = rule_of(version)
    revision = _publishable(actor, version, rule, digest)
    if rule.signed and not method:
        raise EvidenceChanged("The risk tier rose meanwhile: the card is signed now. Read it anew.")
    meaning = MEANING if rule.signed else MEANING_UNSIGNED
    row = CardPublication.objects.create(
        card=revision.card,
        revision=revision,
        risk_tier=version.model.risk_tier,
        policy=rule.policy,
        person=actor,
        printed_name=actor.name,
        role=role_for(actor, version, rule),
        meaning=meaning,
        reason=reason,
        digest=digest_of(_content(version, revision, meaning, reason)),
        method=method,
    )
    row.refresh_from_db(fields=["at"])
    _record(actor, row, revision)
    return row


def _publishable(actor: User, version: Version, rule: Rule, digest: str) -> CardRevision:
    """The newest revision, once nothing stands in the way of publishing it."""
    why = blocked(actor, version, rule)
    require(not why, why)
    revision = latest_revision(version.pk)
    if revision is None:
        raise NoSuchStep(NO_CARD)
    if revision.digest != digest:
        raise EvidenceChanged(
            f"The card is at revision {revision.number} and not as you read it. Read it again."
        )
    if CardPublication.objects.filter(revision=revision).exists():
        raise NoSuchStep(f"Revision {revision.number} is published already.")
    if why := too_little(rule, revision.sections):
        raise Incomplete("card", why)
    return revision


def _content(
    version: Version, revision: CardRevision, meaning: str, reason: str
) -> dict[str, object]:
    """What the act is bound to, so that it cannot be moved to another card or version."""
    return {
        "model": version.model.slug,
        "version": version.number,
        "artifact": version.artifact_digest,
        "revision": revision.number,
        "card": revision.digest,
        "meaning": meaning,
        "reason": reason,
    }


def _record(actor: User, row: CardPublication, revision: CardRevision) -> None:
    record(
        actor,
        GovernanceEvent.CARD_PUBLISHED,
        row,
        version=revision.card.version.number,
        revision=revision.number,
        card=revision.digest,
        tier=row.risk_tier,
        role=row.role,
        meaning=row.meaning,
        reason=row.reason,
        digest=row.digest,
        method=row.method,
    )

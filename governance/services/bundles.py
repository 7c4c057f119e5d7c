"""Bundles: auditors ask for one, a job makes it, and that it was taken along is recorded."""

from datetime import UTC, date, datetime, time, timedelta

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.policies import require
from audit.record import record
from governance.events import GovernanceEvent
from governance.models import Bundle, BundleState
from governance.policies import can_audit
from governance.refusals import Incomplete, NoSuchStep
from governance.services.samples import ONLY_AUDITORS
from ledger import claims

KIND = "governance.bundle"


@transaction.atomic
def ask_sample_bundle(*, actor: User, sample_id: int) -> Bundle:
    """Have the walkthroughs of a sample made into a bundle."""
    require(can_audit(actor), ONLY_AUDITORS)
    return _asked(actor, Bundle(sample_id=sample_id, requested_by=actor))


@transaction.atomic
def ask_model_bundle(*, actor: User, model_id: int, since: date, until: date) -> Bundle:
    """Have everything of a model in a period made into a bundle; both days are included.

    Raises:
        Incomplete: the last day is before the first, or to come.
    """
    require(can_audit(actor), ONLY_AUDITORS)
    if until < since:
        raise Incomplete("until", "Not before the first day.")
    if until > timezone.now().date():
        raise Incomplete("until", "Not after today.")
    first = datetime.combine(since, time(), tzinfo=UTC)
    last = datetime.combine(until, time(), tzinfo=UTC) + timedelta(days=1)
    row = Bundle(model_id=model_id, since=first, until=last, requested_by=actor)
    return _asked(actor, row)


def _asked(actor: User, bundle: Bundle) -> Bundle:
    bundle.save(force_insert=True)
    claims.enqueue(kind=KIND, key=str(bundle.pk), subject_id=bundle.pk)
    told = {"since": bundle.since, "until": bundle.until, "sample": bundle.sample_id}
    record(actor, GovernanceEvent.BUNDLE_ASKED, bundle, **told)
    bundle.refresh_from_db()
    return bundle


@transaction.atomic
def take_bundle(*, actor: User, bundle_id: int) -> Bundle:
    """The bundle, to be sent to the actor; that they took it is an event.

    Raises:
        NoSuchStep: it is not made.
    """
    require(can_audit(actor), ONLY_AUDITORS)
    bundle = Bundle.objects.get(pk=bundle_id)
    if bundle.state != BundleState.BUILT:
        raise NoSuchStep("The bundle is not made yet." if not bundle.error else bundle.error)
    record(actor, GovernanceEvent.BUNDLE_TAKEN, bundle, sha256=bundle.sha256, size=bundle.size)
    return bundle

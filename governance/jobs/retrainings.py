"""Retrained versions that wait: have their approval asked for, and say when it was refused."""

from datetime import timedelta

from django.db import transaction
from django.db.models.functions import Now

from governance.models import ChangeRequest
from governance.states import RequestKind, RequestState
from ledger import claims
from ledger.models import Job, JobState
from monitoring.jobs.retraining.outcomes import note_decline
from monitoring.reads.retrainings import awaiting_deployment, awaiting_request

KIND = "governance.retraining"
TRIED_AGAIN_AFTER = timedelta(minutes=1)
DECLINED = (RequestState.REJECTED, RequestState.WITHDRAWN)


def follow_retrainings() -> int:
    """Enqueue what waits for a request, end what was rejected; how many were touched."""
    asked = sum(_enqueue(retraining_id) for retraining_id in awaiting_request())
    return asked + sum(_decline(*pair) for pair in awaiting_deployment())


@transaction.atomic
def _enqueue(retraining_id: int) -> bool:
    key = str(retraining_id)
    if claims.enqueue(kind=KIND, key=key, subject_id=retraining_id) is not None:
        return True
    ended = Job.objects.filter(
        kind=KIND,
        key=key,
        state__in=(JobState.DONE, JobState.DEAD),
        finished_at__lt=Now() - TRIED_AGAIN_AFTER,
    )
    if not ended.exists():
        return False
    claims.again(kind=KIND, key=key, subject_id=retraining_id)
    return True


def _decline(retraining_id: int, version_id: int) -> bool:
    """Where the last word on the version's promotion was no, the retraining is over."""
    last = (
        ChangeRequest.objects.filter(version_id=version_id, kind=RequestKind.PROMOTE)
        .order_by("-pk")
        .first()
    )
    if last is None or last.state not in DECLINED:
        return False
    note_decline(retraining_id=retraining_id, text=f"{last} was {last.state}.")
    return True

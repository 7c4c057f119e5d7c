"""A back-test is computed once and kept with the digests of what went in and what came out."""

import logging
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from audit.chain import sha256_of
from audit.record import SYSTEM, record
from governance.events import GovernanceEvent
from governance.jobs.monitor_trials import try_monitor
from governance.jobs.policy_trials import try_policy
from governance.models import BackTest, BackTestState, BackTestSubject
from governance.trials import TooMuch, stored
from ledger import claims
from ledger.models import Job

log = logging.getLogger(__name__)


def run_back_test(claim: claims.Claim) -> None:
    """Compute and keep it; what fails to the last attempt is told on its page."""
    try:
        _run(claim)
    except claims.Fenced:
        raise
    except TooMuch as refusal:
        _fail(claim, str(refusal))
    except Exception as error:
        if not _is_last_attempt(claim):
            raise
        log.exception("back-test %s: given up", claim.subject_id)
        _fail(claim, f"{type(error).__name__}: {error}")


def _run(claim: claims.Claim) -> None:
    row = BackTest.objects.get(pk=claim.subject_id)
    if row.state != BackTestState.REQUESTED:
        with transaction.atomic():
            claims.finish(claim=claim)
        return
    now = timezone.now()
    if row.subject == BackTestSubject.POLICY:
        found, result = try_policy(row, now)
    else:
        found, result = try_monitor(row, now, lambda: claims.keep(claim=claim))
    _keep(claim, stored(found), stored(result))


def _is_last_attempt(claim: claims.Claim) -> bool:
    attempts = Job.objects.values_list("attempts", flat=True).get(pk=claim.job_id)
    return attempts >= settings.LEDGER_KINDS[claim.kind].attempts


@transaction.atomic
def _keep(claim: claims.Claim, found: dict[str, Any], result: dict[str, Any]) -> None:
    claims.finish(claim=claim)
    row = BackTest.objects.select_for_update(no_key=True).get(pk=claim.subject_id)
    row.state, row.finished_at = BackTestState.DONE, timezone.now()
    row.result, row.input_digest, row.result_digest = result, sha256_of(found), sha256_of(result)
    row.save(update_fields=["state", "finished_at", "result", "input_digest", "result_digest"])
    digests = {"input": row.input_digest, "result": row.result_digest}
    record(SYSTEM, GovernanceEvent.BACK_TEST_DONE, row, **digests)


@transaction.atomic
def _fail(claim: claims.Claim, error: str) -> None:
    claims.finish(claim=claim)
    row = BackTest.objects.select_for_update(no_key=True).get(pk=claim.subject_id)
    row.state, row.finished_at, row.error = BackTestState.FAILED, timezone.now(), error[:500]
    row.save(update_fields=["state", "finished_at", "error"])
    record(SYSTEM, GovernanceEvent.BACK_TEST_FAILED, row, reason=row.error)

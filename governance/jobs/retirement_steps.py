"""One step of a clean-up: done, looked at again, recorded, and the next one begun.

Doing and looking are two transactions, so that a worker that is killed between them leaves a step
that is `done`: the next one looks, and does not do it again. What fails is stored with its reason
and tried again by the ledger; what waits is looked at by the next round.
"""

from typing import Any

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from audit.chain import plain
from audit.record import SYSTEM, record
from governance.events import GovernanceEvent
from governance.jobs.cleaning import WORK, Case, Facts, Skips, Waits
from governance.jobs.locks import lock_models
from governance.jobs.retirement_end import advance
from governance.jobs.tombstones import close
from governance.models import Retirement, RetirementStep
from governance.retirement_states import SETTLED, StepState, move_step
from governance.retirement_steps import TITLES
from ledger import claims

PARTS: tuple[str, ...] = (
    "retirement__version__model__owner",
    "retirement__version__model__team",
    "retirement__request",
    "retirement__policy__model",
    "retirement__policy__team",
)


def do_step(claim: claims.Claim) -> None:
    """Do one step and look whether it was done.

    Raises:
        Exception: it could not be done; the reason is on the step, the ledger tries again.
    """
    step = RetirementStep.objects.select_related(*PARTS).get(pk=claim.subject_id)
    try:
        _take(claim, step)
    except claims.Fenced:
        raise
    except Waits as reason:
        _wait(claim, step, str(reason))
    except Skips as reason:
        _settle(claim, step, "skip", {}, str(reason))
    except Exception as error:
        _fail(claim, step, error)
        raise


def _take(claim: claims.Claim, step: RetirementStep) -> None:
    if step.state in SETTLED or step.retirement.request is None:
        with transaction.atomic():
            claims.finish(claim=claim)
        return
    work = WORK[step.name]
    case = Case(step.retirement, step.retirement.version, step.retirement.request)
    if step.state != StepState.DONE:
        _done(claim, step, work.do(case))
    _settle(claim, step, "verify", work.check(case), "")


@transaction.atomic
def _done(claim: claims.Claim, step: RetirementStep, did: Facts) -> None:
    row = _locked(step)
    if not claims.keep(claim=claim):
        raise claims.Fenced(f"job {claim.job_id} was taken over")
    row.evidence = {"did": plain(did)}
    _store(claim, row, "do", done_at=Now())
    record(SYSTEM, GovernanceEvent.STEP_DONE, row, step=TITLES[row.name], **row.evidence)


@transaction.atomic
def _settle(claim: claims.Claim, step: RetirementStep, verb: str, seen: Facts, note: str) -> None:
    """The step needs nothing more: the next one begins, or the retirement closes."""
    row = _locked(step)
    claims.finish(claim=claim)
    skipped = verb == "skip"
    row.note = note
    if not skipped:
        row.evidence = {**row.evidence, "seen": plain(seen)}
    _store(claim, row, verb, **({} if skipped else {"verified_at": Now()}))
    event = GovernanceEvent.STEP_SKIPPED if skipped else GovernanceEvent.STEP_VERIFIED
    told: dict[str, Any] = {"reason": note} if skipped else {"seen": row.evidence["seen"]}
    record(SYSTEM, event, row, step=TITLES[row.name], **told)
    retirement = Retirement.objects.select_related(
        "model__team", "version__model", "version__archive", "policy", "request", "replacement"
    ).get(pk=row.retirement_id)
    if not retirement.steps.exclude(state__in=sorted(SETTLED)).exists():
        close(retirement)
    else:
        advance(retirement)


@transaction.atomic
def _wait(claim: claims.Claim, step: RetirementStep, reason: str) -> None:
    """The job is over; the next round asks for it anew."""
    row = _locked(step)
    claims.finish(claim=claim)
    RetirementStep.objects.filter(pk=row.pk).update(note=reason, changed_at=Now())


@transaction.atomic
def _fail(claim: claims.Claim, step: RetirementStep, error: Exception) -> None:
    """Said on the step; the job itself is given back by the runner."""
    row = _locked(step)
    if row.state in SETTLED or not claims.keep(claim=claim):
        return
    said = f"{error}" or type(error).__name__
    first, row.note = row.note != said or row.state != StepState.FAILED, said[:2000]
    _store(claim, row, "fail")
    if first:
        record(SYSTEM, GovernanceEvent.STEP_FAILED, row, step=TITLES[row.name], reason=row.note)


def _locked(step: RetirementStep) -> RetirementStep:
    """The step as it is now; the model first, as everywhere."""
    lock_models([step.retirement.model_id])
    rows = RetirementStep.objects.select_for_update(no_key=True, of=("self",))
    return rows.select_related("retirement__model", "retirement__version__model").get(pk=step.pk)


def _store(claim: claims.Claim, row: RetirementStep, verb: str, **more: Any) -> None:
    row.state = move_step(row.state, verb)
    if verb in {"do", "verify"}:
        row.note = ""
    RetirementStep.objects.filter(pk=row.pk).update(
        state=row.state,
        note=row.note,
        evidence=row.evidence,
        job=claim.job_id,
        tries=F("tries") + int(verb in {"do", "fail"}),
        changed_at=Now(),
        **more,
    )

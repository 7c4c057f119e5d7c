"""A retirement that was signed and carried out: its checklist is written and its first step begun.

Called by the change itself, in its transaction, so that no retirement is carried out without it.
"""

from django.db.models.functions import Now

from audit.record import SYSTEM, record
from governance.events import GovernanceEvent
from governance.jobs.retirement_notices import tell_everybody
from governance.models import ChangeRequest, NoticeKind, Retirement, RetirementStep
from governance.reads.life_facts import policy_for
from governance.retirement_rules import CLOCKS
from governance.retirement_states import SETTLED, RetirementState, move_retirement
from governance.retirement_steps import STEPS
from ledger import claims
from ledger.models import Job, JobState
from registry.models import Version

STEP = "governance.retirement_step"
LOG_DAYS = next(one.default for one in CLOCKS if one.name == "log_days")
PENDING = (JobState.DUE, JobState.RUNNING)


def begin_ending(request: ChangeRequest) -> None:
    """The clean-up begins, whether a policy found the version or somebody asked by hand."""
    rows = Retirement.objects.select_for_update(no_key=True, of=("self",)).running()
    row = rows.filter(version=request.version_id).select_related("model", "version__model").first()
    row = row or _by_hand(request)
    if row.state == RetirementState.ENDING:
        return
    row.state = move_retirement(row.state, "retire")
    row.request, row.held_up = request, ""
    row.save(update_fields=["state", "request", "held_up"])
    RetirementStep.objects.bulk_create(
        RetirementStep(retirement=row, position=place, name=one.name)
        for place, one in enumerate(STEPS, start=1)
    )
    tell_everybody(row, NoticeKind.RETIRED, f"{row.version} is retired by CR-{request.pk}.")
    record(SYSTEM, GovernanceEvent.RETIREMENT_BEGUN, row, request=request.pk, steps=len(STEPS))
    advance(row)


def _by_hand(request: ChangeRequest) -> Retirement:
    """Nobody was told ahead: who asked for the change and who signed it stand for that."""
    version = request.version
    earlier = Retirement.objects.filter(version=version, policy__isnull=True).count()
    policy = policy_for(version)
    return Retirement.objects.create(
        model=version.model,
        version=version,
        policy=None,
        episode=earlier + 1,
        state=RetirementState.REQUESTED,
        request=request,
        rules=[],
        found_rules=[],
        log_days=policy.terms["log_days"] if policy else LOG_DAYS,
    )


def advance(row: Retirement) -> bool:
    """Have the first step done that is not settled; whether a job was asked for."""
    step = row.steps.exclude(state__in=sorted(SETTLED)).order_by("position").first()
    if step is None:
        return False
    key = str(step.pk)
    if Job.objects.filter(kind=STEP, key=key, state__in=PENDING).exists():
        return False
    claims.again(kind=STEP, key=key, subject_id=step.pk)
    return True


def other_versions_live(version: Version) -> str:
    """Why what belongs to the whole model stays, in a sentence; empty if the model ends too."""
    living = Version.objects.filter(
        model=version.model_id, stage__in=["candidate", "approved", "serving"]
    )
    other = living.exclude(pk=version.pk).order_by("-number").first()
    return f"The model goes on with version {other.number}." if other else ""


def end_of_life(row: Retirement, state: RetirementState, outcome: str) -> None:
    """Store how it ended before anything was carried out."""
    row.state, row.outcome, row.held_up = state, outcome, ""
    Retirement.objects.filter(pk=row.pk).update(
        state=state, outcome=outcome, held_up="", ended_at=Now()
    )

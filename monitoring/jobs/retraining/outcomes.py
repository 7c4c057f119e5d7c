"""What became of a retraining's version, as governance tells it: asked for, hindered, declined."""

from django.db import transaction

from monitoring.jobs.retraining import pipeline
from monitoring.jobs.retraining.work import Done, tell
from monitoring.models import RetrainingStep
from monitoring.states import RetrainingState, StepName, StepState


@transaction.atomic
def note_request(*, retraining_id: int, label: str) -> None:
    """Governance has opened a change request for what this retraining made."""
    step = _waiting_step(retraining_id, StepName.REQUEST)
    if step is not None:
        pipeline.finish_step(step, Done({"request": label}, message=f"{label} was opened."))


@transaction.atomic
def note_obstacle(*, retraining_id: int, text: str) -> None:
    """Governance could not open a change request; it goes on trying."""
    step = _waiting_step(retraining_id, StepName.REQUEST)
    if step is not None and step.message != text[:500]:
        step.message = text[:500]
        step.save(update_fields=["message"])
        tell(step, text)


@transaction.atomic
def note_decline(*, retraining_id: int, text: str) -> None:
    """The change request was rejected or withdrawn: the retraining ends here."""
    retraining = pipeline.locked(retraining_id)
    if retraining.state == RetrainingState.RUNNING:
        pipeline.end(retraining, "cancel", text)


def _waiting_step(retraining_id: int, name: StepName) -> RetrainingStep | None:
    retraining = pipeline.locked(retraining_id)
    step = retraining.steps.filter(name=name, state=StepState.WAITING).first()
    if step is None or retraining.state != RetrainingState.RUNNING:
        return None
    step.retraining = retraining
    return step

"""What is cleaned up when a version was retired: the checklist, in its order. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True)
class StepRow:
    """One line of the checklist."""

    name: str
    title: str
    text: str


STEPS: tuple[StepRow, ...] = (
    StepRow("serving", "Serving ends", "No deployment runs and no clearance is in force."),
    StepRow("archive", "Archive", "Bytes, card, evidence and environment are sealed."),
    StepRow("drill", "Restore drill", "The archive was read back and holds."),
    StepRow("mlflow", "MLflow version", "The version is deleted in MLflow."),
    StepRow("artifacts", "Artifacts", "Its files in MLflow's store are deleted."),
    StepRow("logs", "Prediction logs", "What is older than the rule keeps is removed."),
    StepRow("tokens", "API tokens", "Tokens of the accounts that called it are revoked."),
    StepRow("monitors", "Monitors", "Nothing watches a model that no longer serves."),
    StepRow("schedules", "Schedules", "Experiments, outlooks and waiting runs are ended."),
    StepRow("routes", "Addresses", "Nobody is told about the model any more."),
    StepRow("registration", "Registration", "The entry at the authority is due for an update."),
)
TITLES = {one.name: one.title for one in STEPS}
TEXTS = {one.name: one.text for one in STEPS}
# Without these nothing of the source is touched and no retirement closes.
PROOFS = ("archive", "drill")

"""Validate: the snapshot is held against the model's data suite; a failing suite stops here."""

from typing import Any

from monitoring.data_checks import suggested
from monitoring.gateways.retraining_files import SNAPSHOT
from monitoring.jobs.retraining.errands import sent
from monitoring.jobs.retraining.work import Done, StepFailed, desk, earlier, fetch, tell, terms_of
from monitoring.models import RetrainingStep
from monitoring.reads.baselines import schema_of
from monitoring.states import StepName

MOST_SHOWN = 50


def validate(step: RetrainingStep) -> Done:
    """Ask the suite; where the model has none, what its schema declares is asked."""
    suite, name = _suite(step)
    with desk() as folder:
        table = fetch(earlier(step, StepName.COLLECT), SNAPSHOT, folder / SNAPSHOT)
        inputs = {"suite": suite, "table": str(table), "most": MOST_SHOWN}
        found = sent(step, "check_data", inputs, readable=(folder,))
    answer = _checked(found.answer)
    numbers = {**answer, "suite": name}
    if answer["failures"]:
        many = answer["failing_checks"]
        said = "One check" if many == 1 else f"{many} checks"
        raise StepFailed(f"{said} of {name} failed on {answer['rows']:,} rows.", numbers)
    tell(step, f"{answer['checked']} checks of {name} passed on {answer['rows']:,} rows.")
    return Done(numbers, seconds=found.seconds)


def _suite(step: RetrainingStep) -> tuple[dict[str, Any], str]:
    retraining = step.retraining
    if retraining.suite is not None:
        return dict(retraining.suite.checks), f"suite {retraining.suite.number}"
    schema = schema_of(retraining.parent)
    if schema is None:
        raise StepFailed("The champion has no schema any more.")
    rows = terms_of(retraining).minimum_rows
    return suggested(schema, minimum_rows=rows), "the declared schema"


def _checked(answer: dict[str, Any]) -> dict[str, Any]:
    """The parts that are shown, as they must be: the answer comes out of the sandbox.

    Raises:
        StepFailed: nothing was checked, or the answer has another form.
    """
    try:
        failures = [
            {
                "column": str(one["column"])[:120],
                "check": str(one["check"])[:200],
                "rows": int(one["rows"]),
            }
            for one in answer["failures"][:MOST_SHOWN]
        ]
        shown = [
            {str(key)[:120]: str(value)[:200] for key, value in row.items()}
            for row in answer["shown"][:MOST_SHOWN]
        ]
        found = {name: int(answer[name]) for name in ("checked", "rows", "failing_checks")}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StepFailed("The checks gave an answer in an unknown form.") from error
    if not found["checked"] or not found["rows"]:
        raise StepFailed("Nothing was checked, so nothing passed.", found)
    return {**found, "failures": failures, "shown": shown}

"""Features: made again from the logged rows by the version's own code, in the sandbox."""

from monitoring.gateways.retraining_files import SNAPSHOT
from monitoring.jobs.retraining.errands import sent
from monitoring.jobs.retraining.sources import CODE, bring, code_digest, trained
from monitoring.jobs.retraining.work import (
    Done,
    StepFailed,
    desk,
    earlier,
    fetch,
    keep,
    tell,
    terms_of,
)
from monitoring.models import RetrainingStep
from monitoring.reads.baselines import schema_of
from monitoring.states import StepName

TABLE = "features.parquet"


def regenerate(step: RetrainingStep) -> Done:
    """One row of features for each row of the snapshot; where the code makes none, as logged."""
    retraining = step.retraining
    schema = schema_of(retraining.parent)
    if schema is None:
        raise StepFailed("The champion has no schema any more.")
    collected = earlier(step, StepName.COLLECT)
    with desk() as folder:
        inside, made = folder / "in", folder / "out"
        made.mkdir()
        table = fetch(collected, SNAPSHOT, inside / SNAPSHOT)
        version = trained(bring(retraining.parent, inside / "version"))
        inputs = {
            "table": str(table),
            "code": str(version / CODE),
            "entry": terms_of(retraining).entry_point,
            "columns": [field.name for field in schema.features],
        }
        found = sent(step, "features", inputs, readable=(inside,), writable=made)
        rows = sum(collected.numbers["rows"].values())
        if found.answer.get("rows") != rows or not (made / TABLE).is_file():
            raise StepFailed("The code did not give one row of features for each row.")
        files = keep(step, TABLE, made / TABLE)
    by_code = bool(found.answer.get("by_code"))
    columns = [str(one)[:120] for one in found.answer.get("columns", [])][:1_000]
    words = "by the version's own code" if by_code else "as they were logged"
    tell(step, f"{rows:,} rows of {len(columns)} features, {words}.")
    numbers = {"rows": rows, "columns": columns, "by_code": by_code}
    numbers["code_digest"] = code_digest(retraining.parent)
    return Done(numbers, files, found.seconds)

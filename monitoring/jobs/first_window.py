"""A version without reference gets one: the first four weeks of its own log.

Training data are often not available. What "normal" is then judged by is an earlier production
window, and every result says so.
"""

import logging
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from django.db.models import Max, Min, Q

from monitoring.jobs.samples import whole_rows
from monitoring.models import BatchKind
from monitoring.reads.baselines import schema_of
from registry.models import Version
from registry.reference_checks import NEEDED
from registry.refusals import ReferenceInvalid
from registry.schemas import FieldRole
from registry.services.references import MINIMUM_ROWS, adopt_reference

log = logging.getLogger(__name__)

LENGTH = timedelta(days=28)
MOST_ROWS = 1_000_000


def adopt_first_windows() -> int:
    """Give every version with a long enough log and no reference its first window; how many."""
    sent = Q(batches__kind=BatchKind.PREDICTIONS)
    waiting = Version.objects.filter(reference__isnull=True, schema__isnull=False)
    spans = waiting.annotate(
        first=Min("batches__first_at", filter=sent), last=Max("batches__last_at", filter=sent)
    ).values_list("pk", "first", "last")
    long_enough = {pk: first for pk, first, last in spans if first and last - first >= LENGTH}
    versions = Version.objects.filter(pk__in=long_enough).select_related("model", "schema")
    return sum(_adopt(version, long_enough[version.pk]) for version in versions)


def _adopt(version: Version, first: datetime) -> bool:
    rows = _rows(version, first)
    if rows.num_rows < MINIMUM_ROWS:
        return False
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "first_window.parquet"
        pq.write_table(rows, source, compression="zstd")
        try:
            return adopt_reference(version_id=version.pk, source=source) is not None
        except ReferenceInvalid as refusal:
            log.warning("%s gets no reference from its log: %s", version, refusal)
            return False


def _rows(version: Version, first: datetime) -> pa.Table:
    """The columns that a reference needs, and when each row was."""
    schema = schema_of(version)
    if schema is None:
        return pa.table({})
    kept = NEEDED - {FieldRole.OUTCOME} | {FieldRole.TIMESTAMP}
    rows = whole_rows(version, first, first + LENGTH, most=MOST_ROWS)
    return rows.select([field.name for field in schema.having(*kept)])

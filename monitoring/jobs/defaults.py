"""The monitors that a model gets by itself as soon as one of its versions has a reference."""

from dataclasses import asdict

from django.db import transaction

from audit.record import SYSTEM, record
from monitoring.events import MonitoringEvent
from monitoring.jobs.suggestions import Spec, specs_for
from monitoring.models import Monitor
from monitoring.reads.baselines import baseline_of, schema_of
from registry.models import Model, Version


def ensure_defaults() -> int:
    """Set up every model that has a counted reference and no monitor yet; returns how many."""
    bare = Model.objects.filter(
        versions__reference__frozen_at__isnull=False, monitors__isnull=True
    ).distinct()
    return sum(default_monitors(model_id=model.pk) for model in bare)


@transaction.atomic
def default_monitors(*, model_id: int) -> bool:
    """Create the default monitors of a model, unless it has monitors; twice is once."""
    model = Model.objects.select_for_update(no_key=True).get(pk=model_id)
    version = (
        Version.objects.filter(model=model, reference__frozen_at__isnull=False)
        .select_related("model", "schema")
        .order_by("number")
        .first()
    )
    if version is None or Monitor.objects.filter(model=model).exists():
        return False
    schema, baseline = schema_of(version), baseline_of(version.pk)
    if schema is None or baseline is None:
        return False
    made = [_create(model, spec) for spec in specs_for(model, schema, baseline)]
    for monitor in made:
        record(SYSTEM, MonitoringEvent.MONITOR_CREATED, monitor, why=monitor.why)
    return True


def _create(model: Model, spec: Spec) -> Monitor:
    return Monitor.objects.create(model=model, **asdict(spec))

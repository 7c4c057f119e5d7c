"""One run with its neighbours, its revisions and the incidents that it is part of."""

from dataclasses import dataclass
from typing import Any

from django.shortcuts import get_object_or_404

from monitoring.models import Incident, Run

MOST_REVISIONS = 20


@dataclass(frozen=True)
class RunPage:
    """What the page of a window shows beside the numbers."""

    run: Run
    earlier: int | None
    later: int | None
    revisions: tuple[Run, ...]
    incidents: tuple[Incident, ...]


def run_page(user: Any, run_id: int) -> RunPage:
    """A run that the user may see. Five queries.

    Raises:
        Http404: there is none that the user may see.
    """
    visible = Run.objects.visible_to(user).select_related("monitor__model", "version__schema")
    run = get_object_or_404(visible, pk=run_id)
    same = Run.objects.filter(monitor_id=run.monitor_id, version_id=run.version_id)
    windows = same.filter(latest=True).values_list("pk", flat=True)
    before = windows.filter(window_end__lt=run.window_end).order_by("-window_end")
    after = windows.filter(window_end__gt=run.window_end).order_by("window_end")
    revisions = same.filter(window_start=run.window_start, window_end=run.window_end)
    incidents = Incident.objects.filter(alerts__run=run).distinct()
    return RunPage(
        run=run,
        earlier=before.first(),
        later=after.first(),
        revisions=tuple(revisions.order_by("-pk")[:MOST_REVISIONS]),
        incidents=tuple(incidents[:MOST_REVISIONS]),
    )

"""The page of one version."""

from collections.abc import Sequence

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.sessions import person_of
from governance.facts import lineage_of
from governance.models import Watch
from governance.numbers import Number
from governance.reads.recommendations import standing
from governance.reads.version_page import VersionPage, version_page
from governance.reads.watches import watch_lines
from monitoring.reads.explanations import rests_on
from registry.manifests import HashedFile

HEALTH_LABELS = {"drift": "Drift", "quality": "Data quality", "performance": "Performance"}


@require_safe
def version(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """A version with its card, bytes, lineage, schema, reference, roles and requests."""
    page = version_page(person_of(request), slug, number)
    context = {
        "page": page,
        "detail": page.detail,
        "roles": [one for one in page.detail.periods if one.running],
        "health": [(HEALTH_LABELS.get(cell.kind, cell.kind), cell) for cell in page.health],
        "recommended": standing(
            person_of(request), page.detail.model_id, version_id=page.detail.id
        ),
        "rests": rests_on(person_of(request), page.detail.id),
        "lineage": lineage_of(page.detail.lineage),
        "version_label": f"Version {number}",
        "files_said": _files_said(page.detail.files),
        "card_said": _card_said(page),
        "written": [part for part in page.card.sections if part.text] if page.card else [],
        "measured_since": _measured_since(page),
        "in_force": _in_force(page),
        "watches": watch_lines(Watch.objects.filter(version=page.detail.id))[:3],
        "actions": page.possible if page.can_submit else (),
    }
    return render(request, "governance/version.html", context)


def _files_said(files: Sequence[HashedFile]) -> str:
    count = len(files)
    return f"{count} file{'' if count == 1 else 's'}, hashed one by one" if count else ""


def _card_said(page: VersionPage) -> str:
    revision = page.card.revision if page.card else None
    return f"Revision {revision.number} by {revision.author}" if revision else ""


def _measured_since(page: VersionPage) -> list[Number]:
    """Measurements that the card does not hold yet."""
    held = {claim.measurement_id for claim in page.card.claims} if page.card else set()
    return [one for one in page.numbers if one.measurement_id and one.measurement_id not in held]


def _in_force(page: VersionPage) -> list[object]:
    return [one for one in page.clearances if one.until is None]

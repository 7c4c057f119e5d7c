"""Incidents with which a person let a version serve on: they speak against it no more."""

from collections import defaultdict
from collections.abc import Collection

from governance.models import Clearance

Standing = tuple[int, str]


def considered_by_people(version_ids: Collection[int]) -> dict[Standing, set[int]]:
    """By version and environment, the incidents that were known to whoever reinstated it there,
    now or earlier: a version that serves again is not stopped by what was decided before."""
    found: dict[Standing, set[int]] = defaultdict(set)
    rows = Clearance.objects.filter(version__in=version_ids).exclude(considered=[])
    for version_id, environment, ids in rows.values_list("version", "environment", "considered"):
        found[version_id, environment].update(ids)
    return found

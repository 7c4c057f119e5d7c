"""Sweep: what no row knows goes, whole or half-written; what a row knows stays."""

import os
from pathlib import Path

import pytest
from django.conf import settings

from monitoring.jobs import sweep
from registry.gateways import store
from registry.models import Reference
from tests.monitoring import world
from tests.monitoring.world import rows

pytestmark = pytest.mark.django_db


def all_files():
    root = Path(settings.STORE_URL.removeprefix("file://"))
    return {str(path.relative_to(root)): path for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize("folder", ["predictions", "outcomes", "references", "retrainings"])
def test_half_written_and_orphaned_files_are_swept_once_they_are_old(folder, robot, version):
    world.send(robot, version, rows(3))
    kept = set(all_files())
    assert Reference.objects.get().path in kept
    half = f"{folder}/7/{store.UNFINISHED}0123456789abcdef"
    whole = f"{folder}/7/{'a' * 64}.parquet"
    for name in (half, whole):
        store.put_bytes(name, b"PAR1")
    assert sweep.sweep_orphans() == 0
    assert set(all_files()) == kept | {half, whole}
    for path in all_files().values():
        os.utime(path, (0, 0))
    assert sweep.sweep_orphans() == 2
    assert set(all_files()) == kept

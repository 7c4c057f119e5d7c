"""Every accepted batch leaves a receipt in the volume lane, in its own transaction."""

import pytest

from audit.models import Event, VolumeEvent
from ledger import claims
from monitoring.gateways.refusals import UploadRefused
from monitoring.models import Batch
from tests.monitoring import world
from tests.monitoring.world import rows

pytestmark = pytest.mark.django_db


def test_a_batch_is_received_on_record(robot, version):
    before = Event.objects.count()
    answer = world.send(robot, version, rows(30), key="day-1").answer
    batch = Batch.objects.get(pk=answer["batch"])
    receipt = VolumeEvent.objects.get()
    assert (receipt.event, receipt.actor_name) == ("monitoring.batch.received", robot.name)
    assert (receipt.subject_type, receipt.subject_id) == ("monitoring.batch", str(batch.pk))
    assert receipt.team_id == version.model.team_id
    assert receipt.data["rows"] == 30
    assert receipt.data["file_digest"] == batch.file_digest
    assert Event.objects.count() == before, "the chain is not touched"


def test_the_same_batch_again_is_received_once(robot, version):
    for _ in range(2):
        world.send(robot, version, rows(30), key="day-1")
    assert VolumeEvent.objects.count() == 1


def test_a_refused_batch_leaves_no_receipt(robot, version):
    world.send(robot, version, rows(30), key="day-1")
    with pytest.raises(UploadRefused):
        world.send(robot, version, rows(31), key="day-1")
    assert VolumeEvent.objects.count() == 1


def test_a_batch_that_is_not_committed_leaves_no_receipt(robot, version, monkeypatch):
    def full(**_named):
        raise OSError("disk full")

    monkeypatch.setattr(claims, "enqueue", full)
    with pytest.raises(OSError, match="disk full"):
        world.send(robot, version, rows(30), key="day-1")
    assert not VolumeEvent.objects.exists()
    assert not Batch.objects.exists()

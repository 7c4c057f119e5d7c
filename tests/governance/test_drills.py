"""What can no longer be restored becomes a finding, once, and again if it was closed too early."""

import pytest
from django.utils import timezone

from governance.jobs.follow import follow_verdicts
from governance.models import Finding
from registry.models import Archive, Restore


@pytest.fixture
def archive(one):
    now = timezone.now()
    return Archive.objects.create(
        version=one,
        state="sealed",
        path="archives/flight-delay/1",
        digest="e" * 64,
        sealed_at=now,
        verified_at=now,
    )


def closed(person):
    Finding.objects.update(
        state="closed", closed_by=person, closed_at=timezone.now(), resolution="Mended."
    )


def test_a_sound_archive_is_no_finding(archive):
    follow_verdicts()
    assert not Finding.objects.exists()


def test_a_damaged_archive_is_found_once_while_it_is_open(archive, olga):
    Archive.objects.update(verified_at=None, error="model.skops has other bytes.")
    follow_verdicts()
    follow_verdicts()
    found = Finding.objects.get()
    assert (found.kind, found.severity, found.owner) == ("drill", "high", olga)
    assert found.title == "The archive of version 1 is damaged"
    assert found.text.startswith("model.skops has other bytes.")


def test_an_archive_that_stays_damaged_is_found_again(archive, rita):
    Archive.objects.update(verified_at=None, error="model.skops has other bytes.")
    follow_verdicts()
    closed(rita)
    follow_verdicts()
    assert Finding.objects.count() == 2


def test_a_failed_restore_is_found_once_for_all(archive, rita):
    Restore.objects.create(archive=archive, state="failed", error="The store did not answer.")
    follow_verdicts()
    assert Finding.objects.get().title == "Version 1 could not be restored from its archive"
    closed(rita)
    follow_verdicts()
    assert Finding.objects.count() == 1


def test_a_restore_that_was_made_good_is_no_finding(archive):
    Restore.objects.create(archive=archive, state="failed", error="The store did not answer.")
    Restore.objects.create(archive=archive, state="restored")
    follow_verdicts()
    assert not Finding.objects.exists()

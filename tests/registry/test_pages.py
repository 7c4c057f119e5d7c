"""The pages of archives: what they show, to whom, with how many queries."""

import pytest
from django.urls import reverse
from django.utils import timezone

from registry.models import Archive, Restore, Version


@pytest.fixture
def sealed(olga, one):
    Version.objects.filter(pk=one.pk).update(stage="archived", artifact_digest="ab" * 32)
    return Archive.objects.create(
        version=one,
        state="sealed",
        path="archives/flight-delay/1/1-1",
        manifest={"files": [{"path": "artifacts/MLmodel", "size": 512, "sha256": "cd" * 32}]},
        digest="ef" * 32,
        size=512,
        requested_by=olga,
        sealed_at=timezone.now(),
        verified_at=timezone.now(),
    )


def test_the_list_shows_what_is_kept(signed_in, olga, sealed, django_assert_max_num_queries):
    client = signed_in(olga)
    with django_assert_max_num_queries(9):
        answer = client.get(reverse("archives"))
    text = answer.content.decode()
    assert answer.status_code == 200
    assert "Flight delay 1" in text
    assert "sealed" in text
    assert "ef" * 32 in text
    assert (
        "Flight delay 1"
        not in client.get(reverse("archives"), {"state": "failed"}).content.decode()
    )


def test_an_archive_shows_every_file_and_every_restoration(
    signed_in, adam, olga, sealed, two, django_assert_max_num_queries
):
    Restore.objects.create(
        archive=sealed, state="restored", version=two, requested_by=olga, checked_files=1
    )
    client = signed_in(adam)
    with django_assert_max_num_queries(10):
        answer = client.get(reverse("archive", args=[sealed.pk]))
    text = answer.content.decode()
    assert "artifacts/MLmodel" in text
    assert "cd" * 32 in text
    assert "as version 2" in text
    assert "Ask to restore" not in text, "adam only reads"
    assert "Ask to restore" in signed_in(olga).get(answer.request["PATH_INFO"]).content.decode()


def test_a_failed_archive_says_why(signed_in, olga, sealed):
    Archive.objects.update(state="failed", error="weights.bin was changed in MLflow.")
    text = signed_in(olga).get(reverse("archive", args=[sealed.pk])).content.decode()
    assert "weights.bin was changed in MLflow." in text
    assert "Ask to restore" not in text


def test_a_stranger_sees_nothing(signed_in, sam, sealed):
    client = signed_in(sam)
    assert "Flight delay" not in client.get(reverse("archives")).content.decode()
    assert client.get(reverse("archive", args=[sealed.pk])).status_code == 404


def test_nobody_sees_them_without_signing_in(client, sealed):
    assert client.get(reverse("archives")).status_code == 302


@pytest.mark.parametrize("before", ["", "x", "9" * 30, "-1"])
def test_a_strange_place_in_the_list_is_the_beginning(signed_in, olga, sealed, before):
    answer = signed_in(olga).get(reverse("archives"), {"before": before})
    assert "Flight delay 1" in answer.content.decode()

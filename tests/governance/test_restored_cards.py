"""A restored version gets the card that was archived with it: words that nobody signed for it."""

import pytest

from governance.jobs.restored_cards import follow_restores
from governance.models import Card
from governance.reads.cards import card_of
from governance.services.cards import revise_card
from registry.gateways import store
from registry.models import Restore
from tests.governance.conftest import SECTIONS
from tests.registry.conftest import flights, in_mlflow, real_mlflow, server, work
from tests.registry.test_archives import ask, ask_back, old

__all__ = ["flights", "in_mlflow", "old", "real_mlflow", "server"]


def brought_back(version):
    ask(version)
    work("registry.archive")
    version.archive.refresh_from_db()
    ask_back(version.archive)
    work("registry.restore")
    restore = Restore.objects.get()
    assert (restore.error, restore.state) == ("", "restored")
    return restore.version


@pytest.fixture
def back(old, olga):
    """Version 1 had a card; it was archived and restored."""
    revise_card(actor=olga, version_id=old.pk, sections=SECTIONS, note="First", expected_revision=0)
    return brought_back(old)


def test_a_card_that_somebody_wrote_meanwhile_stays(back, olga):
    assert follow_restores() == 1
    words = {"overview": "What I know of it today."}
    revise_card(actor=olga, version_id=back.pk, sections=words, note="Mine", expected_revision=0)
    assert work("governance.restored_card").state == "done"
    page = card_of(back.pk)
    assert (page.written, page.revision.number) == (words, 1)
    assert follow_restores() == 0


def test_a_card_that_is_not_what_was_sealed_is_not_taken_up(back, old):
    follow_restores()
    name = f"{old.archive.path}/card/card.json"
    store.put_bytes(name, store.read(name).replace(b"About", b"Abort"))
    job = work("governance.restored_card")
    assert job.state == "due"
    assert "card/card.json is not what was sealed" in job.error
    assert not Card.objects.filter(version=back).exists()


def test_a_version_without_a_card_comes_back_without_one(old):
    back = brought_back(old)
    assert follow_restores() == 0
    assert not Card.objects.filter(version=back).exists()

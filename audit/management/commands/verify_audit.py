import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import DatabaseError

from audit.gateways.checkpoints import Place, PlaceUnavailable
from audit.notes import NoteInvalid, PublicKey, TreeHead, public_key
from audit.verify import Verification, known_keys, signed_heads, stored_notes, verify


class Command(BaseCommand):
    help = (
        "Verify the audit trail, its seals and its checkpoints: "
        "exit 0 it holds, 1 it is broken, 2 it cannot be checked."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--expect-count", type=int, help="events that were there before")
        parser.add_argument("--expect-head", default="", help="digest of an event seen before")
        parser.add_argument(
            "--against",
            metavar="CHECKPOINT|DIR",
            help="a checkpoint's file, or the folder or URL that they were written to; "
            "default: OMBUD_CHECKPOINTS",
        )
        parser.add_argument(
            "--key", action="append", default=[], help="trust this public key only (a line)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            heads = self._heads(options["against"], options["key"])
            found = verify(
                expect_count=options["expect_count"],
                expect_head=options["expect_head"],
                heads=heads,
            )
        except (DatabaseError, ValueError, PlaceUnavailable, NoteInvalid) as error:
            self._leave(2, f"The audit trail cannot be checked: {error}")
        if found.broken_at is not None:
            self._leave(
                1,
                f"The audit trail is broken at event {found.broken_at}: {found.reason}. "
                f"{found.checked} events were checked.",
            )
        if not found.checked:
            self._leave(2, "The audit trail is empty: nothing was checked.")
        self.stdout.write(_told(found))

    def _heads(self, against: str | None, trusted: list[str]) -> list[TreeHead]:
        """Every checkpoint that is in the database and outside, if all of their signatures hold."""
        place = Place(against or settings.CHECKPOINTS)
        texts = place.texts()
        if against and not texts:
            self._leave(2, f"There is no checkpoint at {against}: nothing was checked against it.")
        known = {key.key_id: key for key in map(public_key, trusted)} or self._known(place)
        # What is stored here is the text that lies outside: each is counted once.
        texts_once = dict.fromkeys(text.strip() for text in (*texts, *stored_notes()))
        signed = signed_heads(texts_once, known)
        if signed.fault:
            self._leave(1, signed.fault)
        return signed.heads

    def _known(self, place: Place) -> dict[str, PublicKey]:
        return known_keys(Place(settings.CHECKPOINTS)) | place.keys()

    def _leave(self, status: int, why: str) -> None:
        self.stderr.write(why)
        sys.exit(status)


def _told(found: Verification) -> str:
    return (
        f"{found.checked} events checked, all hold. Head: {found.head}\n"
        f"{found.seals} seals over {found.sealed} volume events checked, all hold; "
        f"{found.waiting} wait for a seal.\n"
        f"{found.checkpoints} signed checkpoints checked, all hold."
        + ("" if found.checkpoints else " A cut tail cannot be seen without one.")
    )

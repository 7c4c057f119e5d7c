import sys
from typing import Any

from django.core.management.base import BaseCommand

from audit.gateways.checkpoints import PlaceUnavailable
from audit.jobs.checkpoint import TrailBroken
from audit.keys import KeyUnavailable
from audit.record import SYSTEM
from audit.services.keys import NothingToHandOver, rotate_key


class Command(BaseCommand):
    help = "Replace the audit key; one checkpoint signed by the old and the new key hands over."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            made = rotate_key(actor=SYSTEM)
        except (KeyUnavailable, NothingToHandOver, PlaceUnavailable, TrailBroken) as error:
            self.stderr.write(f"The audit key was not rotated: {error}")
            sys.exit(1)
        self.stdout.write(
            f"Key {made.key_id} signs from now on. Its first checkpoint:\n{made.note}"
        )

"""`manage.py rotate_clearance_key`: a new key signs clearances; the old one stays published."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from governance.clearance_tokens import LONGEST
from governance.gateways import keys


class Command(BaseCommand):
    help = "Make a new key that signs clearances from now on."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            key = keys.rotate()
        except keys.KeysUnusable as error:
            raise CommandError(str(error)) from error
        hours = LONGEST.total_seconds() / 3600
        self.stdout.write(
            f"Key {key.id} signs from now on. Earlier keys stay published for {hours:g} hours,"
            " until the last token that they signed has expired."
        )

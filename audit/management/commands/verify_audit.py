import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db import DatabaseError

from audit.verify import verify


class Command(BaseCommand):
    help = "Verify the audit trail: exit 0 it holds, 1 it is broken, 2 it cannot be checked."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--expect-count", type=int, help="events that were there before")
        parser.add_argument("--expect-head", default="", help="digest of an event seen before")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found = verify(expect_count=options["expect_count"], expect_head=options["expect_head"])
        except (DatabaseError, ValueError) as error:
            self.stderr.write(f"The audit trail cannot be checked: {error}")
            sys.exit(2)
        if found.broken_at is not None:
            self.stderr.write(
                f"The audit trail is broken at event {found.broken_at}: {found.reason}. "
                f"{found.checked} events before it hold."
            )
            sys.exit(1)
        if not found.checked:
            self.stderr.write("The audit trail is empty: nothing was checked.")
            sys.exit(2)
        self.stdout.write(f"{found.checked} events checked, all hold. Head: {found.head}")

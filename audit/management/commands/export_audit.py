import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from audit.proofs import NotProvable
from audit.record import SYSTEM
from audit.services.export import export_trail, write_folder


class Command(BaseCommand):
    help = "Export the audit trail up to the newest checkpoint; clients/ombud_verify.py checks it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, help="a new folder")

    def handle(self, *args: Any, **options: Any) -> None:
        folder = options["folder"]
        try:
            export = export_trail(actor=SYSTEM)
            write_folder(export=export, folder=folder)
        except (NotProvable, OSError) as error:
            self.stderr.write(f"The audit trail was not exported: {error}")
            sys.exit(1)
        self.stdout.write(f"{export.newest.size} events exported to {folder}.")

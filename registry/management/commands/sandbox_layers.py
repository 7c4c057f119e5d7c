"""`manage.py sandbox_layers`: what the sandbox can take away on this machine, by trying it."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from sandbox.errand import REQUIRED, Errand
from sandbox.run import run


class Command(BaseCommand):
    help = "Run an errand that does nothing and tell which layers held; fails if one is missing."

    def handle(self, *args: Any, **options: Any) -> None:
        outcome = run(Errand("probe"))
        for layer, holds in outcome.layers.items():
            needed = "required" if layer in REQUIRED else "a second fence"
            self.stdout.write(f"{layer:<20} {'holds' if holds else 'MISSING':<8} {needed}")
        if not outcome.done:
            raise CommandError(outcome.detail)

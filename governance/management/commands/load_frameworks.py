"""The shipped libraries of controls into the database; run after every migrate."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from governance.refusals import Unable
from governance.services.frameworks import load_shipped


class Command(BaseCommand):
    help = "Load the shipped frameworks; a changed file becomes a new edition. May be repeated."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            loaded = load_shipped()
        except Unable as error:
            raise CommandError(str(error)) from error
        for edition in loaded:
            count = edition.controls.count()
            self.stdout.write(
                f"{edition.framework.slug}: edition {edition.number}, {count} controls"
            )
        if not loaded:
            self.stdout.write("Every framework is as it was.")

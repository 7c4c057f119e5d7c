"""`manage.py explain_again EXPLANATION`: compute a stored explanation once more and compare it."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from monitoring.jobs.explaining.again import Again, explanation_again, importance_again
from monitoring.jobs.explaining.errands import NotExplained
from monitoring.models import Explanation, Importance


class Command(BaseCommand):
    help = (
        "Compute an explanation (or with --importance a version's importance) once more in the "
        "sandbox. Exits with 0 if its digest is the same, 1 if not, 2 if it cannot be computed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("number", type=int, help="Of the explanation or importance")
        parser.add_argument("--importance", action="store_true")

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            found = _again(options["number"], importance=options["importance"])
        except (NotExplained, Explanation.DoesNotExist, Importance.DoesNotExist) as reason:
            raise CommandError(str(reason), returncode=2) from reason
        self.stdout.write(f"stored {found.stored}\n   now {found.now}")
        self.stdout.write("the same" if found.same else "DIFFERS")
        if not found.same:
            sys.exit(1)


def _again(number: int, *, importance: bool) -> Again:
    if importance:
        rows = Importance.objects.select_related("version__model", "version__schema")
        return importance_again(rows.get(pk=number))
    found = Explanation.objects.select_related("version__model", "version__schema")
    return explanation_again(found.get(pk=number))

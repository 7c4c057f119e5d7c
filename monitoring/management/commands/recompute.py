"""`manage.py recompute MEASUREMENT`: compute a stored number again and compare it bit for bit."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from monitoring.jobs.recomputing import CannotRecompute, Line, recompute
from monitoring.models import Measurement


class Command(BaseCommand):
    help = (
        "Compute a measurement again from the counts and settings that it names. Exits with 0 if "
        "every number is the same, 1 if one differs, 2 if it cannot be computed again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("measurement", type=int, help="Number of the measurement")

    def handle(self, *_: Any, **options: Any) -> None:
        found = Measurement.objects.select_related("run__monitor__model", "version__model")
        measurement = found.filter(pk=options["measurement"]).first()
        if measurement is None:
            raise CommandError(f"There is no measurement {options['measurement']}.", returncode=2)
        try:
            lines = recompute(measurement)
        except CannotRecompute as reason:
            raise CommandError(str(reason), returncode=2) from reason
        self._tell(measurement, lines)
        if not all(line.same for line in lines):
            sys.exit(1)

    def _tell(self, measurement: Measurement, lines: list[Line]) -> None:
        run = measurement.run
        about = f" of {measurement.field}" if measurement.field else ""
        self.stdout.write(
            f"{measurement.metric}{about}, {measurement.version}, "
            f"{run.window_start:%Y-%m-%d %H:%M} to {run.window_end:%Y-%m-%d %H:%M} UTC"
        )
        for line in lines:
            mark = "same" if line.same else f"DIFFERS: {line.again!r} now"
            self.stdout.write(f"  {line.name:<16} {line.stored!r:<26} {mark}")
        self.stdout.write(
            f"  counts {run.profile_digest[:16]}, reference {run.reference_digest[:16]}, "
            f"statistics {run.library_version}, seed {run.settings.get('seed')}"
        )

import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from audit import keys


class Command(BaseCommand):
    help = "Make the key that signs audit checkpoints, if there is none; says its public part."

    def handle(self, *args: Any, **options: Any) -> None:
        path = Path(settings.AUDIT_KEY)
        try:
            signer = keys.signer() if path.exists() else keys.make(path)
        except (keys.KeyUnavailable, OSError) as error:
            self.stderr.write(f"No audit key: {error}")
            sys.exit(1)
        self.stdout.write(signer.public.text)

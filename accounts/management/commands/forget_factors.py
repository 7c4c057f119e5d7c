from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import User
from accounts.policies import Refused
from accounts.services.lost import forget_factors


class Command(BaseCommand):
    help = "For who has lost telephone and recovery codes: take their second factors away."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", help="whose they are")
        parser.add_argument("--by", required=True, help="address of the administrator who does it")
        parser.add_argument("--reason", required=True, help="why; kept on the audit trail")
        parser.add_argument(
            "--identity", action="store_true", help="the link to single sign-on as well"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        person, actor = self._person(options["email"]), self._person(options["by"])
        try:
            gone = forget_factors(
                actor=actor,
                user_id=person.pk,
                reason=options["reason"],
                identity=options["identity"],
            )
        except (Refused, ValueError) as error:
            raise CommandError(str(error)) from error
        said = ", ".join(gone).replace("_", " ") or "nothing, there was none"
        self.stdout.write(f"Taken away from {person.name}: {said}.")

    def _person(self, email: str) -> User:
        found = User.objects.filter(email__iexact=email).first()
        if found is None:
            raise CommandError(f"There is nobody with the address {email}.")
        return found

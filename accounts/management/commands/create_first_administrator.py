import sys
from argparse import ArgumentParser
from getpass import getpass
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand
from django.core.validators import validate_email

from accounts.models import User
from accounts.services.people import create_first_administrator


class Command(BaseCommand):
    help = "Ask for the first administrator; does nothing once there are people."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--email")
        parser.add_argument("--name")

    def handle(self, *args: Any, **options: Any) -> None:
        if User.objects.exists():
            self.stdout.write("There are people already: sign in as one of them.")
            return
        if not sys.stdin.isatty() and not options["email"]:
            self.stderr.write(
                "There is nobody yet. Run this in a terminal: manage.py create_first_administrator"
            )
            sys.exit(1)
        email = options["email"] or self._ask("E-mail address", validate_email)
        name = options["name"] or self._ask("Full name")
        password = self._ask_password()
        create_first_administrator(email=email, name=name, password=password)
        self.stdout.write(f"{name} is the administrator. Sign in with {email}.")

    def _ask(self, question: str, check: Any = None) -> str:
        while True:
            answer = input(f"{question}: ").strip()
            try:
                if answer and check:
                    check(answer)
            except ValidationError as error:
                self.stderr.write(" ".join(error.messages))
                continue
            if answer:
                return answer

    def _ask_password(self) -> str:
        while True:
            password = getpass("Password (12 or more characters): ")
            try:
                validate_password(password)
            except ValidationError as error:
                self.stderr.write(" ".join(error.messages))
                continue
            if password == getpass("The same again: "):
                return password
            self.stderr.write("The two differ.")

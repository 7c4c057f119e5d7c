import json
import os
import secrets
from pathlib import Path
from typing import Any, NamedTuple

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from accounts.models import Team, User, UserKind
from accounts.roles import Role, Scope
from accounts.services.people import (
    create_first_administrator,
    create_user,
    grant_role,
)
from accounts.services.teams import create_team
from accounts.services.tokens import create_token

TEAMS = {"flight-operations": "Flight operations", "lending": "Lending"}


class Person(NamedTuple):
    """One demonstration person: roles are held in every demonstration team, or everywhere."""

    key: str
    name: str
    role: Role
    scopes: tuple[Scope, ...]
    does: str


PEOPLE = (
    Person("anna", "Anna Ashby", Role.ADMINISTRATOR, (Scope.READ, Scope.MANAGE), "administers"),
    Person("olga", "Olga Orlova", Role.DEVELOPER, tuple(Scope), "owns the models"),
    Person("vera", "Vera Valdez", Role.VALIDATOR, (Scope.READ, Scope.MANAGE), "validates"),
    Person("rita", "Rita Rao", Role.REVIEWER, (Scope.READ, Scope.MANAGE), "reviews and signs"),
    Person("rosa", "Rosa Renner", Role.RISK_OFFICER, (Scope.READ, Scope.MANAGE), "risk officer"),
    Person("adam", "Adam Abara", Role.AUDITOR, (Scope.READ, Scope.AUDIT), "audits"),
    Person("robot", "Serving system", Role.SERVICE_ACCOUNT, tuple(Scope), "sends predictions"),
)
EVERYWHERE = {Role.ADMINISTRATOR, Role.AUDITOR, Role.RISK_OFFICER}


class Command(BaseCommand):
    help = "Make the demonstration's people with random passwords; written to var/demo.json (600)."

    def handle(self, *args: Any, **options: Any) -> None:
        path = settings.VAR / "demo.json"
        if User.objects.exists():
            if not path.exists():
                raise CommandError(
                    f"There are people already, but no {path}: this is not a demonstration's "
                    "database. Use another OMBUD_VAR or DATABASE_URL for the demonstration."
                )
            self.stdout.write("The demonstration's people are there.")
            return
        with transaction.atomic():
            people = [self._make(person) for person in PEOPLE]
            _write(path, {"address": settings.PUBLIC_URL, "people": people})
        self.stdout.write(f"{len(people)} people made; passwords and tokens are in {path}.")

    def _make(self, person: Person) -> dict[str, Any]:
        password = secrets.token_urlsafe(12)
        email = f"{person.key}@example.org"
        if person.role == Role.ADMINISTRATOR:
            user = create_first_administrator(email=email, name=person.name, password=password)
            for slug, name in TEAMS.items():
                create_team(actor=user, name=name, slug=slug)
        else:
            user = _colleague(person, email, password)
        scopes = [scope.value for scope in person.scopes]
        token = create_token(actor=user, owner=user, name="demonstration", scopes=scopes, days=365)
        login = {} if user.kind == UserKind.SERVICE else {"password": password}
        return {
            "key": person.key,
            "name": person.name,
            "email": email,
            **login,
            "role": person.role.label,
            "does": person.does,
            "token": token.text,
        }


def _colleague(person: Person, email: str, password: str) -> User:
    anna = User.objects.get(email="anna@example.org")
    service = person.role == Role.SERVICE_ACCOUNT
    user = create_user(
        actor=anna,
        email=email,
        name=person.name,
        password=None if service else password,
        kind=UserKind.SERVICE if service else UserKind.PERSON,
    )
    teams = [None] if person.role in EVERYWHERE else list(Team.objects.values_list("pk", flat=True))
    for team_id in teams:
        grant_role(actor=anna, user_id=user.pk, role=person.role, team_id=team_id)
    return User.objects.get(pk=user.pk)


def _write(path: Path, content: dict[str, Any]) -> None:
    """Write it readable for its owner only, from the first byte on."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(content, file, indent=2)

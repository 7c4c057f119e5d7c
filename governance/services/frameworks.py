"""Frameworks: the shipped libraries, and those that teams add."""

from pathlib import Path

from django.db import IntegrityError, transaction

from accounts.models import Team, User
from accounts.policies import require
from audit.record import SYSTEM, Actor
from governance.framework_files import BadFramework, FrameworkFile, parse
from governance.jobs.frameworks import store_edition
from governance.models import Edition, Framework
from governance.policies import can_add_framework
from governance.refusals import BadFile, NameTaken

FOLDER = Path(__file__).parents[1] / "frameworks"
ONLY_JUDGES = "Only validators and risk officers of the team add a framework."


@transaction.atomic
def load_shipped(*, actor: Actor = SYSTEM, folder: Path = FOLDER) -> list[Edition]:
    """Every library of the folder whose file changed, as a new edition; may be repeated.

    Raises:
        BadFile: a file is no framework.
        NameTaken: a team's own framework has the name of a library.
    """
    found = [(path, _parsed(path.read_bytes())) for path in sorted(folder.glob("*.yaml"))]
    stored = [store_edition(actor=actor, framework=_shipped(file), file=file) for _, file in found]
    return [edition for edition in stored if edition is not None]


@transaction.atomic
def add_framework(*, actor: User, team_id: int, raw: bytes) -> Edition:
    """A team's framework from its file; a changed file under the same id is a new edition.

    Raises:
        BadFile: what is wrong with the file, line by line.
        NameTaken: a library or another team's framework has this id, or nothing changed.
    """
    require(can_add_framework(actor, team_id), ONLY_JUDGES)
    file = _parsed(raw)
    team = Team.objects.get(pk=team_id)
    there = Framework.objects.filter(slug=file.id).first()
    if there is not None and there.team_id != team_id:
        raise NameTaken(f"Another framework has the id {file.id!r}; choose another.")
    edition = store_edition(actor=actor, framework=there or _made(file, team), file=file)
    if edition is None:
        raise NameTaken(f"{file.id!r} is there already and says the same.")
    return edition


def _parsed(raw: bytes) -> FrameworkFile:
    try:
        return parse(raw)
    except BadFramework as error:
        raise BadFile(error.problems) from error


def _shipped(file: FrameworkFile) -> Framework:
    framework, _ = Framework.objects.get_or_create(slug=file.id)
    if framework.team_id is not None:
        raise NameTaken(f"A team's framework has the id of the library {file.id!r}.")
    return framework


def _made(file: FrameworkFile, team: Team) -> Framework:
    try:
        with transaction.atomic():
            return Framework.objects.create(slug=file.id, team=team)
    except IntegrityError as error:
        raise NameTaken(f"Another framework has the id {file.id!r}; choose another.") from error

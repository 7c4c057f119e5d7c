"""Which group of the organisation's provider has which role: read once, refused early. Pure."""

from dataclasses import dataclass

from accounts.roles import ORGANISATION_ROLES, Role


@dataclass(frozen=True)
class GroupRole:
    """Who is in `group` has `role` in the team; team empty: in the whole organisation."""

    group: str
    team: str
    role: str


def parse(text: str) -> tuple[GroupRole, ...]:
    """`group=team:role` separated by commas; `group=:auditor` for the whole organisation.

    Raises:
        ValueError: a part is not of that form, or names no role, or a team for an auditor.
    """
    return tuple(_one(part.strip()) for part in text.split(",") if part.strip())


def _one(part: str) -> GroupRole:
    group, equals, place = part.partition("=")
    team, colon, role = place.rpartition(":")
    if not (group.strip() and equals and colon):
        raise ValueError(f"{part!r} is not of the form group=team:role")
    if role.strip() not in Role.values or role.strip() == Role.SERVICE_ACCOUNT:
        raise ValueError(f"{part!r} names no role that a person has")
    if team.strip() and role.strip() in ORGANISATION_ROLES:
        raise ValueError(f"{part!r}: {role.strip()} is held for the whole organisation, no team")
    return GroupRole(group.strip(), team.strip(), role.strip())

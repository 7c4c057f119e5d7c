from enum import StrEnum


class AccountEvent(StrEnum):
    USER_CREATED = "accounts.user.created"
    USER_SIGNED_IN = "accounts.user.signed_in"
    TEAM_CREATED = "accounts.team.created"
    ROLE_GRANTED = "accounts.role.granted"
    ROLE_WITHDRAWN = "accounts.role.withdrawn"
    TOKEN_CREATED = "accounts.token.created"  # noqa: S105 - an event's name
    TOKEN_REVOKED = "accounts.token.revoked"  # noqa: S105 - an event's name

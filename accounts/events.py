from enum import StrEnum


class AccountEvent(StrEnum):
    USER_CREATED = "accounts.user.created"
    USER_CLOSED = "accounts.user.closed"
    USER_REOPENED = "accounts.user.reopened"
    INVITATION_MADE = "accounts.invitation.made"
    INVITATION_USED = "accounts.invitation.used"
    USER_SIGNED_IN = "accounts.user.signed_in"
    TEAM_CREATED = "accounts.team.created"
    TEAM_RENAMED = "accounts.team.renamed"
    ROLE_GRANTED = "accounts.role.granted"
    ROLE_WITHDRAWN = "accounts.role.withdrawn"
    ROLE_LENT = "accounts.role.lent"
    ROLE_TAKEN_BACK = "accounts.role.taken_back"
    TOKEN_CREATED = "accounts.token.created"  # noqa: S105 - an event's name
    TOKEN_REVOKED = "accounts.token.revoked"  # noqa: S105 - an event's name
    IDENTITY_LINKED = "accounts.identity.linked"
    PASSWORD_CHANGED = "accounts.password.changed"  # noqa: S105 - an event's name
    TOTP_ACTIVATED = "accounts.totp.activated"
    TOTP_REMOVED = "accounts.totp.removed"
    CODE_REFUSED = "accounts.code.refused"
    RECOVERY_CODES_MADE = "accounts.recovery_codes.made"
    RECOVERY_CODE_USED = "accounts.recovery_code.used"
    PASSKEY_ADDED = "accounts.passkey.added"
    PASSKEY_REMOVED = "accounts.passkey.removed"
    FACTORS_FORGOTTEN = "accounts.factors.forgotten"
    PASSKEY_REFUSED = "accounts.passkey.refused"

"""What a person can prove themselves with beside a password, as frozen dataclasses."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from allauth.mfa.models import Authenticator
from cryptography.fernet import InvalidToken

from accounts.models import User


@dataclass(frozen=True)
class PasskeyRow:
    pk: int
    name: str
    added_at: datetime
    used_at: datetime | None


@dataclass(frozen=True)
class Factors:
    """`app`: an authenticator app makes codes; `codes_left`: recovery codes not used yet."""

    password: bool
    app: bool
    app_since: datetime | None
    app_used_at: datetime | None
    codes_left: int
    passkeys: tuple[PasskeyRow, ...]

    @property
    def any_second(self) -> bool:
        return self.app or bool(self.passkeys)

    @property
    def passkey_count(self) -> int:
        return len(self.passkeys)


def factors_of(user: User) -> Factors:
    """One query."""
    rows = list(Authenticator.objects.filter(user_id=user.pk).order_by("created_at", "pk"))
    by_type = {row.type: row for row in rows}
    app = by_type.get(Authenticator.Type.TOTP)
    codes = by_type.get(Authenticator.Type.RECOVERY_CODES)
    return Factors(
        password=user.has_usable_password(),
        app=app is not None,
        app_since=app.created_at if app else None,
        app_used_at=app.last_used_at if app else None,
        codes_left=_codes_left(codes) if codes else 0,
        passkeys=tuple(_passkey(row) for row in rows if row.type == Authenticator.Type.WEBAUTHN),
    )


def _codes_left(row: Any) -> int:
    try:
        return len(row.wrap().get_unused_codes())
    except InvalidToken:  # encrypted with a secret key that is gone
        return 0


def _passkey(row: Any) -> PasskeyRow:
    return PasskeyRow(
        pk=row.pk, name=row.data["name"], added_at=row.created_at, used_at=row.last_used_at
    )

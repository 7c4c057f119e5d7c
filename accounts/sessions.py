"""Who is at the other end of a request that has passed the door."""

from typing import Any

from accounts.models import User
from accounts.policies import Refused


def person_of(request: Any) -> User:
    """The signed-in person or service account of a Django or DRF request.

    Raises:
        Refused: nobody is signed in (the door should have stopped this request before).
    """
    if not isinstance(request.user, User):
        raise Refused("Sign in first.")
    return request.user

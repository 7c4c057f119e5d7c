"""Who is at the other end of a request that has passed the door."""

from typing import Any

from django.contrib.auth import logout

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


def end_session_of_another(request: Any, person: User) -> None:
    """Whoever comes in begins with nothing of who was here before."""
    if request.user.is_authenticated and request.user.pk != person.pk:
        logout(request)

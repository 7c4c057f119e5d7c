from typing import TYPE_CHECKING, Any

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from accounts.models import ApiToken
from accounts.roles import Scope

if TYPE_CHECKING:
    # DRF's views import their settings, which name this module.
    from rest_framework.views import APIView


class SignedInWithScope(BasePermission):
    """Signed in, and the token (if one is used) has the scope that the view asks for.

    Reading needs `read`, changing needs `manage`; a view that takes data in says
    `scope = Scope.INGEST`. What a person may do with an object is the service's business.
    """

    def has_permission(self, request: Request, view: "APIView") -> bool:
        if not request.user.is_authenticated:
            return False
        if not isinstance(request.auth, ApiToken):
            return True
        needed = needed_scope(request.method or "GET", getattr(view, "scope", None))
        self.message = f"This token lacks the scope '{needed}'. Make one that has it."
        return needed in request.auth.scopes


def needed_scope(method: str, declared: Any = None) -> Scope:
    """The scope a request needs: the one the view declares, else by method."""
    if declared is not None:
        return Scope(declared)
    return Scope.READ if method in SAFE_METHODS else Scope.MANAGE

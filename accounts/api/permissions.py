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
    `scope = Scope.INGEST`, one that auditors work with `audits = True`. What a person may do with
    an object is the service's business.
    """

    def has_permission(self, request: Request, view: "APIView") -> bool:
        if not request.user.is_authenticated:
            return False
        if not isinstance(request.auth, ApiToken):
            return True
        enough = scopes_for(request.method or "GET", view)
        said = "' or '".join(enough)
        self.message = f"This token lacks the scope '{said}'. Make one that has it."
        return any(scope in request.auth.scopes for scope in enough)


def scopes_for(method: str, view: Any) -> tuple[Scope, ...]:
    """The scopes of which a request needs one: what the view declares, else by method."""
    declared = getattr(view, "scope", None)
    if declared is not None:
        return (Scope(declared),)
    if method in SAFE_METHODS:
        return (Scope.READ,)
    return (Scope.MANAGE, Scope.AUDIT) if getattr(view, "audits", False) else (Scope.MANAGE,)

"""What every page shows around its own content."""

from django.conf import settings
from django.http import HttpRequest

from governance.reads.inbox import waiting_for


def navigation(request: HttpRequest) -> dict[str, object]:
    """The section a page belongs to, and how many change requests wait for the person."""
    match = request.resolver_match
    return {
        "nav": (match.url_name or "") if match else "",
        "sso_name": settings.OIDC_NAME if settings.OIDC_ISSUER else "",
        "inbox_count": waiting_for(request.user) if request.user.is_authenticated else 0,
    }

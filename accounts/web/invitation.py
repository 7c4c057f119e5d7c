"""The page behind an invitation's link: somebody chooses their password. Nobody is signed in."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.services.invitations import NoInvitation, accept, find_invitation
from accounts.web.people_forms import NewPasswordForm


@never_cache
@sensitive_post_parameters("password", "again")
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Looking at the link does not use it up: programs that read mail look at links, too."""
    form = NewPasswordForm(request.POST if request.method == "POST" else None)
    try:
        found = find_invitation(token)
        if request.method == "POST" and form.is_valid():
            accept(text=token, password=form.cleaned_data["password"])
            messages.success(request, "Your password is set. Sign in with it.")
            return redirect("account_login")
    except NoInvitation as error:
        return render(request, "accounts/invitation_over.html", {"said": str(error)}, status=404)
    except ValidationError as error:
        form.add_error("password", error)
    context = {"form": form, "person": found.person}
    return render(request, "accounts/invitation.html", context, status=422 if form.errors else 200)

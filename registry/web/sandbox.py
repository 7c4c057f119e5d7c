"""The machines that models are opened on: which layers hold there."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.policies import require
from accounts.sessions import person_of
from registry.policies import KEEPERS_ONLY, may_see_hosts
from registry.reads.sandbox_hosts import hosts_for


@never_cache
@require_safe
def sandbox(request: HttpRequest) -> HttpResponse:
    """Every machine with its layers, when they were probed, and what to do where one is missing."""
    require(may_see_hosts(person_of(request)), KEEPERS_ONLY)
    return render(request, "registry/sandbox.html", {"hosts": hosts_for(request.user)})

"""Where MLflow's webhooks arrive. No sign-in and no CSRF token: the signature is the credential."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from accounts.api import problems
from registry.jobs.webhooks import Replayed, WebhookInvalid, take_delivery

MAX_BODY_BYTES = 1024 * 1024


@csrf_exempt
@require_POST
def mlflow(request: HttpRequest) -> HttpResponse:
    """204 taken, 401 not believed, 409 taken before, 413 too large."""
    body = request.read(MAX_BODY_BYTES + 1)
    if len(body) > MAX_BODY_BYTES:
        return problems.response(413, "too_large", "A webhook has at most 1 MiB.")
    try:
        take_delivery(body=body, headers=request.headers)
    except WebhookInvalid as error:
        return problems.response(401, "webhook_invalid", str(error))
    except Replayed as error:
        return problems.response(409, "webhook_replayed", str(error))
    return HttpResponse(status=204)

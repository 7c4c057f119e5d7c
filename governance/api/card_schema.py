"""The schema of cards, for everybody: who was given a card can check it without an account."""

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from governance.card_schema import card_schema

KEPT_SECONDS = 3600


@require_safe
def schema(_request: HttpRequest) -> JsonResponse:
    address = f"{settings.PUBLIC_URL.rstrip('/')}{reverse('card-schema')}"
    answer = JsonResponse(card_schema(address), content_type="application/schema+json")
    answer["Cache-Control"] = f"public, max-age={KEPT_SECONDS}"
    return answer

"""Where monitored series are heading, over the API."""

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from monitoring.api.serializers import OutlookOutput
from monitoring.models import Outlook
from monitoring.querysets import OutlookQuerySet
from registry.api.answers import problems
from registry.models import Model


class OutlookListView(ListAPIView[Outlook]):
    """The trend of every monitored series of versions that serve, and when a breach is expected.

    Nothing is expected (`breach_at` is null, `reason` says why) unless the trend has been a better
    forecast than "no change" on the series' own past.
    """

    serializer_class = OutlookOutput
    queryset = Outlook.objects.none()

    def get_queryset(self) -> OutlookQuerySet:
        found = Outlook.objects.visible_to(self.request.user)
        found = found.filter(monitor__model__slug=self.kwargs.get("model"))
        return found.select_related("monitor", "version")

    @extend_schema(
        operation_id="outlooks_list",
        responses={200: OutlookOutput(many=True), **problems(401, 404)},
    )
    def get(self, request: Request, model: str) -> Response:
        get_object_or_404(Model.objects.visible_to(request.user), slug=model)
        return super().list(request, model)

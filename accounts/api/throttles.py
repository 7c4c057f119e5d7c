from typing import TYPE_CHECKING

from redis.exceptions import RedisError
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

if TYPE_CHECKING:
    # DRF's views import their settings, which name this module.
    from rest_framework.views import APIView


class PerPerson(SimpleRateThrottle):
    """A rate per person or service account, and a much lower one for strangers' addresses.

    Counted in Redis; when Redis is away requests are served uncounted, because losing predictions
    is worse than a missing limit.
    """

    scope = "person"

    def get_cache_key(self, request: Request, view: "APIView") -> str:
        if request.user.is_authenticated:
            return f"rate-person-{request.user.pk}"
        self.rate = self.THROTTLE_RATES["anonymous"]
        self.num_requests, self.duration = self.parse_rate(self.rate)
        return f"rate-anonymous-{self.get_ident(request)}"

    def allow_request(self, request: Request, view: "APIView") -> bool:
        try:
            return super().allow_request(request, view)
        except (ConnectionError, RedisError):
            return True

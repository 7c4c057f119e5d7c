"""Measurements as CSV: the rows of the JSON; what is refused stays a problem."""

import pytest

from monitoring.models import Measurement
from tests.audit.test_spreadsheets import table
from tests.monitoring.test_api import shifted

__all__ = ["shifted"]
MEASUREMENTS = "/api/v1/models/flight-delay/measurements"

pytestmark = pytest.mark.django_db


def test_measurements_as_csv(signed_in, olga, shifted):
    client = signed_in(olga)
    rows = table(client.get(MEASUREMENTS, {"format": "csv", "metric": "psi", "version": 1}))
    assert len(rows) == Measurement.objects.filter(latest=True, metric="psi").count() > 0
    told = client.get(MEASUREMENTS, {"metric": "psi", "version": 1}).json()["results"][0]
    assert float(rows[0]["value"]) == told["value"]


def test_refusals_stay_problems(client, signed_in, sam, shifted):
    for status, who in ((401, None), (404, sam)):
        asked = signed_in(who) if who else client
        answer = asked.get(MEASUREMENTS, {"format": "csv"})
        assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
        assert answer.json()["status"] == status
    assert client.get("/api/v1/monitors", {"format": "csv"}).status_code == 404

"""Every answer says how long the server took; the benchmark reads it."""

import re

import pytest

from benchmarks.answers import server_time

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("address", "status"),
    [("/healthz", 200), ("/", 302), ("/nowhere/", 302), ("/api/v1/models", 401)],
)
def test_every_answer_says_how_long_it_took(client, address, status):
    answer = client.get(address)
    assert answer.status_code == status
    assert re.fullmatch(r"app;dur=\d+\.\d\d", answer["Server-Timing"])
    assert 0 < server_time(answer["Server-Timing"]) < 60_000


def test_other_timings_beside_it_do_not_disturb():
    assert server_time("proxy;dur=90, app;dur=1.25") == 1.25


def test_a_server_that_does_not_say_is_not_measured():
    with pytest.raises(ValueError, match="does not say"):
        server_time("proxy;dur=90")

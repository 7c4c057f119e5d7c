"""A real Apache Airflow trains a version that Ombud ordered: `make airflow`."""

import sys
import time

import pytest

from tests import airflow_server
from tests.monitoring.test_outside_runs import (
    SCRIPT,
    champion,  # noqa: F401 - used by name
    ordered,
    registered,
    server,  # noqa: F401 - used by name
    surroundings,  # noqa: F401 - used by name
)

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_real_airflow_trains_it(olga, rita, champion, surroundings, settings, tmp_path):  # noqa: F811 - the fixtures
    with airflow_server.running(tmp_path, SCRIPT, surroundings) as airflow:
        settings.RETRAINING_RUNNERS = {"airflow": airflow.settings}
        began = time.monotonic()
        made = ordered(olga, rita, champion, "airflow")
        took = time.monotonic() - began
    steps = registered(made, champion)
    lines = list(steps["train"].lines.values_list("text", flat=True))
    assert "publish: success" in lines
    sys.stdout.write(
        f"\nAirflow {airflow.version}: answered {airflow.seconds:.0f} s after its start; "
        f"ordered, trained, evaluated and registered in {took:.0f} s\n"
    )

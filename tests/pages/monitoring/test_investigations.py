"""What an incident's page says of likely causes, and of where the model is worst."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from monitoring.models import Incident, Investigation, Monitor
from monitoring.reads.investigations import MOST, investigation_of
from registry.models import Version
from tests.pages.monitoring.conftest import make_incident, make_run
from tests.pages.monitoring.test_watching import queries_of

FEATURE = {"measure": "psi", "value": 0.31, "importance": 0.4, "n": 1000}
SEGMENT = {"change": 0.1, "mix": 0.02, "within": 0.07, "share_before": 0.2, "share_after": 0.3}
FAULT = {"faulty_share_before": 0.0, "faulty_share_after": 0.125}
WORST = {"name": "carrier UA and temperature < 3", "value": 0.42, "baseline": 0.17, "n": 321}


def cause(kind: str, name: str, share: float, evidence: dict[str, Any]) -> dict[str, Any]:
    return {"kind": kind, "name": name, "contribution": share, "evidence": evidence, "reason": ""}


CAUSES = [
    cause("feature", "temperature", 0.83, FEATURE),
    cause("segment", "carrier=UA", 0.9, SEGMENT),
    cause("data_quality", "wind is missing", 0.25, FAULT),
    cause("feature", "constant", 0.0, FEATURE),
]
SEARCH: dict[str, Any] = {
    "segments": [WORST | {"parameters": {"adjusted_p": 0.003}}],
    "rows": 4000,
    "searched": 240,
    "tested": 12,
    "reason": "",
}


@pytest.fixture
def incident(monitor: Monitor, version: Version) -> Incident:
    run = make_run(monitor, version, values={"temperature": 0.31}, verdict="breach")
    return make_incident(run)


def investigated(incident: Incident, causes: Any = CAUSES, segments: Any = SEARCH) -> Investigation:
    run = incident.alerts.get().run
    return Investigation.objects.create(
        incident=incident, run=run, causes=causes, segments=segments, library_version="1"
    )


def page(client: Any, incident: Incident) -> str:
    html: str = client.get(f"/incidents/{incident.pk}").content.decode()
    return re.sub(r"[ \n]+", " ", html)


def test_causes_stand_under_their_kind_with_their_shares(
    signed_in: Any, olga: Any, incident: Incident
) -> None:
    investigated(incident)
    html = page(signed_in(olga), incident)
    assert "The machine looks at this when an incident opens; people say what it was." in html
    features, _, rest = html.partition("Inputs that moved")[2].partition("Parts of the data")
    segments, _, faults = rest.partition("Faults of the data")
    assert "temperature" in features
    assert "83.0\u202f%" in features
    assert "PSI 0.31; importance 0.4" in features
    assert "constant" not in features
    assert "carrier = UA" in segments
    assert "mix 20.0\u202f%, within 70.0\u202f%" in segments
    assert "wind is missing" in faults
    assert "0.0\u202f% of rows before, 12.5\u202f% now" in faults


def test_the_worst_rows_are_said_in_words(signed_in: Any, olga: Any, incident: Incident) -> None:
    investigated(incident)
    html = page(signed_in(olga), incident)
    assert "carrier UA and temperature &lt; 3</strong>: wrong answers 42.0\u202f%" in html
    assert "against 17.0\u202f% in all other rows" in html
    assert "321 rows; by chance 0.003" in html
    assert "240 parts of the data were searched" in html


def test_a_regression_says_its_error_in_its_unit(
    signed_in: Any, olga: Any, incident: Incident
) -> None:
    investigated(incident)
    incident.model.task = "regression"
    incident.model.save()
    schema = incident.version.schema
    for field in schema.fields:
        if field["role"] == "prediction":
            field["unit"] = "min"
    schema.save()
    assert "mean error 0.42\u00a0min, against 0.17\u00a0min" in page(signed_in(olga), incident)


def test_a_search_without_a_result_says_why(signed_in: Any, olga: Any, incident: Incident) -> None:
    none = SEARCH | {"segments": []}
    made = investigated(incident, [], none)
    client = signed_in(olga)
    html = page(client, incident)
    assert "No part of the data is clearly worse than the rest." in html
    assert "Nothing stands out" in html
    made.segments = none | {"reason": "fewer than 200 rows with a loss"}
    made.save()
    assert "Nothing could be searched: fewer than 200 rows with a loss." in page(client, incident)


def test_what_needs_no_outcomes_has_no_worst_rows(
    signed_in: Any, olga: Any, incident: Incident
) -> None:
    investigated(incident, CAUSES[:1], {})
    html = page(signed_in(olga), incident)
    assert "Likely causes" in html
    assert "Where the model is worst" not in html


def test_an_incident_that_nobody_looked_at_promises_nothing(
    signed_in: Any, olga: Any, incident: Incident
) -> None:
    assert investigation_of(incident) is None
    html = page(signed_in(olga), incident)
    assert "Likely causes" not in html
    assert "Calm since" not in html


def test_calm_is_not_resolved(signed_in: Any, olga: Any, incident: Incident) -> None:
    incident.calm_since = timezone.now() - timedelta(days=2)
    incident.save()
    html = page(signed_in(olga), incident)
    assert "Calm since" in html
    assert "A person still says what it was." in html


def test_many_causes_are_cut_and_cost_no_query(
    signed_in: Any, olga: Any, incident: Incident, django_assert_num_queries: Any
) -> None:
    made = investigated(incident, CAUSES[:1])
    client = signed_in(olga)
    page(client, incident)
    few = queries_of(client, f"/incidents/{incident.pk}")
    made.causes = [cause("feature", f"f{n}", 0.05, FEATURE) for n in range(20)]
    made.segments = SEARCH | {"segments": SEARCH["segments"] * 20}
    made.save()
    assert queries_of(client, f"/incidents/{incident.pk}") == few
    with django_assert_num_queries(1):
        found = investigation_of(incident)
    assert found is not None
    assert (len(found.features), len(found.worst)) == (MOST, MOST)

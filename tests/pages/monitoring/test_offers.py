"""What a new monitor may measure: what fits the model's task and what it sends, and why."""

from typing import Any

import pytest

from monitoring.metrics import METRICS
from monitoring.models import Monitor, MonitorKind
from monitoring.web.offers import ABOUT, OF_METRIC, offers_of
from registry.models import Model, Version
from tests.monitoring import counted, world
from tests.pages.monitoring.test_forms import NEW, SENT

BARE = [field for field in world.FIELDS if field["role"] not in {"outcome", "score", "segment"}]


def kinds(task: str, schema: Any = None, components: Any = ()) -> dict[str, set[str]]:
    return {
        one.kind: {offer.metric.name for offer in one.fitting}
        for one in offers_of(task, schema, components)
    }


class Sends:
    def __init__(self, fields: list[dict[str, Any]]) -> None:
        self.fields = fields


def test_every_measure_is_offered_or_has_a_reason() -> None:
    for task in ("binary", "multiclass", "regression"):
        for schema in (None, Sends(BARE), Sends([*world.FIELDS, *counted.MORE])):
            for one in offers_of(task, schema, ()):
                names = {offer.metric.name for offer in one.offers}
                assert names == {metric.name for metric in METRICS[one.kind]}
                assert all(offer.reason for offer in one.others)
    assert set(ABOUT) == set(MonitorKind)
    known = {(kind, one.name) for kind, metrics in METRICS.items() for one in metrics}
    assert set(OF_METRIC) <= known


def test_a_task_decides_what_fits() -> None:
    assert "roc_auc" in kinds("binary")["performance"]
    assert "mae" not in kinds("binary")["performance"]
    assert kinds("regression")["calibration"] == set()
    assert "mae_difference" in kinds("regression")["fairness"]


def test_what_is_sent_decides_what_fits() -> None:
    everything = kinds("binary", Sends([*world.FIELDS, *counted.MORE]))
    assert {"error_rate", "latency_p95", "throughput"} <= everything["operations"]
    assert "cpu_mean" not in everything["operations"]
    assert everything["business"] == {"value_per_decision", "value_total"}
    bare = kinds("binary", Sends(BARE))
    for kind in ("performance", "calibration", "concept", "estimate", "fairness", "business"):
        assert bare[kind] == set(), kind
    assert "throughput" in bare["operations"]
    assert "pattern" not in bare["quality"]
    assert "correlation_change" in bare["drift"]


def test_a_gap_of_decisions_needs_no_outcome_and_stages_need_components() -> None:
    group = {"name": "sex", "dtype": "string", "role": "group"}
    found = kinds("binary", Sends([*BARE, group]))
    assert found["fairness"] >= {"demographic_parity_difference", "impact_ratio"}
    assert "equal_opportunity_difference" not in found["fairness"]
    schema = Sends(world.FIELDS)
    assert "component_errors" not in kinds("binary", schema)["performance"]
    assert "component_errors" in kinds("binary", schema, ["speech"])["performance"]


def test_the_first_page_offers_kinds_and_says_why_others_are_not(
    signed_in: Any, olga: Any, model: Model, version: Version
) -> None:
    html = signed_in(olga).get(f"{NEW}?segment=origin%3DJFK").content.decode()
    assert 'href="?kind=drift&amp;segment=origin%3DJFK"' in html
    assert "kind=fairness" not in html
    assert "The model does not send a group." in html
    assert "The model does not send a value of the decision." in html
    assert 'name="measure"' not in html


def test_the_form_holds_the_measures_of_one_kind_that_fit(
    signed_in: Any, olga: Any, model: Model, version: Version
) -> None:
    client = signed_in(olga)
    html = client.get(f"{NEW}?kind=performance&segment=origin%3DJFK").content.decode()
    assert 'value="performance:roc_auc"' in html
    assert 'value="performance:mae"' not in html
    assert 'value="drift:psi"' not in html
    assert "Not offered, and why" in html
    assert "It is of regression models." in html
    assert "The model declares no stages of a pipeline." in html
    assert 'name="beta"' in html
    assert 'name="group_minimum"' not in html
    assert 'name="fields_watched"' not in html, "performance is not measured field by field"
    assert 'value="origin=JFK"' in html
    drift = client.get(f"{NEW}?kind=drift").content.decode()
    for name in ("temperature", "carrier", "late", "score", "was_late"):
        assert f'name="fields_watched" value="{name}"' in drift


def test_segments_that_are_counted_are_chosen_from(
    signed_in: Any, olga: Any, model: Model, version: Version, robot: Any
) -> None:
    world.send(robot, version, world.rows(30))
    world.work("monitoring.fold")
    client = signed_in(olga)
    html = client.get(f"{NEW}?kind=drift&segment=origin%3DJFK").content.decode()
    assert '<option value="origin=JFK" selected>origin = JFK</option>' in html
    assert '<option value="origin=EWR">origin = EWR</option>' in html
    assert client.post(NEW, SENT | {"segment": "origin=EWR"}).status_code == 302
    assert Monitor.objects.get().segments == ["origin=EWR"]


@pytest.mark.parametrize(
    ("measure", "reason"),
    [
        ("performance:mae", "It is of regression models."),
        ("operations:latency_p95", "The model does not send a latency."),
    ],
)
def test_a_measure_that_does_not_fit_is_refused_with_the_reason(
    signed_in: Any, olga: Any, model: Model, version: Version, measure: str, reason: str
) -> None:
    answer = signed_in(olga).post(NEW, SENT | {"measure": measure})
    assert answer.status_code == 422
    html = answer.content.decode()
    assert reason in html[html.index('class="ob-error"') :]
    assert not Monitor.objects.exists()


def test_a_kind_that_does_not_fit_leads_back_to_the_choice(
    signed_in: Any, olga: Any, model: Model, version: Version
) -> None:
    client = signed_in(olga)
    answer = client.post(NEW, SENT | {"measure": "fairness:impact_ratio"})
    assert answer.status_code == 422
    assert "The model does not send a group." in answer.content.decode()
    assert "kind=drift" in client.get(f"{NEW}?kind=nonsense").content.decode()
    assert not Monitor.objects.exists()


def test_a_model_without_a_version_is_offered_what_its_task_has(
    signed_in: Any, olga: Any, model: Model
) -> None:
    client = signed_in(olga)
    assert "kind=fairness" in client.get(NEW).content.decode()
    assert 'value="fairness:impact_ratio"' in client.get(f"{NEW}?kind=fairness").content.decode()

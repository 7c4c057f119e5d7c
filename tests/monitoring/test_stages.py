"""Errors and drift by stage of a pipeline, and outcomes of other kinds beside the true ones."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from monitoring.jobs.schedule import schedule_windows
from monitoring.models import Measurement, Monitor
from monitoring.reads.dashboards.stages import stages_of
from monitoring.services.ingest import accept_outcomes
from tests.monitoring import counted, world
from tests.monitoring.counted import MORE
from tests.monitoring.world import FIELDS

pytestmark = pytest.mark.django_db
PAGE = "/monitoring/flight-delay"
STAGES = ["wake word", "speech", "intent"]
OF_STAGE = {"temperature": "speech", "distance": "speech", "carrier": "intent"}


@pytest.fixture
def staged(model, robot):
    """A pipeline of three stages, evaluated over a week; speech fails once in ten times."""
    model.components = STAGES
    model.save()
    fields = [
        {**field, "component": OF_STAGE[field["name"]]} if field["name"] in OF_STAGE else field
        for field in [*FIELDS, *MORE]
    ]
    version = counted.make_version(model, fields=fields)
    watch(model, "Drift", "drift", "psi", breach=0.2)
    watch(model, "Errors by stage", "performance", "component_errors", breach=0.05)
    watch(model, "Accuracy", "performance", "accuracy", breach=0.04)
    found = counted.spoil(counted.rows(600, hours=24 * 7))
    world.send(robot, version, found)
    says(robot, model, found, "true", failed=dict.fromkeys(range(0, 600, 10), "speech"))
    says(robot, model, found, "natural", wrong=60)
    world.work("monitoring.fold")
    world.work("monitoring.join")
    # The windows of the weeks until now, which nobody sent anything for, are evaluated too.
    schedule_windows()
    world.work("monitoring.evaluate")
    return version


def watch(model, name, kind, metric, **more):
    return Monitor.objects.create(
        model=model, name=name, kind=kind, metric=metric, created_at=timezone.now(), **more
    )


def says(actor, model, found, kind, *, wrong=0, failed=None):
    said = [
        row | {"was_late": row["was_late"] != (place < wrong)} for place, row in enumerate(found)
    ]
    sent = world.outcomes(said)
    for place, stage in (failed or {}).items():
        sent[place]["failed_component"] = stage
    accept_outcomes(
        actor=actor,
        model_id=model.pk,
        key=kind,
        body=world.ndjson(sent),
        content_type="application/x-ndjson",
        outcome_kind=kind,
    )


def test_every_stage_has_its_failures_and_the_drift_of_its_fields(
    staged, django_assert_num_queries
):
    schema = staged.schema
    with django_assert_num_queries(2):
        wake, speech, intent = stages_of(staged.pk, STAGES, schema)
    assert (speech.failures.share, speech.failures.n) == (0.1, 600)
    assert speech.failures.low < 0.1 < speech.failures.high
    assert wake.failures.share == intent.failures.share == 0
    assert (wake.fields, wake.verdict) == ((), None)
    assert speech.fields == ("temperature", "distance")
    assert speech.verdict == "breach", "flights from JFK are warm"
    assert speech.grave == ("temperature",)
    assert intent.verdict == "ok"


def test_the_overview_lists_the_stages_in_their_order(signed_in, adam, staged):
    html = signed_in(adam).get(PAGE).content.decode()
    card = html[html.index('id="components"') :]
    places = [card.index(f'data-label="Stage">{name}<') for name in STAGES]
    assert places == sorted(places)
    assert "10.0\u202f%" in card
    assert "temperature, distance" in card


def test_errors_by_stage_are_bars_with_n_and_not_a_chart_for_each(signed_in, olga, staged):
    html = signed_in(olga).get(f"{PAGE}/performance").content.decode()
    assert 'data-chart="chart-stages"' in html
    assert "speech (n = 600)" in html
    assert "n = 600" in html
    assert "Errors by stage · speech" not in html


def test_the_heat_map_stands_under_the_stages(signed_in, olga, staged):
    html = signed_in(olga).get(f"{PAGE}/drift").content.decode()
    heads = [html.index(f"</svg> {name}</th>") for name in ("speech", "intent", "of no stage")]
    assert heads == sorted(heads)
    rows = [html.index(f">{name}</a>", heads[0]) for name in ("temperature", "carrier", "night")]
    assert all(head < row for head, row in zip(heads, rows, strict=True))
    assert rows[0] < heads[1] < rows[1] < heads[2] < rows[2]


def test_the_api_names_the_stage_of_each_field(signed_in, olga, staged):
    found = signed_in(olga).get("/api/v1/models/flight-delay/dashboards/drift").json()
    rows = {row["field"]: row["component"] for one in found["maps"] for row in one["rows"]}
    assert rows == {"temperature": "speech", "distance": "speech", "carrier": "intent", "night": ""}


def test_a_model_of_one_piece_shows_no_stages(signed_in, olga, model):
    version = counted.make_version(model)
    counted.watch(model, version)
    client = signed_in(olga)
    for page in ("", "/performance", "/drift"):
        html = client.get(PAGE + page).content.decode()
        assert 'id="components"' not in html
        assert 'id="stages"' not in html
        assert "of no stage" not in html
    assert stages_of(version.pk, [], version.schema) == ()


def test_declared_stages_of_which_nobody_said_anything_are_named(signed_in, olga, model):
    model.components = STAGES
    model.save()
    counted.watch(model, counted.make_version(model))
    html = signed_in(olga).get(f"{PAGE}/performance").content.decode()
    assert "failed_component" in html
    assert 'data-chart="chart-stages"' not in html


def test_kinds_of_outcome_and_exploration_stand_side_by_side(signed_in, olga, staged):
    html = signed_in(olga).get(f"{PAGE}/performance").content.decode()
    kinds = html[html.index('id="kinds"') : html.index('id="exploration"')]
    assert "True outcomes" in kinds
    assert "Natural outcomes" in kinds
    assert "Proxy outcomes" not in kinds
    assert "Agreement with true outcomes" in kinds
    assert "90.0\u202f%" in kinds, "60 of 600 natural outcomes disagree"
    assert "kappa" in kinds
    apart = html[html.index('id="exploration"') :]
    explored = Measurement.objects.filter(field="exploration", metric="accuracy").latest("pk")
    assert f"{explored.n:,} of 600 outcomes are of rows that were decided at random." in apart
    assert ">natural outcomes<" not in html, "not once more among what is measured beside"


def test_where_all_outcomes_are_true_there_is_nothing_to_hold_them_against(signed_in, olga, model):
    counted.watch(model, counted.make_version(model))
    html = signed_in(olga).get(f"{PAGE}/performance").content.decode()
    assert 'id="kinds"' not in html
    assert 'id="exploration"' not in html


def test_stages_cost_two_queries_whatever_the_past(signed_in, olga, staged):
    client = signed_in(olga)
    pages = [PAGE + page for page in ("", "/performance", "/drift")]
    [client.get(page) for page in pages]
    few = [asked(client, page) for page in pages]
    for monitor in Monitor.objects.filter(metric="component_errors"):
        for back in range(1, 20):
            counted.evaluated(monitor, staged, weeks_ago=back + 1, field="speech")
    assert [asked(client, page) for page in pages] == few
    assert max(few) <= 26


def asked(client, page):
    with CaptureQueriesContext(connection) as caught:
        assert client.get(page).status_code == 200
    return len(caught)

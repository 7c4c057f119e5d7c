"""True outcomes, natural ones and stand-ins: counted apart, with their agreement."""

from datetime import timedelta

import pytest

from monitoring.gateways.refusals import UploadRefused
from monitoring.models import Batch, ParkedOutcome, Profile
from monitoring.reads.baselines import baseline_of
from monitoring.reads.windows import merged, segment_of_kind
from monitoring.services.ingest import accept_outcomes
from tests.monitoring import world
from tests.monitoring.world import START, rows

pytestmark = pytest.mark.django_db
NATURAL, PROXY = segment_of_kind("natural"), segment_of_kind("proxy")


def said(actor, model, found, kind, *, wrong=0, key=""):
    """Outcomes of a kind, the first `wrong` of them the opposite of what is true."""
    sent = [
        row | {"was_late": row["was_late"] != (place < wrong)} for place, row in enumerate(found)
    ]
    return accept_outcomes(
        actor=actor,
        model_id=model.pk,
        key=key or f"{kind}-{len(found)}",
        body=world.ndjson(world.outcomes(sent)),
        content_type="application/x-ndjson",
        outcome_kind=kind,
    )


def counts(version):
    window = merged(
        baseline_of(version.pk).bins,
        version_id=version.pk,
        start=START,
        end=START + timedelta(days=30),
        segments=[NATURAL, PROXY],
        outcomes=True,
    )
    return window.by_segment


def test_natural_outcomes_are_counted_apart_from_true_ones(robot, model, version):
    found = rows(200)
    world.send(robot, version, found)
    world.send_outcomes(robot, model, found[:50])
    said(robot, model, found, "natural", wrong=30)
    world.work()
    seen = counts(version)
    assert seen[""].labelled_rows == 50
    assert seen[NATURAL].labelled_rows == 200
    assert seen[PROXY].labelled_rows == 0
    assert seen[NATURAL].rows == 0, "no prediction is counted twice"
    assert Batch.objects.filter(outcome_kind="natural").get().duplicates == 0


@pytest.mark.parametrize("order", ["true first", "natural first", "predictions last"])
def test_agreement_is_counted_once_in_whatever_order_they_come(robot, model, version, order):
    found = rows(200)
    steps = {
        "predictions": lambda: world.send(robot, version, found),
        "true": lambda: world.send_outcomes(robot, model, found[:120]),
        "natural": lambda: said(robot, model, found[20:], "natural", wrong=30),
    }
    orders = {
        "true first": ["predictions", "true", "natural"],
        "natural first": ["predictions", "natural", "true"],
        "predictions last": ["natural", "true", "predictions"],
    }
    for step in orders[order]:
        steps[step]()
        world.work()
    table = counts(version)[NATURAL].counts["agreement"]
    assert table.sum() == 100, "of 120 true and 180 natural outcomes 100 are of the same row"
    assert table[0, 1] + table[1, 0] == 30
    assert not ParkedOutcome.objects.exists()


def test_a_natural_outcome_of_an_unknown_prediction_waits_as_what_it_is(robot, model, version):
    found = rows(10)
    said(robot, model, found, "natural")
    world.work()
    assert set(ParkedOutcome.objects.values_list("outcome_kind", flat=True)) == {"natural"}
    world.send(robot, version, found)
    world.work()
    assert not ParkedOutcome.objects.exists()
    assert counts(version)[NATURAL].labelled_rows == 10
    assert counts(version)[""].labelled_rows == 0


def test_the_same_kind_twice_is_a_duplicate(robot, model, version):
    found = rows(40)
    world.send(robot, version, found)
    said(robot, model, found, "proxy")
    world.work()
    said(robot, model, found, "proxy", wrong=5, key="again")
    world.work()
    assert counts(version)[PROXY].labelled_rows == 40
    assert Batch.objects.get(key="again").duplicates == 40


def test_a_kind_that_nobody_knows_is_refused_and_nothing_is_stored(robot, model, version):
    with pytest.raises(UploadRefused, match="true, natural, proxy"):
        said(robot, model, rows(3), "rumour")
    assert not Batch.objects.exists()
    assert not Profile.objects.exists()


def test_an_outcome_names_the_stage_that_failed(robot, model, team, olga):
    model = world.make_model(team, olga, slug="voice")
    model.components = ["wake word", "speech", "intent"]
    model.save()
    version = world.make_version(model)
    found = rows(90)
    world.send(robot, version, found)
    sent = world.outcomes(found)
    for place, row in enumerate(sent[:30]):
        row["failed_component"] = "speech" if place < 20 else "intent"
    accept_outcomes(
        actor=robot,
        model_id=model.pk,
        key="",
        body=world.ndjson(sent),
        content_type="application/x-ndjson",
    )
    world.work()
    assert counts(version)[""].counts["failed"].tolist() == [0, 20, 10, 60]
    sent[0]["failed_component"] = "nobody"
    with pytest.raises(UploadRefused, match="1 of 90 rows"):
        accept_outcomes(
            actor=robot,
            model_id=model.pk,
            key="new",
            body=world.ndjson(sent),
            content_type="application/x-ndjson",
        )

"""Fold and join: everything is counted once, in any order."""

from datetime import timedelta

import pytest

from ledger import claims
from ledger.models import Job
from monitoring.jobs import logs
from monitoring.jobs.fold import fold_batch
from monitoring.models import Batch, ParkedOutcome, Profile
from monitoring.reads.baselines import baseline_of
from monitoring.reads.windows import merged
from monitoring.stats.building import profile_outcomes, profile_predictions
from monitoring.stats.profiles import merge
from tests.monitoring import world
from tests.monitoring.world import START, rows

pytestmark = pytest.mark.django_db


def counted(version, found):
    """The rows counted at once, without batches and hours."""
    import pyarrow as pa

    bins = baseline_of(version.pk).bins
    table = pa.Table.from_pylist(list(found))
    return merge([profile_predictions(bins, table), profile_outcomes(bins, table)])


def assert_same(one, other):
    """Equal counts; sums of hours are rounded at other places than the sum of all rows."""
    assert one.counts.keys() == other.counts.keys()
    for name, counts in one.counts.items():
        assert (counts == other.counts[name]).all(), name
    assert one.extremes == other.extremes
    assert {k: float(v) for k, v in one.sums.items()} == pytest.approx(
        {k: float(v) for k, v in other.sums.items()}
    )


def whole(version, days=30):
    bins = baseline_of(version.pk).bins
    window = merged(
        bins,
        version_id=version.pk,
        start=START - timedelta(days=1),
        end=START + timedelta(days=days),
        outcomes=True,
    )
    return window.by_segment[""]


def test_two_batches_and_their_outcomes_equal_the_rows_counted_at_once(robot, model, version):
    one, two = rows(300), rows(200, start=START + timedelta(hours=20), prefix="g", seed=1)
    world.send(robot, version, one)
    world.send(robot, version, two)
    world.send_outcomes(robot, model, [*one, *two])
    world.work()
    assert_same(whole(version), counted(version, [*one, *two]))
    assert Profile.objects.filter(version=version, segment="").count() == 44


def test_a_batch_whose_neighbours_keep_changing_is_counted_while_they_are_held_off(
    robot, model, version, monkeypatch
):
    """No try without the model's lock succeeds; still each job takes one attempt."""
    monkeypatch.setattr(logs, "TRIES", 0)
    one, two = rows(300), rows(200, start=START + timedelta(hours=20), prefix="g", seed=1)
    world.send(robot, version, one)
    world.send(robot, version, two)
    world.send_outcomes(robot, model, [*one, *two])
    world.work()
    assert_same(whole(version), counted(version, [*one, *two]))
    assert set(Job.objects.values_list("state", "attempts")) == {("done", 1)}


def test_every_segment_is_counted_apart(robot, version):
    found = rows(300)
    world.send(robot, version, found)
    world.work()
    segments = Profile.objects.filter(version=version).exclude(segment="")
    tally = dict.fromkeys(("origin=EWR", "origin=JFK", "origin=LGA"), 0)
    for segment, count in segments.values_list("segment", "rows"):
        tally[segment] += count
    assert tally["origin=JFK"] == sum(row["origin"] == "JFK" for row in found)
    assert sum(tally.values()) == 300


def test_folding_twice_is_folding_once(robot, version):
    world.send(robot, version, rows(100))
    world.work()
    job = Job.objects.get(kind="monitoring.fold")
    claims.again(kind=job.kind, key=job.key, subject_id=job.subject_id)
    assert world.work() == 1
    assert whole(version).rows == 100


def test_a_fenced_fold_leaves_nothing_behind(robot, version):
    world.send(robot, version, rows(100))
    job = Job.objects.get(kind="monitoring.fold")
    claim = claims.claim(job_id=job.pk)
    Job.objects.filter(pk=job.pk).update(token=claim.token + 1)
    with pytest.raises(claims.Fenced):
        fold_batch(claim)
    assert not Profile.objects.exists()
    assert Batch.objects.get().folded_at is None


def test_rows_sent_again_in_another_batch_are_counted_as_duplicates(robot, version):
    found = rows(120)
    world.send(robot, version, found)
    world.send(robot, version, [*found[60:], *rows(10, prefix="new")])
    world.work()
    assert whole(version).rows == 130
    assert sorted(Batch.objects.values_list("duplicates", flat=True)) == [0, 60]


def test_outcomes_before_predictions_are_parked_and_joined_when_the_predictions_come(
    robot, model, version
):
    found = rows(80)
    world.send_outcomes(robot, model, found)
    world.work()
    assert ParkedOutcome.objects.count() == 80
    world.send(robot, version, found[:50])
    world.work()
    assert ParkedOutcome.objects.count() == 30
    assert whole(version).labelled_rows == 50
    assert_same(whole(version), counted(version, found[:50]))


def test_a_second_outcome_for_the_same_prediction_is_a_duplicate(robot, model, version):
    found = rows(40)
    world.send(robot, version, found)
    world.send_outcomes(robot, model, found)
    turned = [{**row, "was_late": not row["was_late"]} for row in found]
    world.send_outcomes(robot, model, turned)
    world.work()
    assert_same(whole(version), counted(version, found))
    assert sorted(Batch.objects.filter(kind="outcomes").values_list("duplicates", flat=True)) == [
        0,
        40,
    ]


def test_outcomes_are_joined_with_every_version_that_predicted(robot, model, version):
    shadow = world.make_version(model, number=2)
    found = rows(60)
    world.send(robot, version, found)
    world.send_outcomes(robot, model, found, with_time=False)
    world.work()
    world.send(robot, shadow, found)
    world.work()
    assert whole(version).labelled_rows == whole(shadow).labelled_rows == 60


def test_a_version_without_reference_waits_and_is_folded_when_it_has_one(robot, model):
    bare = world.make_version(model, reference=[])
    world.send(robot, bare, rows(50))
    world.work()
    assert Batch.objects.get().folded_at is None
    from monitoring.jobs.baselines import count_new_references
    from registry.gateways import store
    from registry.models import Reference

    reference = rows(500, seed=5)
    digest = store.put_bytes("references/x.parquet", world.parquet(reference))
    Reference.objects.create(version=bare, path="references/x.parquet", digest=digest, rows=500)
    assert count_new_references() == 1
    world.work()
    assert whole(bare).rows == 50

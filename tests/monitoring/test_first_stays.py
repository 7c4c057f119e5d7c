"""A prediction that was stored stays as it is: the same id with other values is a conflict."""

import pytest

from monitoring.gateways.refusals import UploadRefused
from monitoring.models import Batch
from monitoring.services import earlier
from tests.monitoring import world
from tests.monitoring.test_fold import whole
from tests.monitoring.test_ingest import accept, stored_files
from tests.monitoring.world import ndjson, predictions, rows

pytestmark = pytest.mark.django_db


def changed(found, place, **values):
    return [{**row, **values} if n == place else row for n, row in enumerate(found)]


@pytest.mark.parametrize(
    "other", [{"score": 0.123}, {"carrier": None}, {"distance": 7}, {"late": None}]
)
def test_a_row_with_the_same_id_and_another_value_is_refused_and_the_first_stays(
    robot, version, other
):
    found = predictions(rows(40))
    accept(robot, version, ndjson(found))
    before = stored_files()
    if other == {"late": None}:
        other = {"late": not found[5]["late"]}
    with pytest.raises(UploadRefused) as refused:
        accept(robot, version, ndjson(changed(found, 5, **other)))
    assert (refused.value.status, refused.value.code) == (409, "conflict")
    (reason,) = refused.value.extra["errors"]
    assert (reason["row"], reason["field"], reason["code"]) == (5, "flight", "conflict")
    assert "'f5'" in reason["message"]
    assert (Batch.objects.count(), stored_files()) == (1, before)


def test_partial_stores_the_others_and_says_which_were_left_out(robot, version):
    found = rows(40)
    world.send(robot, version, found[:20])
    mixed = changed(predictions(found), 3, score=0.5, distance=1)
    answer = accept(robot, version, ndjson(mixed), mode="partial").answer
    assert (answer["rows"], answer["rejected"], answer["counts"]) == (39, 1, {"conflict": 1})
    world.work()
    assert whole(version).rows == 40
    assert sorted(Batch.objects.values_list("duplicates", flat=True)) == [0, 19]


def test_partial_with_nothing_but_conflicts_is_refused(robot, version):
    found = predictions(rows(4))
    accept(robot, version, ndjson(found))
    other = [{**row, "distance": 1} for row in found]
    with pytest.raises(UploadRefused) as refused:
        accept(robot, version, ndjson(other), mode="partial")
    assert (refused.value.status, refused.value.extra["counts"]) == (409, {"conflict": 4})
    assert Batch.objects.count() == 1


def test_equal_rows_sent_again_in_another_batch_are_no_conflict(robot, version):
    found = predictions(rows(40))
    accept(robot, version, ndjson(found))
    assert accept(robot, version, ndjson(found[::-1])).answer["rows"] == 40


def test_a_request_looks_at_no_more_rows_than_it_may(robot, version, monkeypatch):
    found = predictions(rows(40))
    accept(robot, version, ndjson(found))
    monkeypatch.setattr(earlier, "MOST_ROWS", 39)
    accept(robot, version, ndjson(changed(found, 5, score=0.123)))
    world.work()
    assert whole(version).rows == 40


def test_the_api_answers_409_with_the_rows(client, signed_in, olga, version):
    found = predictions(rows(10))
    address = "/api/v1/models/flight-delay/versions/1/predictions"
    signed_in(olga)

    def post(body):
        return client.post(address, body, content_type="application/x-ndjson")

    assert post(ndjson(found)).status_code == 201
    answer = post(ndjson(changed(found, 2, score=0.9)))
    assert (answer.status_code, answer["Content-Type"]) == (409, "application/problem+json")
    assert answer.json()["code"] == "conflict"
    assert answer.json()["errors"][0]["row"] == 2

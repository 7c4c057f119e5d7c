"""Ingestion: durable before the answer, the same again for the same key, whole or in part."""

import gzip
from datetime import timedelta

import pyarrow.parquet as pq
import pytest
import zstandard

from accounts.policies import Refused
from ledger.models import Job
from monitoring.gateways.refusals import UploadRefused
from monitoring.jobs import sweep
from monitoring.models import Batch
from monitoring.services.ingest import accept_predictions
from registry.gateways import store
from registry.refusals import SchemaFixed
from registry.services.schemas import set_schema
from tests.monitoring import world
from tests.monitoring.world import ndjson, predictions, rows

pytestmark = pytest.mark.django_db


def stored_files():
    return [name for name, _ in store.listed(".") if not name.startswith("references/")]


def assert_nothing_stored():
    assert not Batch.objects.exists()
    assert not Job.objects.filter(kind__in=["monitoring.fold", "monitoring.join"]).exists()
    assert stored_files() == []


def accept(actor, version, body, *, content_type="application/x-ndjson", **more):
    return accept_predictions(
        actor=actor,
        version_id=version.pk,
        body=body,
        content_type=content_type,
        **{"key": "", **more},
    )


def test_a_batch_is_a_file_a_row_and_a_job_before_the_answer(robot, version):
    answer = world.send(robot, version, rows(30), key="day-1").answer
    batch = Batch.objects.get(pk=answer["batch"])
    assert (batch.rows, answer["rejected"], batch.sent_by) == (30, 0, robot)
    assert store.digest(batch.path) == batch.file_digest == answer["digest"]
    assert Job.objects.get(kind="monitoring.fold").subject_id == batch.pk
    with store.opened(batch.path) as file:
        times = pq.read_table(file).column("at").to_pylist()
    assert times == sorted(times)


def test_the_first_batch_fixes_the_schema(robot, olga, version):
    world.send(robot, version, rows(30), key="day-1")
    version.refresh_from_db()
    assert version.first_prediction_at is not None
    changed = [field for field in version.schema.fields if field["role"] != "feature"]
    with pytest.raises(SchemaFixed):
        set_schema(actor=olga, version_id=version.pk, fields=changed)
    version.schema.refresh_from_db()
    assert version.schema.fields != changed


def test_the_same_key_and_bytes_get_the_same_answer_and_count_once(robot, version):
    first = world.send(robot, version, rows(30), key="day-1")
    again = world.send(robot, version, rows(30), key="day-1")
    assert again.answer == first.answer
    assert (first.repeated, again.repeated) == (False, True)
    assert Batch.objects.count() == 1
    assert len(stored_files()) == 1


def test_without_a_key_the_bytes_are_the_key(robot, version):
    world.send(robot, version, rows(30))
    assert world.send(robot, version, rows(30)).repeated


def test_the_same_key_with_other_bytes_is_a_conflict(robot, version):
    world.send(robot, version, rows(30), key="day-1")
    with pytest.raises(UploadRefused) as refused:
        world.send(robot, version, rows(31), key="day-1")
    assert (refused.value.status, refused.value.code) == (409, "key_used")
    assert Batch.objects.count() == 1


def test_a_batch_with_one_bad_row_is_refused_whole_with_row_and_field(robot, version):
    found = predictions(rows(5))
    found[3]["temperature"] = "warm"
    with pytest.raises(UploadRefused) as refused:
        accept(robot, version, ndjson(found))
    error = refused.value.extra["errors"][0]
    assert (error["row"], error["field"], error["code"]) == (3, "temperature", "type")
    assert refused.value.extra["counts"] == {"type": 1}
    assert_nothing_stored()


def test_partial_stores_the_good_rows_and_tells_the_others(robot, version):
    found = predictions(rows(5))
    found[3]["temperature"] = "warm"
    answer = accept(robot, version, ndjson(found), mode="partial").answer
    assert (answer["rows"], answer["rejected"]) == (4, 1)
    assert answer["reasons"][0]["row"] == 3


def test_one_id_with_two_values_is_refused_and_equal_rows_are_one(robot, version):
    found = predictions(rows(5))
    with pytest.raises(UploadRefused) as refused:
        accept(robot, version, ndjson([*found, {**found[0], "score": 0.123}]))
    assert refused.value.extra["errors"][0]["code"] == "conflict"
    assert_nothing_stored()
    answer = accept(robot, version, ndjson([*found, found[0]])).answer
    assert (answer["rows"], answer["rejected"]) == (5, 1)


@pytest.mark.parametrize("name", ["json", "ndjson", "csv", "parquet", "gzip", "zstd"])
def test_every_format_gives_the_same_rows(robot, version, name):
    found = predictions(rows(20))
    lines = ndjson(found)
    header = ",".join(found[0])
    csv = "\n".join(
        [header]
        + [
            ",".join(str(v).lower() if isinstance(v, bool) else str(v) for v in row.values())
            for row in map(world.plain, found)
        ]
    )
    body, content_type, encoding = {
        "json": (b'{"rows": [' + lines.replace(b"\n", b",") + b"]}", "application/json", ""),
        "ndjson": (lines, "application/x-ndjson", ""),
        "csv": (csv.encode("utf-8-sig"), "text/csv; charset=utf-8", ""),
        "parquet": (world.parquet(found), "application/vnd.apache.parquet", ""),
        "gzip": (gzip.compress(lines), "application/x-ndjson", "gzip"),
        "zstd": (zstandard.compress(lines), "application/x-ndjson", "zstd"),
    }[name]
    answer = accept(robot, version, body, content_type=content_type, encoding=encoding).answer
    with store.opened(Batch.objects.get().path) as file:
        assert pq.read_table(file).to_pylist() == found
    assert answer["rows"] == 20


def test_numbers_at_the_edge_come_back_bit_by_bit(robot, version):
    found = predictions(rows(2))
    found[0]["temperature"], found[1]["temperature"] = -0.0, 1e-320
    accept(robot, version, ndjson(found))
    with store.opened(Batch.objects.get().path) as file:
        kept = pq.read_table(file).column("temperature").to_pylist()
    assert [value.hex() for value in kept] == [(-0.0).hex(), (1e-320).hex()]


def test_the_repeated_hour_of_the_clock_change_is_two_hours_in_utc(robot, version):
    found = predictions(rows(2))
    found[0]["at"], found[1]["at"] = "2025-10-26T02:30:00+02:00", "2025-10-26T02:30:00+01:00"
    accept(robot, version, ndjson(found))
    batch = Batch.objects.get()
    assert batch.last_at - batch.first_at == timedelta(hours=1)


def test_a_time_a_little_ahead_is_taken_and_flagged(robot, version):
    from django.utils import timezone

    found = predictions(rows(1))
    found[0]["at"] = timezone.now() + timedelta(minutes=20)
    assert accept(robot, version, ndjson(found)).answer["warnings"]


@pytest.mark.parametrize("who", ["adam", "rita", "sam", "anna"])
def test_only_senders_send(request, version, who):
    with pytest.raises(Refused):
        world.send(request.getfixturevalue(who), version, rows(3))
    assert_nothing_stored()


def test_a_version_without_schema_is_told_to_declare_one(robot, model):
    from registry.models import Version

    bare = Version.objects.create(model=model, number=9)
    with pytest.raises(UploadRefused) as refused:
        world.send(robot, bare, rows(3))
    assert (refused.value.status, refused.value.code) == (409, "no_schema")
    assert_nothing_stored()


def test_an_outcome_of_no_known_class_is_refused(robot, model):
    answers = {"late": "integer", "was_late": "integer"}
    fields = [
        {**field, "dtype": answers[field["name"]], "categories": ["0", "1"]}
        if field["name"] in answers
        else field
        for field in world.FIELDS
    ]
    world.make_version(model, fields=fields, reference=[])
    found = [{**row, "was_late": int(row["was_late"])} for row in rows(3)]
    found[1]["was_late"] = 2
    with pytest.raises(UploadRefused) as refused:
        world.send_outcomes(robot, model, found)
    error = refused.value.extra["errors"][0]
    assert (error["row"], error["field"], error["code"]) == (1, "outcome", "unknown_class")
    assert_nothing_stored()


def test_orphans_are_swept_once_they_are_old_and_known_files_stay(robot, version, monkeypatch):
    world.send(robot, version, rows(3))
    store.put_bytes("predictions/1/2026-01-01/orphan.parquet", b"PAR1")
    assert sweep.sweep_orphans() == 0
    monkeypatch.setattr(sweep, "OLD_ENOUGH", -1)
    assert sweep.sweep_orphans() == 1
    assert stored_files() == [Batch.objects.get().path]

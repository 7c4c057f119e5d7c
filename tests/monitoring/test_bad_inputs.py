"""Bad inputs and their answers: refused with the right status, in time, and nothing stored."""

import gzip
import io
import json
import pickle
import resource
import time

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
import zstandard

from monitoring.gateways.refusals import UploadRefused
from tests.monitoring.test_ingest import accept, assert_nothing_stored
from tests.monitoring.world import FIELDS, ndjson, plain, predictions, rows

pytestmark = pytest.mark.django_db
NDJSON, CSV, PARQUET = "application/x-ndjson", "text/csv", "application/vnd.apache.parquet"


def changed(**values):
    """Three rows, the second of them with other values."""
    found = predictions(rows(3))
    found[1] |= values
    return ndjson(found)


def raw(name, text):
    """Three rows, the second of them with a literal that Python would not write."""
    found = [plain(row) for row in predictions(rows(3))]
    found[1][name] = "HERE"
    return "\n".join(map(json.dumps, found)).replace('"HERE"', text).encode()


def sheet(*, columns=None, drop=(), **more):
    found = {name: [row[name] for row in predictions(rows(3))] for name in predictions(rows(1))[0]}
    found = {name: values for name, values in found.items() if name not in drop}
    return pa.table({**found, **(columns or {}), **more})


def as_parquet(table, **options):
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


def bomb():
    """A few kilobytes that unpack to 5 GB: one long text, five thousand times by dictionary."""
    texts = pa.DictionaryArray.from_arrays(pa.array([0] * 5000, pa.int32()), ["x" * 2**20])
    return as_parquet(
        pa.table({"carrier": texts.cast(pa.dictionary(pa.int32(), pa.string()))}),
        compression="zstd",
    )


def many_rows():
    return as_parquet(
        pa.table({"distance": pa.array([1]).take(pa.array([0] * 1_000_001))}), compression="zstd"
    )


def lying_footer():
    """The footer says more rows than the pages hold: one byte of a small varint is raised."""
    body = bytearray(as_parquet(pa.table({"distance": [1, 2, 3]}), compression="none"))
    length = int.from_bytes(body[-8:-4], "little")
    start = len(body) - 8 - length
    footer = body[start : len(body) - 8]
    # num_rows of the file: field 3 of the metadata, an i64 as a zigzag varint (3 -> 0x06).
    place = footer.index(b"\x16\x06")
    body[start + place + 1] = 0x10
    return bytes(body)


def flipped():
    body = bytearray(as_parquet(sheet(), write_page_checksum=True, compression="none"))
    place = body.index(b"AA") if b"AA" in body else 60
    body[place] ^= 0x10
    return bytes(body)


def arrow_file():
    sink = io.BytesIO()
    pa.feather.write_feather(sheet(), sink)
    return sink.getvalue()


def csv(*lines):
    header = ",".join(field["name"] for field in FIELDS[:-1])
    return "\r\n".join([header, *lines]).encode()


GOOD = "f1,2026-03-02T00:00:00Z,5.5,100,AA,true,JFK,false,0.2"
GOOD_ROWS = ndjson(predictions(rows(3)))

TABLE = [
    ("01 a dictionary bomb", PARQUET, bomb, 422, "decoded_bytes"),
    ("02 a million rows and one", PARQUET, many_rows, 422, "row_limit"),
    ("03 a footer that lies about rows", PARQUET, lying_footer, 422, "inconsistent"),
    (
        "04 a footer longer than the file",
        PARQUET,
        lambda: b"PAR1" + b"\xff\xff\x00\x00PAR1",
        400,
        "parquet",
    ),
    ("05 a truncated file", PARQUET, lambda: as_parquet(sheet())[:-9], 400, "parquet"),
    ("06 a flipped byte", PARQUET, flipped, 400, "parquet"),
    (
        "07 too many columns",
        PARQUET,
        lambda: as_parquet(pa.table({f"c{n}": [1] for n in range(1_001)})),
        422,
        "column_limit",
    ),
    (
        "07 too many columns, NDJSON",
        NDJSON,
        lambda: json.dumps({f"c{n}": 1 for n in range(1_001)}).encode(),
        422,
        "column_limit",
    ),
    (
        "09 a struct",
        PARQUET,
        lambda: as_parquet(sheet(columns={"carrier": [{"a": 1}] * 3})),
        422,
        "unsupported_type",
    ),
    (
        "09 a map",
        PARQUET,
        lambda: as_parquet(
            sheet(columns={"carrier": pa.array([[("a", 1)]] * 3, pa.map_(pa.string(), pa.int8()))})
        ),
        422,
        "unsupported_type",
    ),
    ("10 Arrow renamed", PARQUET, arrow_file, 415, "format"),
    ("11 pickle renamed", PARQUET, lambda: pickle.dumps([1]), 415, "format"),
    (
        "13 gzip in gzip",
        NDJSON + "|gzip",
        lambda: gzip.compress(gzip.compress(GOOD_ROWS)),
        415,
        "encoding",
    ),
    (
        "13 a chain of encodings",
        NDJSON + "|gzip, zstd",
        lambda: gzip.compress(GOOD_ROWS),
        415,
        "encoding",
    ),
    ("13 an unknown encoding", NDJSON + "|br", lambda: GOOD_ROWS, 415, "encoding"),
    (
        "15 half of a gzip",
        NDJSON + "|gzip",
        lambda: gzip.compress(GOOD_ROWS)[:-40],
        400,
        "encoding",
    ),
    (
        "15 half of a zstd",
        NDJSON + "|zstd",
        lambda: zstandard.compress(GOOD_ROWS)[:-9],
        400,
        "encoding",
    ),
    ("15 not gzip at all", NDJSON + "|gzip", lambda: GOOD_ROWS, 400, "encoding"),
    (
        "16 depth 100,000",
        "application/json",
        lambda: b'{"rows": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        400,
        "depth",
    ),
    ("16 depth 40", NDJSON, lambda: b"[" * 40 + b"]" * 40, 400, "depth"),
    ("17 NaN", NDJSON, lambda: raw("temperature", "NaN"), 400, "json"),
    ("17 Infinity", NDJSON, lambda: raw("temperature", "-Infinity"), 400, "json"),
    ("18 1e999", NDJSON, lambda: raw("temperature", "1e999"), 422, "not_finite"),
    ("19 five thousand digits", NDJSON, lambda: raw("temperature", "9" * 5_000), 400, "json"),
    ("20 a key twice", NDJSON, lambda: raw("temperature", '1, "temperature": 2'), 400, "json"),
    ("21 a number as id", NDJSON, lambda: changed(flight=2**60), 422, "type"),
    (
        "21 an integer a double cannot hold",
        NDJSON,
        lambda: changed(temperature=2**53 + 1),
        422,
        "too_large",
    ),
    ("23 mixed types", NDJSON, lambda: changed(carrier=7), 422, "type"),
    ("23 an object for a value", NDJSON, lambda: changed(carrier={"a": 1}), 422, "nested"),
    ("24 text for a boolean", NDJSON, lambda: changed(night="true"), 422, "type"),
    ("24 1 for a boolean", NDJSON, lambda: changed(night=1), 422, "type"),
    ("24 1 for a boolean, CSV", CSV, lambda: csv(GOOD.replace("true", "1")), 422, "type"),
    ("25 text for a number", NDJSON, lambda: changed(distance="100"), 422, "type"),
    ("25 a fraction for an integer", NDJSON, lambda: changed(distance=100.0), 422, "type"),
    (
        "25 text for a number, Parquet",
        PARQUET,
        lambda: as_parquet(sheet(columns={"distance": ["1"] * 3})),
        422,
        "type",
    ),
    ("26 half a sign", NDJSON, lambda: raw("carrier", '"\\ud800"'), 400, "charset"),
    ("27 NUL in a text", NDJSON, lambda: raw("carrier", '"a\\u0000b"'), 422, "nul"),
    (
        "28 CSV that is not UTF-8",
        CSV,
        lambda: csv(GOOD).replace(b"AA", b"\xc3\x28"),
        400,
        "charset",
    ),
    ("29 UTF-16", CSV, lambda: csv(GOOD).decode().encode("utf-16"), 415, "charset"),
    ("29 a charset said to be other", CSV + "; charset=latin-1", lambda: csv(GOOD), 415, "charset"),
    (
        "31 names equal after composing",
        NDJSON,
        lambda: b'{"caf\\u00e9": 1, "cafe\\u0301": 2}',
        422,
        "ambiguous",
    ),
    ("32 a name with a bidi override", NDJSON, lambda: b'{"a\\u202eb": 1}', 422, "name"),
    ("32 a name with a zero-width sign", CSV, lambda: "a\u200bb\n1".encode(), 422, "name"),
    (
        "33 names that mean something elsewhere",
        NDJSON,
        lambda: json.dumps({"__proto__": 1, "'; DROP TABLE x; --": 2}).encode(),
        422,
        "unknown_field",
    ),
    ("34 two equal names", CSV, lambda: b"a,a\n1,2", 422, "ambiguous"),
    ("35 a ragged row", CSV, lambda: csv(GOOD, "f2,1"), 422, "ragged"),
    ("36 an unclosed quote", CSV, lambda: csv(GOOD, '"f2,' + "x" * 300_000), 400, "field_limit"),
    ("38 a time without zone", NDJSON, lambda: changed(at="2026-03-02T00:00:00"), 422, "timestamp"),
    (
        "38 a column without zone",
        PARQUET,
        lambda: as_parquet(sheet(columns={"at": pa.array([0, 1, 2], pa.timestamp("us"))})),
        422,
        "type",
    ),
    (
        "39 more than a day ahead",
        NDJSON,
        lambda: changed(at="2095-01-01T00:00:00Z"),
        422,
        "time_range",
    ),
    ("40 year 1", NDJSON, lambda: changed(at="0001-01-01T00:00:00Z"), 422, "time_range"),
    ("40 year 9999", NDJSON, lambda: changed(at="9999-12-31T23:59:59Z"), 422, "time_range"),
    ("40 a leap second", NDJSON, lambda: changed(at="2016-12-31T23:59:60Z"), 422, "timestamp"),
    ("   an empty body", NDJSON, lambda: b"", 400, "empty"),
    ("   no rows", "application/json", lambda: b'{"rows": []}', 422, "empty"),
    ("   no object", "application/json", lambda: b"[1]", 400, "shape"),
    ("   a required field is missing", NDJSON, lambda: b'{"flight": "f1"}', 422, "missing_field"),
    ("   an empty id", NDJSON, lambda: changed(flight=""), 422, "missing"),
    ("   a long id", NDJSON, lambda: changed(flight="x" * 101), 422, "too_long"),
    ("   an unknown type", "application/xml", lambda: b"<a/>", 415, "format"),
]


@pytest.mark.parametrize(
    ("content", "make", "status", "code"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_a_bad_input_is_refused_and_nothing_is_stored(robot, version, content, make, status, code):
    content_type, _, encoding = content.partition("|")
    body, began = make(), time.monotonic()
    with pytest.raises(UploadRefused) as refused:
        accept(robot, version, body, content_type=content_type, encoding=encoding)
    codes = {refused.value.code, *refused.value.extra.get("counts", {})}
    assert (refused.value.status, code in codes) == (status, True), (refused.value, codes)
    assert time.monotonic() - began < 5
    assert_nothing_stored()


def test_a_gzip_bomb_stops_while_it_is_unpacked(robot, version):
    body = gzip.compress(bytes(600 * 1024 * 1024), 1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(UploadRefused) as refused:
        accept(robot, version, body, encoding="gzip")
    assert (refused.value.status, refused.value.code) == (413, "decoded_bytes")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 700 * 1024
    assert_nothing_stored()


def test_the_dictionary_bomb_costs_this_process_next_to_nothing(robot, version):
    body = bomb()
    assert len(body) < 10_000
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    with pytest.raises(UploadRefused):
        accept(robot, version, body, content_type=PARQUET)
    assert time.monotonic() - began < 3
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50 * 1024


def test_a_reader_that_is_killed_is_replaced(robot, version):
    from monitoring.gateways import parquet

    good = as_parquet(sheet())
    assert accept(robot, version, good, content_type=PARQUET).answer["rows"] == 3
    for reader in parquet._all:
        if reader.process is not None:
            reader.process.kill()
            reader.process.wait()
    assert accept(robot, version, as_parquet(sheet(), compression="none"), content_type=PARQUET)


def test_a_name_that_is_sql_is_data_when_the_schema_declares_it(robot, model):
    from tests.monitoring import world

    odd = {"name": "'; DROP TABLE x; --", "dtype": "string", "role": "feature"}
    version = world.make_version(model, number=5, fields=[*FIELDS, odd], reference=[])
    found = [{**row, odd["name"]: "=cmd|' /C calc'!A0"} for row in predictions(rows(3))]
    assert accept(robot, version, ndjson(found)).answer["rows"] == 3

"""Declaring schema and reference: who may, when they are fixed, what does not fit."""

import hashlib

import pyarrow as pa
import pytest
from django.http import Http404
from django.utils import timezone

from accounts.policies import Refused
from audit.models import Event
from registry.gateways import store
from registry.models import Contribution, Reference, Schema, Version
from registry.reads.versions import version_detail
from registry.refusals import NotTaken, ReferenceInvalid, SchemaFixed
from registry.schemas import SchemaInvalid
from registry.services.references import set_reference
from registry.services.schemas import set_schema
from tests.registry.conftest import FIELDS, reference_file, serve

SHORTER = FIELDS[:2] + FIELDS[3:]


@pytest.fixture
def declared(olga, one):
    set_schema(actor=olga, version_id=one.pk, fields=FIELDS)
    return one


def test_olga_declares_a_schema_and_has_a_hand_in_it(olga, declared):
    schema = Schema.objects.get(version=declared)
    event = Event.objects.latest("sequence")
    assert (event.event, event.data["digest"]) == ("registry.schema.set", schema.digest)
    assert Contribution.objects.filter(person=olga, kind="schema").exists()


def test_the_same_schema_again_changes_nothing_even_when_it_is_fixed(olga, declared):
    serve(declared)
    before = Event.objects.count()
    set_schema(actor=olga, version_id=declared.pk, fields=FIELDS)
    assert Event.objects.count() == before


@pytest.mark.parametrize("used", ["approved", "predictions"])
def test_a_used_schema_is_fixed(olga, declared, used):
    if used == "approved":
        serve(declared)
    else:
        Version.objects.update(first_prediction_at=timezone.now())
    digest = Schema.objects.get().digest
    with pytest.raises(SchemaFixed):
        set_schema(actor=olga, version_id=declared.pk, fields=SHORTER)
    assert Schema.objects.get().digest == digest


@pytest.mark.parametrize("name", ["vera", "rita", "rosa", "adam", "sam", "anna"])
def test_others_declare_nothing(request, one, name, tmp_path):
    with pytest.raises(Refused):
        set_schema(actor=request.getfixturevalue(name), version_id=one.pk, fields=FIELDS)
    with pytest.raises(Refused):
        set_reference(
            actor=request.getfixturevalue(name),
            version_id=one.pk,
            source=reference_file(tmp_path / "r.parquet"),
        )
    assert not Schema.objects.exists()
    assert not Reference.objects.exists()
    assert store.listed("references") == []


def test_a_wrong_schema_leaves_the_old_one(olga, declared):
    with pytest.raises(SchemaInvalid):
        set_schema(actor=olga, version_id=declared.pk, fields=FIELDS[1:])
    assert len(Schema.objects.get().fields) == len(FIELDS)


def test_a_reference_is_kept_with_its_digest_and_waits_for_its_bins(olga, declared, tmp_path):
    source = reference_file(tmp_path / "r.parquet")
    reference = set_reference(actor=olga, version_id=declared.pk, source=source)
    assert reference.digest == hashlib.sha256(source.read_bytes()).hexdigest()
    assert store.digest(reference.path) == reference.digest
    assert (reference.rows, reference.edges, reference.frozen_at) == (200, None, None)
    before = Event.objects.count()
    set_reference(actor=olga, version_id=declared.pk, source=source)
    assert Event.objects.count() == before


def test_a_version_is_read_whole_with_seven_queries(
    olga, adam, sam, declared, tmp_path, django_assert_num_queries
):
    set_reference(actor=olga, version_id=declared.pk, source=reference_file(tmp_path / "r.parquet"))
    _ = adam.held
    with django_assert_num_queries(7):
        detail = version_detail(adam, "flight-delay", 1)
    assert [hand.kind for hand in detail.hands] == [
        "registered the version",
        "declared the schema",
        "supplied the reference",
    ]
    assert (detail.reference.rows, detail.reference.frozen_at) == (200, None)
    assert len(detail.schema) == len(FIELDS)
    with pytest.raises(Http404):
        version_detail(sam, "flight-delay", 1)
    with pytest.raises(Http404):
        version_detail(adam, "flight-delay", 2)


def test_a_changed_schema_drops_the_reference_and_says_so(olga, declared, tmp_path):
    set_reference(actor=olga, version_id=declared.pk, source=reference_file(tmp_path / "r.parquet"))
    set_schema(actor=olga, version_id=declared.pk, fields=SHORTER)
    assert not Reference.objects.exists()
    assert Event.objects.latest("sequence").data["reference_dropped"] is True


def test_an_approved_version_keeps_its_reference(olga, declared, tmp_path):
    first = set_reference(
        actor=olga, version_id=declared.pk, source=reference_file(tmp_path / "r.parquet")
    )
    serve(declared)
    with pytest.raises(ReferenceInvalid, match="part of what was approved"):
        set_reference(
            actor=olga,
            version_id=declared.pk,
            source=reference_file(tmp_path / "s.parquet", rows=300),
        )
    assert Reference.objects.get().digest == first.digest


def test_a_reference_needs_a_schema_first(olga, one, tmp_path):
    with pytest.raises(ReferenceInvalid, match="Declare the schema first"):
        set_reference(actor=olga, version_id=one.pk, source=reference_file(tmp_path / "r.parquet"))


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ({"distance": None}, r"Column 'distance' \(feature\) is missing"),
        ({"was_late": None}, "'was_late'"),
        ({"distance": pa.array(["far"] * 200)}, "dtype number, not string"),
        ({"late": pa.array([1] * 200)}, "dtype boolean, not integer"),
        ({"name": pa.array(["Sam"] * 200)}, "'name' was sent and is not in the schema"),
        (
            {"event_time": pa.array([0] * 200, pa.timestamp("us"))},
            "dtype timestamp with a time zone",
        ),
        ({"distance": pa.array([[1.0]] * 200)}, "dtype number, not other"),
    ],
)
def test_a_reference_that_does_not_fit_is_refused(olga, declared, tmp_path, columns, sentence):
    with pytest.raises(ReferenceInvalid, match=sentence):
        set_reference(
            actor=olga,
            version_id=declared.pk,
            source=reference_file(tmp_path / "r.parquet", **columns),
        )
    assert not Reference.objects.exists()
    assert store.listed("references") == []


def test_a_production_window_may_lack_outcomes(olga, declared, tmp_path):
    source = reference_file(tmp_path / "r.parquet", was_late=None)
    reference = set_reference(actor=olga, version_id=declared.pk, source=source, kind="production")
    assert reference.kind == "production"


def test_too_few_rows_are_no_reference(olga, declared, tmp_path):
    with pytest.raises(ReferenceInvalid, match="this has 99"):
        set_reference(
            actor=olga,
            version_id=declared.pk,
            source=reference_file(tmp_path / "r.parquet", rows=99),
        )


def test_other_bytes_are_not_taken(olga, declared, tmp_path):
    pickled = tmp_path / "r.parquet"
    pickled.write_bytes(b"\x80\x04\x95 not a table")
    with pytest.raises(NotTaken):
        set_reference(actor=olga, version_id=declared.pk, source=pickled)


@pytest.mark.parametrize("spoil", ["cut", "footer"])
def test_a_broken_file_is_refused(olga, declared, tmp_path, spoil):
    source = reference_file(tmp_path / "r.parquet")
    raw = source.read_bytes()
    source.write_bytes(raw[:-100] if spoil == "cut" else raw[:-8] + b"\xff\xff\xff\x7fPAR1")
    with pytest.raises(ReferenceInvalid, match="no readable Parquet"):
        set_reference(actor=olga, version_id=declared.pk, source=source)
    assert not Reference.objects.exists()

"""Every way to send a file is known here, takes its own kinds only, and no more than its bound."""

import inspect
from importlib import import_module

import pytest
from django import forms
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from rest_framework import serializers
from rest_framework.parsers import JSONParser

from governance.models import AttachedEvidence, Framework, Guideline
from monitoring.gateways.decoding import LARGEST_BODY
from monitoring.models import Batch
from registry.models import Reference
from registry.services import references
from tests.marked import person_client
from tests.test_routes import routes
from tests.world import world_of

CONTROL = "models/{model}/controls/{framework}/{control}/evidence"
# Route, and what it takes: whoever adds an upload says here what is refused.
FIELDS = {
    "governance.web.control_forms.EvidenceForm.file",
    "governance.web.control_forms.FrameworkForm.file",
    "governance.api.control_shapes.NewEvidenceShape.file",
    "governance.web.card_imports.UploadForm.file",
    "governance.api.card_imports.ImportRequestSerializer.file",
}
BODIES = {
    "api/v1/frameworks": "application/yaml",
    "api/v1/guidelines": "application/yaml",
    f"api/v1/{CONTROL}": "multipart/form-data",
    "api/v1/models/{model}/versions/{version}/card/import": "multipart/form-data",
    "api/v1/models/{model}/versions/{version}/predictions": "*/*",
    "api/v1/models/{model}/outcomes": "*/*",
    "api/v1/models/{model}/versions/{version}/reference": "application/vnd.apache.parquet",
}
SENT_AS_FILES = [f"/{CONTROL}", f"/api/v1/{CONTROL}", "/frameworks/new"]
WRONG = {
    "program": b"\x7fELF" + b"\0" * 64,
    "archive": b"PK\x03\x04" + b"\0" * 64,
    "nothing but signs": b"\x01\x02\x03",
    "animation": b"GIF89a" + b"\0" * 64,
}
# Texts to Ombud, and never more than that to a browser.
RUNNING = {
    "page": b"<html><script>alert(1)</script></html>",
    "picture": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
}


@pytest.fixture
def world(team, olga, vera):
    return world_of(team, olga)


def _modules():
    for app in ("accounts", "registry", "monitoring", "governance"):
        for room in ("web", "api"):
            for path in (settings.ROOT / app / room).glob("*.py"):
                yield import_module(f"{app}.{room}.{path.stem}")


def test_every_field_that_takes_a_file_is_listed():
    found = set()
    for module in _modules():
        for name, kind in inspect.getmembers(module, inspect.isclass):
            if kind.__module__ != module.__name__:
                continue
            fields = getattr(kind, "base_fields", None) or getattr(kind, "_declared_fields", {})
            found |= {
                f"{module.__name__}.{name}.{field}"
                for field, one in dict(fields).items()
                if isinstance(one, forms.FileField | serializers.FileField)
            }
    assert found == FIELDS


def test_every_address_that_takes_another_body_than_json_is_listed():
    found = {}
    for path, entry in routes().items():
        view = getattr(entry.callback, "cls", None)
        for parser in getattr(view, "parser_classes", ()):
            if parser is not JSONParser:
                found[path] = parser.media_type
    assert found == BODIES


def addressed(path, world):
    return path.format(model=world.model, framework=world.framework, control=world.control)


def sent(client, path, raw, name="x.pdf", **more):
    file = SimpleUploadedFile(name, raw, content_type="application/pdf")
    return client.post(path, {"title": "A paper", "file": file, **more})


@pytest.mark.parametrize("path", SENT_AS_FILES[:2], ids=["page", "api"])
@pytest.mark.parametrize("wrong", WRONG)
def test_a_file_of_another_kind_is_not_taken_whatever_it_is_called(world, vera, path, wrong):
    before = AttachedEvidence.objects.count()
    answer = sent(person_client(vera), addressed(path, world), WRONG[wrong])
    assert answer.status_code in {302, 415, 422}
    assert AttachedEvidence.objects.count() == before


@pytest.mark.parametrize("wrong", RUNNING)
def test_a_text_that_would_run_in_a_browser_comes_back_as_a_file(world, vera, wrong):
    desk = person_client(vera)
    assert sent(desk, addressed(SENT_AS_FILES[0], world), RUNNING[wrong]).status_code == 302
    kept = AttachedEvidence.objects.latest("pk")
    answer = desk.get(f"/api/v1/evidence/{kept.pk}")
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["Content-Disposition"].endswith('.txt"')


@pytest.mark.parametrize("path", SENT_AS_FILES[:2], ids=["page", "api"])
def test_a_file_beyond_the_bound_is_not_taken(world, vera, path):
    before = AttachedEvidence.objects.count()
    large = b"%PDF-1.7\n" + b"\0" * (20 * 2**20)
    answer = sent(person_client(vera), addressed(path, world), large)
    assert answer.status_code in {302, 413, 422}
    assert AttachedEvidence.objects.count() == before


@pytest.mark.parametrize("path", SENT_AS_FILES, ids=["page", "api", "framework"])
def test_what_is_far_beyond_is_refused_before_it_is_read(world, vera, path):
    """The first bytes would go to the disk otherwise, as many as somebody likes to send."""
    promised = {"CONTENT_LENGTH": str(10 * 2**30)}
    kind = "multipart/form-data; boundary=x"
    client = person_client(vera)
    answer = client.generic("POST", addressed(path, world), b"--x", kind, **promised)
    assert answer.status_code == 413
    if "/api/" in path:
        assert answer["Content-Type"] == "application/problem+json"


def test_a_page_s_own_small_files_pass(world, vera):
    before = AttachedEvidence.objects.count()
    answer = sent(person_client(vera), addressed(SENT_AS_FILES[0], world), b"%PDF-1.7\n%%EOF")
    assert answer.status_code == 302
    assert AttachedEvidence.objects.count() == before + 1


@pytest.mark.parametrize("kind", ["frameworks", "guidelines"])
def test_rules_are_small_texts(world, vera, kind):
    stored = Framework.objects.count(), Guideline.objects.count()
    desk = person_client(vera)
    address = f"/api/v1/{kind}?team=flight-operations"
    for raw in (b"\0" * 100, b"x" * 200_001, b"a: &a [*a]", WRONG["program"]):
        answer = desk.generic("POST", address, raw, "application/yaml")
        assert answer.status_code in {413, 415, 422}, raw[:10]
    answer = desk.generic("POST", address, b"<html/>", "text/html")
    assert answer.status_code == 415
    assert (Framework.objects.count(), Guideline.objects.count()) == stored


@pytest.mark.parametrize("what", ["versions/1/predictions", "outcomes"])
def test_predictions_are_rows_and_within_the_bound(world, olga, what):
    desk = person_client(olga)
    address = f"/api/v1/models/flight-delay/{what}"
    for kind in ("application/pdf", "text/html", "multipart/form-data; boundary=x"):
        answer = desk.generic("POST", address, RUNNING["page"], kind)
        assert answer.status_code in {400, 409, 415, 422}, kind
    assert not Batch.objects.exists()
    promised = {"CONTENT_LENGTH": str(LARGEST_BODY + 1)}
    answer = desk.generic("POST", address, b"{}", "application/json", **promised)
    assert answer.status_code == 413


def test_a_reference_is_parquet_and_within_the_bound(world, olga, monkeypatch):
    desk = person_client(olga)
    address = "/api/v1/models/flight-delay/versions/1/reference"
    parquet = "application/vnd.apache.parquet"
    assert desk.generic("PUT", address, b"x", "text/csv").status_code == 415
    assert desk.generic("PUT", address, WRONG["archive"], parquet).status_code in {415, 422}
    monkeypatch.setattr(references, "MAX_BYTES", 40)
    assert desk.generic("PUT", address, b"PAR1" * 11, parquet).status_code == 413
    assert not Reference.objects.exists()


def test_a_stranger_s_file_is_not_read_at_all(world, sam):
    answer = sent(person_client(sam), addressed(SENT_AS_FILES[1], world), b"%PDF-1.7\n")
    assert answer.status_code == 404
    assert sent(Client(), addressed(SENT_AS_FILES[1], world), b"%PDF-1.7\n").status_code == 401

"""Bundles open without a network, prove themselves without Django, and show what was changed."""

import csv
import io
import json
import re
import subprocess
import sys
import zipfile
from datetime import timedelta
from pathlib import Path

import pypdf
import pytest
from django.db import transaction
from django.utils import timezone

from accounts.policies import Refused
from accounts.services.tokens import create_token
from audit import keys
from audit.jobs.checkpoint import sign as sign_trail
from audit.models import Event
from governance.models import Bundle
from governance.refusals import Incomplete, NoSuchStep
from governance.services.bundles import ask_model_bundle, ask_sample_bundle, take_bundle
from governance.services.samples import conclude_item, draw_sample, note_item
from ledger import claims, runner
from ledger.models import Job
from registry.gateways import store
from tests import browsers
from tests.governance.conftest import critical_incident, promoted
from tests.governance.test_samples import plan

FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", '=HYPERLINK("http://x")']


@pytest.fixture
def key(settings):
    return keys.make(Path(settings.AUDIT_KEY))


@pytest.fixture
def checkpoint(key):
    def write():
        with transaction.atomic():
            return sign_trail([key])

    return write


@pytest.fixture
def sample(one, two, olga, vera, rita, adam, checkpoint):
    """Two promotions, one with a hostile reason; drawn, noted on and concluded."""
    promoted(one, olga, vera, rita, reason='=HYPERLINK("http://evil.example";"<script>x</script>")')
    promoted(two, olga, vera, rita)
    sample = draw_sample(actor=adam, draw=plan())
    for text, item in zip(FORMULAS, list(sample.items.all()) * 4, strict=False):
        note_item(actor=adam, item_id=item.pk, text=f"x{text}" if text.isspace() else text)
    first = sample.items.get(position=1)
    conclude_item(actor=adam, item_id=first.pk, conclusion="no_exception", text="In order.")
    checkpoint()
    return sample


def made(bundle):
    job = Job.objects.get(kind="governance.bundle", key=str(bundle.pk))
    runner.run(job_id=job.pk)
    bundle.refresh_from_db()
    assert bundle.state == "built", (bundle.error, Job.objects.get(pk=job.pk).error)
    return bundle


@pytest.fixture
def bundle(sample, adam):
    return made(ask_sample_bundle(actor=adam, sample_id=sample.pk))


@pytest.fixture
def folder(bundle, tmp_path):
    with zipfile.ZipFile(io.BytesIO(store.read(bundle.path))) as archive:
        archive.extractall(tmp_path / "bundle")
    return tmp_path / "bundle"


def checked(folder, *arguments):
    """The verifier alone: no environment, no Django even if somebody asks for it."""
    alone = (
        "import sys, runpy; sys.modules['django'] = None; sys.argv = sys.argv[1:];"
        "runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    program = folder / "verify/ombud_bundle.py"
    return subprocess.run(
        [sys.executable, "-I", "-B", "-c", alone, program, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={},
        cwd="/",
    )


def test_it_holds_pages_papers_tables_proofs_and_verifiers(folder):
    there = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert there >= {
        "index.html",
        "items/001.html",
        "items/001.pdf",
        "data/bundle.json",
        "data/sample.json",
        "data/items.csv",
        "data/notes.csv",
        "data/signatures.csv",
        "data/events.csv",
        "trail/events.jsonl",
        "trail/checkpoints.txt",
        "verify/ombud_bundle.py",
        "verify/ombud_verify.py",
        "verify/README.txt",
        "manifest.json",
    }
    assert any(name.startswith("proofs/") for name in there)
    assert pypdf.PdfReader(folder / "items/001.pdf").pages[0].extract_text()


def test_it_proves_itself_alone(folder, key):
    done = checked(folder)
    assert done.returncode == 0, done.stderr
    assert re.search(r"[1-9]\d* proofs, [1-9]\d* events of the trail, 2 sampled items", done.stdout)
    assert checked(folder, "--key", key.public.text).returncode == 0


def test_another_key_than_the_trusted_one_is_not_believed(folder, tmp_path):
    other = keys.make(tmp_path / "other.pem")
    assert checked(folder, "--key", other.public.text).returncode == 1


def test_the_zip_itself_is_checked_too(bundle, folder, tmp_path):
    file = tmp_path / "bundle.zip"
    file.write_bytes(store.read(bundle.path))
    assert checked(folder, file).returncode == 0


def test_the_digest_of_the_manifest_is_in_the_trail(bundle, folder):
    event = Event.objects.get(event="governance.bundle.built")
    assert event.data["manifest_sha256"] == bundle.manifest_sha256
    assert bundle.manifest_sha256 in checked(folder).stdout
    assert event.data["sha256"] == store.digest(bundle.path)


def test_a_change_of_any_file_is_noticed(folder):
    names = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    for path in [one for one in names if one.name != "manifest.json"]:
        if path.parent.name == "verify" and path.suffix == ".py":
            continue  # who changes the verifier is found by taking one's own
        before = path.read_bytes()
        path.write_bytes(before[:-1] + bytes([before[-1] ^ 1]) if before else b"x")
        assert checked(folder).returncode == 1, path
        path.write_bytes(before)
    assert checked(folder).returncode == 0


def test_a_file_that_is_added_or_missing_is_noticed(folder):
    extra = folder / "items/999.html"
    extra.write_text("x")
    assert "999.html is not in the manifest" in checked(folder).stderr
    extra.unlink()
    (folder / "data/items.csv").unlink()
    assert "data/items.csv is missing" in checked(folder).stderr


def test_an_event_rewritten_with_a_new_manifest_is_noticed_by_its_proof(folder):
    rewrite(
        folder,
        "data/bundle.json",
        lambda text: text.replace('"proved": true', '"proved": false', 1),
    )
    told = json.loads((folder / "data/bundle.json").read_text())
    event = told["items"][0]["walkthrough"]["events"][1]
    rewrite(folder, "data/bundle.json", lambda text: text.replace(event["digest"], "0" * 64))
    done = checked(folder)
    assert done.returncode == 1
    assert "another event" in done.stderr


def test_a_cut_trail_with_a_new_manifest_is_noticed(folder):
    rewrite(folder, "trail/events.jsonl", lambda text: "\n".join(text.splitlines()[:-1]) + "\n")
    assert "the trail does not hold" in checked(folder).stderr


def test_another_seed_with_a_new_manifest_is_noticed(folder):
    rewrite(folder, "data/sample.json", lambda text: text.replace('"2026-11"', '"2026-12"'))
    done = checked(folder)
    assert done.returncode == 1
    assert "not what its seed draws" in done.stderr


def rewrite(folder, name, change):
    """Change a file and the manifest with it, as somebody would who wants to hide it."""
    import hashlib

    path = folder / name
    path.write_text(change(path.read_text()))
    manifest = json.loads((folder / "manifest.json").read_text())
    content = path.read_bytes()
    manifest["files"][name] = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    (folder / "manifest.json").write_text(json.dumps(manifest))


def test_no_cell_of_a_table_is_a_formula(folder):
    cells = [
        cell
        for path in folder.glob("data/*.csv")
        for row in csv.reader(io.StringIO(path.read_text(), newline=""))
        for cell in row
    ]
    assert len(cells) > 100
    assert [cell for cell in cells if cell[:1] in set("=+-@\t\r")] == []
    notes = (folder / "data/notes.csv").read_text()
    assert "'=HYPERLINK" in notes
    assert all(
        line.endswith(b"\r\n")
        for line in (folder / "data/items.csv").read_bytes().splitlines(keepends=True)
    )


def test_its_pages_name_nothing_outside_and_run_nothing(folder):
    for path in folder.rglob("*.html"):
        text = path.read_text()
        assert not re.search(r"<script|<link|<img|<iframe|url\(|@import|\son\w+=", text), path
        assert not re.search(r"""(?:href|src)\s*=\s*["'](?:https?:)?//""", text)
        for link in re.findall(r'href="([^"]+)"', text):
            assert (path.parent / link).resolve().is_file(), (path, link)
    assert "&lt;script&gt;" in "".join(path.read_text() for path in folder.glob("items/*.html"))


def test_it_opens_offline_in_a_browser(folder):
    asked, complaints = [], []
    with browsers.started() as browser:
        context = browser.new_context(offline=True, java_script_enabled=False)
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: complaints.append(message.text))
        page.goto(f"file://{folder}/index.html")
        page.get_by_role("link", name="promote Flight delay").first.click()
        assert "Signatures" in page.inner_text("body")
        assert "Vera" in page.inner_text("body")
        page.get_by_role("link", name="proof").first.click()
        assert "ombud-audit-proof/1" in page.inner_text("body")
    assert {address.partition("//")[0] for address in asked} == {"file:"}
    assert complaints == []


def test_a_bundle_of_a_model_and_a_period_tells_both_its_ends(
    sample, one, adam, checkpoint, tmp_path
):
    critical_incident(one)
    checkpoint()
    today = timezone.now().date()
    row = made(ask_model_bundle(actor=adam, model_id=one.model_id, since=today, until=today))
    with zipfile.ZipFile(io.BytesIO(store.read(row.path))) as archive:
        archive.extractall(tmp_path / "model")
    told = json.loads((tmp_path / "model/data/bundle.json").read_text())
    assert [item["kind"] for item in told["items"]] == [
        "change_request",
        "change_request",
        "incident",
    ]
    assert [moment["registered"] for moment in told["moments"]] == [False, True]
    assert checked(tmp_path / "model").returncode == 0


def test_without_a_checkpoint_nothing_is_proved_and_it_says_so(
    one, olga, vera, rita, adam, tmp_path
):
    promoted(one, olga, vera, rita)
    row = made(ask_sample_bundle(actor=adam, sample_id=draw_sample(actor=adam, draw=plan()).pk))
    with zipfile.ZipFile(io.BytesIO(store.read(row.path))) as archive:
        archive.extractall(tmp_path / "bare")
    assert "No checkpoint had been signed" in (tmp_path / "bare/index.html").read_text()
    done = checked(tmp_path / "bare")
    assert done.returncode == 1
    assert "nothing that a signature covers" in done.stderr


@pytest.mark.parametrize("name", ["olga", "rita", "rosa", "anna", "sam", "robot"])
def test_only_auditors_have_bundles(bundle, name, request, signed_in):
    person = request.getfixturevalue(name)
    asked = Bundle.objects.count()
    with pytest.raises(Refused):
        ask_sample_bundle(actor=person, sample_id=bundle.sample_id)
    with pytest.raises(Refused):
        take_bundle(actor=person, bundle_id=bundle.pk)
    client = signed_in(person)
    assert client.get(f"/bundles/{bundle.pk}").status_code == 404
    assert client.post(f"/bundles/{bundle.pk}/file").status_code == 404
    assert client.post(f"/api/v1/bundles/{bundle.pk}/file").status_code == 404
    assert Bundle.objects.count() == asked
    assert not Event.objects.filter(event="governance.bundle.taken").exists()


def test_that_it_was_taken_is_an_event(bundle, adam, signed_in):
    answer = signed_in(adam).post(f"/bundles/{bundle.pk}/file")
    assert answer.streaming
    assert b"".join(answer.streaming_content) == store.read(bundle.path)
    event = Event.objects.get(event="governance.bundle.taken")
    assert (event.actor_name, event.data["sha256"]) == ("Adam", bundle.sha256)


def test_a_token_that_only_reads_takes_a_bundle_and_draws_no_sample(bundle, adam, client):
    token = create_token(actor=adam, owner=adam, name="desk", scopes=["read"], days=1).text
    headers = {"Authorization": f"Bearer {token}"}
    assert client.post(f"/api/v1/bundles/{bundle.pk}/file", headers=headers).status_code == 200
    assert client.post("/api/v1/samples", {}, headers=headers).status_code == 403
    assert client.post("/api/v1/bundles", {}, headers=headers).status_code == 403


def test_a_bundle_that_is_not_made_cannot_be_taken(sample, adam, signed_in):
    row = ask_sample_bundle(actor=adam, sample_id=sample.pk)
    with pytest.raises(NoSuchStep):
        take_bundle(actor=adam, bundle_id=row.pk)
    client = signed_in(adam)
    assert client.post(f"/api/v1/bundles/{row.pk}/file").status_code == 409
    assert "It is being made" in client.get(f"/bundles/{row.pk}").content.decode()


def test_a_period_that_ends_before_it_begins_is_refused(one, adam):
    today = timezone.now().date()
    with pytest.raises(Incomplete):
        ask_model_bundle(actor=adam, model_id=one.model_id, since=today, until=today - timedelta(1))
    assert not Bundle.objects.exists()


def test_a_bundle_that_cannot_be_made_says_why_after_the_last_attempt(sample, adam, monkeypatch):
    row = ask_sample_bundle(actor=adam, sample_id=sample.pk)
    monkeypatch.setattr("governance.jobs.bundles.contents_of", broken)
    job = Job.objects.get(kind="governance.bundle")
    runner.run(job_id=job.pk)
    row.refresh_from_db()
    assert row.state == "requested"
    Job.objects.filter(pk=job.pk).update(attempts=2, due_at=timezone.now() - timedelta(hours=1))
    runner.run(job_id=job.pk)
    row.refresh_from_db()
    assert (row.state, row.error) == ("failed", "RuntimeError: the disk is full")
    assert Event.objects.filter(event="governance.bundle.failed").count() == 1
    with pytest.raises(NoSuchStep, match="the disk is full"):
        take_bundle(actor=adam, bundle_id=row.pk)


def broken(_bundle):
    raise RuntimeError("the disk is full")


def test_a_trail_that_is_too_long_stays_outside_and_the_proofs_hold(
    sample, adam, monkeypatch, tmp_path
):
    monkeypatch.setattr("governance.jobs.bundles.LONGEST_TRAIL", 1)
    row = made(ask_sample_bundle(actor=adam, sample_id=sample.pk))
    with zipfile.ZipFile(io.BytesIO(store.read(row.path))) as archive:
        archive.extractall(tmp_path / "short")
    assert not (tmp_path / "short/trail").exists()
    assert "it is not in the bundle" in (tmp_path / "short/verify/README.txt").read_text()
    done = checked(tmp_path / "short")
    assert done.returncode == 0, done.stderr
    assert " 0 events of the trail" in done.stdout


def test_two_workers_make_one_bundle(sample, adam):
    row = ask_sample_bundle(actor=adam, sample_id=sample.pk)
    job = Job.objects.get(kind="governance.bundle")
    first = claims.claim(job_id=job.pk)
    assert claims.claim(job_id=job.pk) is None
    from governance.jobs.bundles import build_bundle

    build_bundle(first)
    row.refresh_from_db()
    assert row.state == "built"
    assert Event.objects.filter(event="governance.bundle.built").count() == 1


def test_the_api_asks_and_takes(sample, adam, signed_in):
    client = signed_in(adam)
    asked = client.post("/api/v1/bundles", {"sample": sample.pk}, content_type="application/json")
    assert asked.status_code == 202
    made(Bundle.objects.get())
    assert client.get(asked["Location"]).json()["state"] == "built"
    taken = client.post(f"{asked['Location']}/file")
    assert zipfile.is_zipfile(io.BytesIO(b"".join(taken.streaming_content)))
    wrong = client.post(
        "/api/v1/bundles", {"model": "flight-delay"}, content_type="application/json"
    )
    assert wrong.status_code == 422

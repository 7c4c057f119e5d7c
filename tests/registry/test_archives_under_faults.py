"""Archives when workers are killed mid-way, and in an S3 store instead of a folder."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.db import connection

from ledger.models import Job
from registry.gateways import store
from registry.jobs.verification import ArchiveBroken, verify
from registry.models import ArtifactFile
from tests.registry.conftest import work
from tests.registry.test_archives import FILES, ask, ask_back, files_in_store, old, retired

__all__ = ["old"]


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_while_it_writes_leaves_nothing_half(
    olga, flights, in_mlflow, tmp_path, settings
):
    version = retired(
        olga, flights, in_mlflow(FILES | {"large.bin": os.urandom(48 * 2**20)}), tmp_path
    )
    archive = ask(version)
    job = Job.objects.get(kind="registry.archive")
    folder = Path(settings.STORE_URL.removeprefix("file://")) / "archives"
    for wait in (0.0, 0.05):
        worker = _worker(job.pk, settings)
        _until(lambda: any(folder.rglob("large.bin")), worker)
        time.sleep(wait)
        worker.kill()
        worker.wait(10)
        archive.refresh_from_db()
        assert (archive.state, archive.digest, archive.sealed_at) == ("requested", "", None)
        assert store.listed("archives") == []
        Job.objects.filter(pk=job.pk).update(lease_until="2000-01-01T00:00Z")
    worker = _worker(job.pk, settings)
    assert worker.wait(60) == 0
    archive.refresh_from_db()
    assert archive.state == "sealed"
    assert verify(archive).files == len(archive.manifest["files"]) > 14
    assert {name.split("/")[2] for name in files_in_store()} == {archive.path.rpartition("/")[2]}
    large = ArtifactFile.objects.get(path="large.bin")
    assert store.digest(f"{archive.path}/artifacts/large.bin") == large.sha256


def _worker(job_id, settings):
    """A real process that does the job on this test's database."""
    code = (
        "import django; django.setup()\n"
        "from django.conf import settings\n"
        f"settings.STORE_URL = {settings.STORE_URL!r}\n"
        f"settings.MLFLOW_TRACKING_URI = {settings.MLFLOW_TRACKING_URI!r}\n"
        f"settings.DATABASES['default']['NAME'] = {connection.settings_dict['NAME']!r}\n"
        f"from ledger.runner import run; run(job_id={job_id})"
    )
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings"}
    return subprocess.Popen([sys.executable, "-c", code], env=environment)


def _until(happened, worker):
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if happened():
            return
        assert worker.poll() is None, "the worker ended before it could be killed"
        time.sleep(0.002)
    raise AssertionError("nothing was written in 30 s")


@pytest.fixture
def bucket(settings, monkeypatch):
    """An S3-compatible store of its own (moto, on a real port)."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    import s3fs

    s3fs.S3FileSystem.clear_instance_cache()
    name = f"ombud-{random.getrandbits(32):x}"
    s3fs.S3FileSystem().mkdir(name)
    settings.STORE_URL = f"s3://{name}/prefix"
    yield name
    s3fs.S3FileSystem.clear_instance_cache()
    server.stop()


def test_the_same_holds_in_an_s3_store(bucket, old):
    archive = ask(old)
    leftover = f"archives/flight-delay/1/{archive.pk}-0/artifacts/half"
    store.put_bytes(leftover, b"left by an attempt that died")
    assert work("registry.archive").state == "done"
    archive.refresh_from_db()
    assert (archive.error, archive.state) == ("", "sealed")
    assert verify(archive).files == len(archive.manifest["files"]) > 13
    assert not store.exists(leftover)
    restore = ask_back(archive)
    work("registry.restore")
    restore.refresh_from_db()
    assert (restore.error, restore.state) == ("", "restored")
    name = f"{archive.path}/artifacts/data/weights.bin"
    store.put_bytes(name, store.read(name)[:-1] + b"!")
    with pytest.raises(ArchiveBroken, match=r"weights\.bin"):
        verify(archive)

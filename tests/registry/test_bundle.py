"""An archive explains itself, and a script of Python alone names the file that is not right."""

import hashlib
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from audit.chain import canonical
from registry.jobs.bundle import lock_of

SCRIPT = Path(__file__).parents[2] / "clients" / "ombud_archive.py"
FILES = {"artifacts/model.skops": bytes(range(256)) * 8, "README.txt": b"Read me\n"}


@pytest.fixture
def bundle(tmp_path):
    """A folder as the job leaves it, and the digest of its manifest."""
    listed = []
    for path, content in FILES.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        listed.append({"path": path, "size": len(content), "sha256": digest})
    raw = canonical({"format": "ombud-archive/1", "files": listed})
    (tmp_path / "manifest.json").write_bytes(raw)
    return tmp_path, hashlib.sha256(raw).hexdigest()


def check(folder, *more):
    command = [sys.executable, "-I", "-S", str(SCRIPT), str(folder), *more]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def test_a_good_bundle_is_accepted_by_python_alone(bundle):
    folder, digest = bundle
    done = check(folder, "--manifest", digest)
    assert (done.returncode, done.stderr) == (0, "")
    assert "was not checked" not in done.stdout
    assert "was not checked" in check(folder).stdout


@pytest.mark.parametrize("harm", ["change", "remove", "add", "manifest", "link"])
def test_the_bad_file_is_named(bundle, harm):
    folder, digest = bundle
    name = "artifacts/model.skops"
    if harm == "change":
        (folder / name).write_bytes(b"other")
    elif harm == "remove":
        (folder / name).unlink()
    elif harm == "add":
        name = "more.txt"
        (folder / name).write_bytes(b"")
    elif harm == "manifest":
        name = "manifest.json"
        (folder / name).write_bytes(canonical({"format": "ombud-archive/1", "files": []}))
    else:
        (folder / name).rename(folder.parent / "elsewhere")
        (folder / name).symlink_to(folder.parent / "elsewhere")
    done = check(folder, "--manifest", digest)
    assert done.returncode == 1
    assert [line.split(" ")[0] for line in done.stdout.splitlines()] == [name]


def test_the_lock_says_what_is_declared_and_what_is_not():
    digest = "a" * 64
    lock = lock_of(
        {
            "conda.yaml": b"dependencies: [python=3.11.9, {pip: [mlflow>=3, NumPy==0.0.7]}]\n",
            "requirements.txt": f"scikit-learn==1.9.1 \\\n  --hash=sha256:{digest}\n".encode(),
        }
    )
    assert lock["python"] == "3.11.9"
    assert [(p["name"], p["version"], p["hashes"]) for p in lock["packages"]] == [
        ("mlflow", "", []),
        ("numpy", "0.0.7", []),
        ("scikit-learn", "1.9.1", [digest]),
    ]
    assert lock["missing"] == [
        "mlflow: no exact version.",
        "mlflow: no hash of a wheel is known.",
        "numpy: no hash of a wheel is known.",
    ]


def test_hashes_that_the_files_do_not_give_come_from_the_wheels_at_hand(tmp_path, settings):
    settings.WHEELS = str(tmp_path)
    wheel = tmp_path / "odd_thing-1.0-py3-none-any.whl"
    wheel.write_bytes(b"a wheel")
    (tmp_path / "odd_thing-1.1-py3-none-any.whl").write_bytes(b"another version")
    here = version("numpy")
    lock = lock_of({"requirements.txt": f"odd-thing==1.0\nnumpy=={here}\n".encode()})
    numpy, odd = lock["packages"]
    assert odd["hashes"] == [hashlib.sha256(b"a wheel").hexdigest()]
    assert (odd["hashes_from"], numpy["hashes_from"]) == ("folder of wheels", "uv.lock")
    assert all(len(one) == 64 for one in numpy["hashes"])


def test_the_lock_tells_what_was_installed_where_the_archive_was_written():
    lock = lock_of({"requirements.txt": b"pandas==0.1\n"})
    names = [one["name"] for one in lock["installed"]["packages"]]
    assert {"pandas", "numpy", "python-dateutil"} <= set(names)
    assert lock["installed"]["python"] == platform.python_version()
    assert lock["installed"]["no_hash_known"] == []

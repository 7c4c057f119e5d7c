"""The front-end packages in static/vendor are those of the lock, untouched."""

import base64
import hashlib
import json
import shutil
import tarfile
from pathlib import Path

import pytest

from frontend import vendor


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of static/vendor that a test may harm."""
    folder = tmp_path / "vendor"
    shutil.copytree(vendor.VENDOR, folder)
    monkeypatch.setattr(vendor, "VENDOR", folder)
    monkeypatch.setattr(vendor, "SUMS", folder / "SHA512SUMS")
    return folder


def test_every_vendored_file_has_its_recorded_checksum():
    assert len(vendor.recorded()) >= len(vendor.packages())
    assert vendor.check() == []


def test_every_package_has_version_licence_and_integrity():
    for package in vendor.packages():
        assert package["version"]
        assert package["license"]
        assert package["why"]
        assert package["integrity"].startswith("sha512-")
        assert (vendor.VENDOR / package["folder"] / "LICENSE").stat().st_size > 300


def test_a_changed_file_is_named(copy: Path):
    with (copy / "htmx" / "htmx.min.js").open("a") as script:
        script.write("alert(1)")
    assert vendor.check() == ["htmx/htmx.min.js: changed or not recorded"]


def test_a_missing_and_an_unknown_file_are_named(copy: Path):
    (copy / "htmx" / "htmx.min.js").rename(copy / "htmx" / "other.js")
    assert vendor.check() == [
        "htmx/htmx.min.js: missing",
        "htmx/other.js: changed or not recorded",
    ]


def test_a_tarball_that_differs_from_the_lock_is_refused_and_nothing_is_written(
    copy: Path, tmp_path: Path
):
    before = vendor.checksums()
    for package in vendor.packages():
        (tmp_path / vendor.tarball_name(package)).write_bytes(b"not the package")
    with pytest.raises(vendor.VendorError, match="nothing was written"):
        vendor.write(tmp_path)
    assert vendor.checksums() == before


def test_a_tarball_of_the_lock_is_unpacked_without_its_source_map(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    script = tmp_path / "package" / "it.js"
    script.parent.mkdir()
    script.write_text("let it = 1;\n//# sourceMappingURL=it.js.map\n")
    with tarfile.open(tmp_path / "it-1.0.0.tgz", "w:gz") as tarball:
        tarball.add(script, "package/it.js")
    digest = hashlib.sha512((tmp_path / "it-1.0.0.tgz").read_bytes()).digest()
    package = {
        "name": "it",
        "version": "1.0.0",
        "folder": "it",
        "integrity": f"sha512-{base64.b64encode(digest).decode()}",
        "files": {"it.js": "it.js"},
    }
    lock = tmp_path / "lock.json"
    lock.write_text(json.dumps({"packages": [package]}))
    monkeypatch.setattr(vendor, "LOCK", lock)

    vendor.write(tmp_path)

    assert (copy / "it" / "it.js").read_text() == "let it = 1;\n"
    assert "it/it.js" in vendor.recorded()
    assert vendor.check() == []


def test_the_styles_fetch_nothing_from_other_hosts():
    sheets = sorted(vendor.VENDOR.parent.rglob("*.css"))
    assert len(sheets) >= 6
    for sheet in sheets:
        text = sheet.read_text()
        assert "@import" not in text, sheet
        assert "url(http" not in text.replace('"', ""), sheet
        assert "url(//" not in text.replace('"', ""), sheet

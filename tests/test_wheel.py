"""An installed wheel has all that a checkout has."""

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PARTS = ("pyproject.toml", "README.md", "LICENSE", "unveilify", "pipelines")


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Python of a place where the wheel is installed; what it needs is borrowed from here."""
    setuptools = pytest.importorskip("setuptools", reason="builds the wheel")
    if int(setuptools.__version__.partition(".")[0]) < 77:
        pytest.skip("needs setuptools 77 or newer")
    root = tmp_path_factory.mktemp("wheel")
    (root / "source").mkdir()
    for part in PARTS:  # a copy: a build leaves things behind
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copy(ROOT / part, root / "source" / part)
    _pip("wheel", "--no-deps", "--no-build-isolation", "-w", str(root), str(root / "source"))
    venv.create(root / "venv", with_pip=False)
    python = root / "venv/bin/python"
    _pip("--python", str(python), "install", "--no-deps", *map(str, root.glob("*.whl")))
    site = next((root / "venv/lib").glob("python*/site-packages"))
    borrowed = [path for path in sys.path if path.endswith("site-packages")]
    (site / "borrowed.pth").write_text("\n".join(borrowed))
    return python


def _pip(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "pip", "-q", *words], check=True, capture_output=True)


def _run(python: Path, *words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    surroundings = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [python, *words], capture_output=True, text=True, check=False, cwd=cwd, env=surroundings, timeout=120
    )


def test_a_pipeline_goes_by_its_name_where_no_checkout_is(python: Path, tmp_path: Path) -> None:
    where = _run(python, "-c", "import unveilify; print(unveilify.__file__)", cwd=tmp_path).stdout
    assert Path(where).is_relative_to(python.parents[1])
    for name in ("demo", "demo.yaml", "pipelines/demo.yaml"):
        done = _run(python, "-m", "unveilify", "run", name, "--dry-run", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert "sample: would write 60 invented people" in done.stdout
    done = _run(python, "-m", "unveilify", "run", "demmo", cwd=tmp_path)
    assert done.returncode == 2
    assert "lfw_table" in done.stderr


def test_the_templates_and_the_page_are_in_it(python: Path, tmp_path: Path) -> None:
    inside = ("report/templates/page.js", "serve/page.css", "serve/page.js", "py.typed")
    code = (
        f"from importlib.resources import files; print(all(files('unveilify').joinpath(p).is_file() for p in {inside}))"
    )
    assert _run(python, "-c", code, cwd=tmp_path).stdout.strip() == "True"

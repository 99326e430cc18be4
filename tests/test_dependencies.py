"""What is declared is what is used."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parent.parent
NOT_IMPORTED = {
    "pip": "`pip download` is run",
    "pyarrow": "pandas reads and writes parquet with it",
    "webdataset": "foreign shards, to come; tests read ours with it",
    "fsspec": "remote shards, to come",
    "onnxscript": "torch.onnx translates with it",
    "tensorboard": "torch.utils.tensorboard writes with it",
}


def test_declared_is_used() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [line for name, lines in project["optional-dependencies"].items() if name != "dev" for line in lines]
    declared = {re.split(r"[<>=]", line)[0].strip().lower() for line in (*project["dependencies"], *extras)}
    imported = set()
    for path in (ROOT / "unveilify").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            imported |= {name.partition(".")[0] for name in names}
    theirs = imported - set(sys.stdlib_module_names) - {"unveilify"}
    packages = {name.lower().replace("_", "-") for module in theirs for name in packages_distributions()[module][:1]}
    assert packages == declared - set(NOT_IMPORTED)

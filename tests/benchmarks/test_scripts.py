"""The scripts beside the package: each starts and explains itself, and what the README quotes is what they print."""

import json
import runpy
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"
HELPERS = ("tables", "rival_masktheface")


def call(name: str, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.setattr(sys, "argv", [name, *arguments])
    runpy.run_path(str(FOLDER / f"{name}.py"), run_name="__main__")


@pytest.mark.parametrize("name", sorted(p.stem for p in FOLDER.glob("*.py") if p.stem not in HELPERS))
def test_every_script_explains_itself(name, monkeypatch, capsys):
    with pytest.raises(SystemExit) as left:
        call(name, monkeypatch, "--help")
    assert left.value.code == 0
    assert f"python benchmarks/{name}.py" in capsys.readouterr().out


def test_the_readme_has_the_costs_of_every_network(monkeypatch, capsys):
    call("costs", monkeypatch, "--markdown")
    readme = (FOLDER.parent / "README.md").read_text(encoding="utf-8")
    for line in capsys.readouterr().out.splitlines()[2:]:
        label, parameters, _, macs = [cell.strip() for cell in line.split("|")[1:5]]
        if "," not in label:
            row = next(row for row in readme.splitlines() if row.startswith(f"| `{label}`"))
            assert f"| {parameters} M | {macs} G |" in row


@pytest.mark.long
def test_the_gpu_benchmark_runs_on_a_cpu_at_a_tiny_size(tmp_path, monkeypatch, capsys, small_shards):
    """What it prints on the day that a GPU is at hand, tried before: each network's row, and a training."""
    out = tmp_path / "gpu.json"
    call("gpu", monkeypatch, str(out), "--device", "cpu", "--quick", "--shards", str(small_shards))
    found = json.loads(out.read_text(encoding="utf-8"))
    assert [one["network"] for one in found["networks"]] == ["unveilify", "plus"]
    for one in found["networks"]:
        assert "failed" not in one
        assert one["losses_apart"] == 0, "the CPU agrees with itself"
        assert one["triplets_per_s"] > 0
        assert one["latency_ms"] > 0
    assert found["short_training"]["last"].keys() >= {"lpips"} & found["short_training"]["first"].keys()
    assert str(out) in capsys.readouterr().out

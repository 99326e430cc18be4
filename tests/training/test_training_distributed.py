"""Two processes are one: the same losses and weights as a single one with the same global batch."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from unveilify.models import together

SETTINGS = (
    "train.size_px=32", "train.network.width=0.1", "train.batch=4", "train.samples=32", "train.validate_every=32",
    "train.bf16=false",
)  # fmt: skip


def train(shards: Path, out: Path, processes: int) -> list[dict[str, float]]:
    start = [sys.executable, "-m"]
    if processes > 1:
        start += ["torch.distributed.run", "--standalone", f"--nproc-per-node={processes}", "-m"]
    words = ["unveilify", "train", "--shards", str(shards), "--out", str(out), "--threads", "1", "--device", "cpu"]
    sets = [word for item in SETTINGS for word in ("--set", item)]
    done = subprocess.run([*start, *words, *sets], capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]


def test_two_processes_compute_what_one_does(small_shards: Path, tmp_path: Path) -> None:
    one = train(small_shards, tmp_path / "one", 1)
    two = train(small_shards, tmp_path / "two", 2)
    assert [row["seen"] for row in one] == [row["seen"] for row in two]
    for name in ("l1", "adversarial", "discriminator"):
        assert one[0][name] == pytest.approx(two[0][name], rel=1e-5)
    # Sums are taken in another order, so the two drift apart by rounding: by 1e-4 after these eight steps.
    assert one[-1]["val_l1"] == pytest.approx(two[-1]["val_l1"], rel=5e-3)
    first, second = (load_file(tmp_path / name / "best.safetensors") for name in ("one", "two"))
    assert max(float((first[k] - second[k]).abs().max()) for k in first if first[k].is_floating_point()) < 5e-4


SCRIPT = Path(__file__).parent / "shared_step.py"


def test_two_processes_have_the_gradients_of_one(tmp_path: Path) -> None:
    """Of nearly every network, with every loss, uneven holes, noise, dropped references and norms over the batch."""
    one = [sys.executable, str(SCRIPT), str(tmp_path / "one")]
    start = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    for words in (one, [*start, str(SCRIPT), str(tmp_path / "two")]):
        done = subprocess.run(words, capture_output=True, text=True, timeout=280)
        assert done.returncode == 0, done.stderr
    first, second = (load_file(tmp_path / name) for name in ("one", "two"))
    assert first.keys() == second.keys()
    apart = {name: float((first[name] - second[name]).norm() / first[name].norm().clamp(min=1e-8)) for name in first}
    assert {name: value for name, value in apart.items() if value > 1e-4} == {}
    assert sum("/gradient/" in name for name in first) >= 15


def test_a_batch_norm_alone_is_the_plain_one() -> None:
    torch.manual_seed(0)
    x, plain, ours = torch.rand(4, 3, 5, 5), torch.nn.BatchNorm2d(3), together.BatchNorm(3)
    assert torch.equal(plain(x), ours(x))
    assert torch.equal(plain.running_var, ours.running_var)

"""All that is to be known of a GPU, in one command: one JSON file and one table.

    python benchmarks/gpu.py gpu.json                                # triplets made from the embedded sample
    python benchmarks/gpu.py gpu.json --shards data/shards
    python benchmarks/gpu.py tiny.json --device cpu --quick          # a try without a GPU: 32 px, two steps

For `unveilify` and `plus`, at 128 and 256 px: whether the first losses are those of the CPU (same weights, same batch, float32;
`losses apart` is the largest relative difference), triplets a second in training, the share of what a matrix product
reaches (in bfloat16 on a GPU), the share of the time spent waiting for data, memory, and the median latency of one picture.
Last, one short training: whether its losses fall. A network that does not fit says so in its row, and the rest goes on.
"""

import argparse
import json
import platform
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from tables import show
from train_step import Runner, make_shards, matmul_flops, run_round, start

from unveilify.core.batch import Batch
from unveilify.evaluation.timing import device_name, measure
from unveilify.models.system import NetworkSystem
from unveilify.shards.reader import ShardSet
from unveilify.training.distributed import World
from unveilify.training.step import settle, train_step

MODELS = ("unveilify", "plus")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="JSON file to write")
    parser.add_argument("--shards", type=Path, help="output of `unveilify shard`; made from the sample if not given")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--workers", type=int)
    parser.add_argument("--quick", action="store_true", help="32 px, two steps")
    given = parser.parse_args()
    device = torch.device(given.device)
    sizes = (32,) if given.quick else (128, 256)
    with tempfile.TemporaryDirectory() as scratch:
        shards = ShardSet.open(given.shards or make_shards(Path(scratch), max(64, *sizes)))
        peak = matmul_flops(device, bf16=device.type == "cuda")
        networks = [
            row(name, size, shards, device, given.workers, peak, quick=given.quick) for name in MODELS for size in sizes
        ]
        training = short_training(shards, device, sizes[0], steps=4 if given.quick else 300)
    found = {
        "device": device_name(device),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "peak_tflops": peak / 1e12,
        "networks": networks,
        "short_training": training,
    }
    given.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(f"{found['device']}, torch {found['torch']}; a matrix product reaches {peak / 1e12:.3g} TFLOP/s")
    head = ["network", "px", "batch", "losses apart", "triplets/s", "of the peak", "data-wait", "GB", "ms at batch 1"]
    print(show(head, [cells(one) for one in networks], markdown=False))
    print(f"{training['model']} after {training['steps']} steps: " + ", ".join(training["said"]))
    print(f"-> {given.out}")


def row(
    name: str, size_px: int, shards: ShardSet, device: torch.device, workers: int | None, peak: float, *, quick: bool
) -> dict[str, Any]:
    """What one network does at one size, or why it does not."""
    found: dict[str, Any] = {"network": name, "size_px": size_px}
    asked: dict[str, object] = {"size_px": size_px, **({"batch": 2} if quick else {})}
    try:
        found["losses_apart"] = apart(name, asked, shards, device)
        runner = start(name, asked, shards, device, workers)
        for _ in range(1 if quick else 5):
            run_round(runner, 2 if quick else 20, device)
        batch = runner.trainer.config.batch or 1
        found |= {
            "batch": batch,
            "bf16": bool(runner.trainer.config.bf16),
            "triplets_per_s": max(runner.rates),
            "of_the_peak": max(runner.rates) / batch * runner.flops / peak,
            "data_wait": statistics.median(runner.waits),
            "gigabytes": runner.bytes / 1e9,
            "latency_ms": latency(runner, device, runs=3 if quick else 50),
        }
    except (torch.cuda.OutOfMemoryError, RuntimeError) as error:
        found["failed"] = str(error).splitlines()[0][:200]
    return found


def apart(name: str, asked: dict[str, object], shards: ShardSet, device: torch.device) -> float:
    """The largest relative difference of a loss of the first step, from the CPU's, in float32."""
    losses = []
    small = {**asked, "batch": 2, "bf16": False}
    for where in (torch.device("cpu"), device):
        runner = start(name, small, shards, where, 0, warm=False)
        train_step(runner.trainer, next(runner.batches))
        settle(runner.trainer)
        losses.append(runner.trainer.state.running.close(World()))
    return max(abs(losses[0][key] - losses[1][key]) / max(abs(losses[0][key]), 1e-3) for key in losses[0])


def latency(runner: Runner, device: torch.device, *, runs: int) -> float:
    """Median milliseconds for one picture, the network alone."""
    batch: Batch = next(runner.batches)
    system = NetworkSystem(runner.trainer.network, batch.size_px)
    return measure(system, batch.to(device), runs=runs).milliseconds


def short_training(shards: ShardSet, device: torch.device, size_px: int, steps: int) -> dict[str, Any]:
    """The losses of the first and the last tenth of a training of `plus`."""
    runner = start("plus", {"size_px": size_px, "batch": 4, "samples": 4 * steps}, shards, device, None)
    means, begun = [], time.perf_counter()
    for _ in range(10 if steps >= 10 else 2):
        for _ in range(steps // (10 if steps >= 10 else 2)):
            train_step(runner.trainer, next(runner.batches))
        settle(runner.trainer)
        means.append(runner.trainer.state.running.close(World()))
    first, last = means[0], means[-1]
    return {
        "model": "plus",
        "steps": steps,
        "seconds": time.perf_counter() - begun,
        "first": first,
        "last": last,
        "said": [f"{key} {first[key]:.4g} -> {last[key]:.4g}" for key in sorted(first.keys() & last.keys())],
    }


def cells(one: dict[str, Any]) -> list[str]:
    """A line of the table."""
    head = [one["network"], str(one["size_px"])]
    if "failed" in one:
        return [*head, "-", "failed: " + one["failed"][:40], "-", "-", "-", "-", "-"]
    return [
        *head,
        str(one["batch"]),
        f"{one['losses_apart']:.1e}",
        f"{one['triplets_per_s']:.1f}",
        f"{one['of_the_peak']:.0%}",
        f"{one['data_wait']:.0%}",
        f"{one['gigabytes']:.2f}",
        f"{one['latency_ms']:.1f}",
    ]


if __name__ == "__main__":
    main()

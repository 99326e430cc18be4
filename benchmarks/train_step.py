"""How fast does a training go, and what holds it up? Our networks beside DMFN, in one run on one device.

    python benchmarks/train_step.py                          # triplets made from the embedded sample
    python benchmarks/train_step.py --shards data/shards --device cuda --size-px 256
    python benchmarks/train_step.py --quick --markdown

Whole steps as `unveilify train` takes them (losses and judges that are at hand, discriminator, optimiser, average),
fed by the stream; on a CPU each network in its own small preset. The rounds take turns between the networks.
`samples/s` is the best round's; `x dmfn` the median over the rounds of this network's rate divided by DMFN's in the
same round. `used` is the arithmetic of one step (convolutions and matrix products, forward and backward) per second,
over what one large matrix product reaches here in the same precision. `data-wait` is the share of the time in which
the step waited for its batch.
Memory is the peak on a GPU, per network; on a CPU that of the whole process, printed once.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import torch
from tables import show
from torch.utils.flop_counter import FlopCounterMode

from unveilify.evaluation.timing import device_name
from unveilify.models.contract import Batch, plugin
from unveilify.shards.config import ShardConfig
from unveilify.shards.stream import ShardSet
from unveilify.shards.write import run as shard
from unveilify.sources.layouts.sample import make_sample
from unveilify.synth.config import SynthConfig
from unveilify.synth.run import run as synth
from unveilify.training.config import TrainConfig, resolve
from unveilify.training.data import Feed
from unveilify.training.distributed import World
from unveilify.training.loop import hardware, peak_bytes
from unveilify.training.step import settle, train_step
from unveilify.training.trainer import Trainer, build_trainer

RIVAL = "dmfn"


@dataclass
class Runner:
    """A training and what was measured of it; ``flops`` of a step, ``rates`` in samples per second."""

    trainer: Trainer
    batches: Iterator[Batch]
    flops: float = 0.0
    bytes: int = 0
    rates: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shards", type=Path, help="output of `unveilify shard`; made from the sample if not given")
    parser.add_argument("--models", nargs="+", default=["unveilify", "plus", RIVAL])
    parser.add_argument("--size-px", type=int, help="64 on a CPU, the shards' own on a GPU if not given")
    parser.add_argument("--batch", type=int)
    parser.add_argument("--workers", type=int)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="more settings of `train`")
    parser.add_argument("--quick", action="store_true", help="3 rounds of 4 steps instead of 8 of 12")
    parser.add_argument("--markdown", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(1)
    device = torch.device(given.device)
    with tempfile.TemporaryDirectory() as scratch:
        shards = ShardSet.open(given.shards or make_shards(Path(scratch), 256 if device.type == "cuda" else 64))
        asked = {"size_px": given.size_px, "batch": given.batch, **dict(word.split("=", 1) for word in given.set)}
        runners = {name: start(name, asked, shards, device, given.workers) for name in {*given.models, RIVAL}}
        for _ in range(3 if given.quick else 8):
            for runner in runners.values():
                run_round(runner, 4 if given.quick else 12, device)
    config = runners[RIVAL].trainer.config
    peak = matmul_flops(device, bf16=bool(config.bf16))
    precision = "bfloat16" if config.bf16 else "float32"
    print(f"{device_name(device)}, torch {torch.__version__}, {config.size_px} px, batches of {config.batch}, 1 thread")
    print(f"one matrix product reaches {peak / 1e12:.3g} TFLOP/s in {precision}")
    if device.type != "cuda":
        print(f"all in one process: {peak_bytes(device) / 1e9:.2f} GB")
    head = ["network", "samples/s", "x dmfn", "GFLOP/sample", "used", "data-wait", "GB"]
    rows = [row(name, runners[name], runners[RIVAL], peak) for name in sorted(runners)]
    print(show(head, rows, markdown=given.markdown))


def start(
    name: str,
    asked: dict[str, object],
    shards: ShardSet,
    device: torch.device,
    workers: int | None,
    *,
    warm: bool = True,
) -> Runner:
    """Set a training up; where it is to be ``warm``, count its arithmetic and take its first steps."""
    settings = {key: value for key, value in asked.items() if value is not None}
    config = TrainConfig.model_validate({"model": name, "samples": 1_000_000, **settings})
    small = getattr(plugin(name), "SMALL", {})
    # The small preset is what a CPU trains; `resolve` takes it only where no size was asked for.
    shape = small if device.type == "cpu" and not config.network else config.network
    config, _ = resolve(config.model_copy(update={"network": shape}), shards.index.size_px, small, hardware(device))
    feed = Feed.open(shards, config, workers, device, World())
    runner = Runner(build_trainer(config, device), iter(feed.batches(0)))
    if not warm:
        return runner
    train_step(runner.trainer, next(runner.batches))
    # The recogniser judges every n-th step only, so n steps are one turn.
    turn = config.identity_every or 1
    with FlopCounterMode(display=False) as counter:
        for _ in range(turn):
            train_step(runner.trainer, next(runner.batches))
    runner.flops = counter.get_total_flops() / turn
    return runner


def run_round(runner: Runner, steps: int, device: torch.device) -> None:
    """Some steps, timed as a whole."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    waited, seen, begun = 0.0, 0, time.perf_counter()
    for _ in range(steps):
        asked = time.perf_counter()
        batch = next(runner.batches)
        waited += time.perf_counter() - asked
        train_step(runner.trainer, batch)
        seen += len(batch)
    settle(runner.trainer)  # reads the losses, so the device has finished
    seconds = time.perf_counter() - begun
    runner.rates.append(seen / seconds)
    runner.waits.append(waited / seconds)
    runner.bytes = max(runner.bytes, peak_bytes(device))


def matmul_flops(device: torch.device, *, bf16: bool) -> float:
    """FLOP/s of the best of several square matrix products."""
    side = 8192 if device.type == "cuda" else 1024
    a = torch.randn(side, side, device=device, dtype=torch.bfloat16 if bf16 else torch.float32)
    best = float("inf")
    for _ in range(12):
        begun = time.perf_counter()
        product = a @ a
        float(product[0, 0])  # waits for the device
        best = min(best, time.perf_counter() - begun)
    return 2 * side**3 / best


def make_shards(scratch: Path, size_px: int) -> Path:
    """Triplets of invented people."""
    make_sample(scratch / "aihub", people=12, seed=0)
    synth(SynthConfig(size_px=size_px), scratch / "aihub", scratch / "synth")
    shard(ShardConfig(), scratch / "synth", scratch / "shards")
    return scratch / "shards"


def row(name: str, runner: Runner, rival: Runner, peak: float) -> list[str]:
    """One line of the table."""
    ratio = statistics.median(a / b for a, b in zip(runner.rates, rival.rates, strict=True))
    batch = runner.trainer.config.batch or 1
    best = max(runner.rates)
    used = best / batch * runner.flops / peak
    memory = f"{runner.bytes / 1e9:.2f}" if runner.trainer.device.type == "cuda" else "-"
    wait = statistics.median(runner.waits)
    return [
        name,
        f"{best:.1f}",
        f"{ratio:.2f}",
        f"{runner.flops / batch / 1e9:.2f}",
        f"{used:.0%}",
        f"{wait:.0%}",
        memory,
    ]


if __name__ == "__main__":
    main()

"""How fast is a mask removed? Our networks beside DMFN, in one run on one device.

    python benchmarks/inference.py                       # the full networks at 128 and 256 px
    python benchmarks/inference.py --quick --size-px 128
    python benchmarks/inference.py --device cuda --markdown

Network only, one identity image, float32, initial weights (time does not depend on them). On a CPU it is one thread
and CPU seconds, which on an idle machine are seconds, and on a busy one are not stretched by other jobs; on a GPU
seconds. Latency is one picture at a time; throughput is a batch of 8. The rounds take turns between the networks and
their order turns too, so that what disturbs them disturbs all alike; `x dmfn` is the median over the rounds of
DMFN's time divided by this network's in the same round: above 1 is faster than DMFN.
"""

import argparse
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from tables import show
from torch import nn

from unveilify.evaluation.timing import device_name
from unveilify.models.contract import Batch, plugin
from unveilify.models.cost import Cost, cost

RIVAL = "dmfn"
BATCH = 8


@dataclass
class Times:
    """Seconds of every round; ``one`` of a single picture, ``eight`` of a batch."""

    network: nn.Module
    cost: Cost
    one: list[float] = field(default_factory=list)
    eight: list[float] = field(default_factory=list)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["unveilify", "plus", RIVAL])
    parser.add_argument("--size-px", nargs="+", type=int, default=[128, 256])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--rounds", type=int, default=30, help="of latency; every fifth also measures throughput")
    parser.add_argument("--quick", action="store_true", help="5 rounds")
    parser.add_argument("--markdown", action="store_true")
    given = parser.parse_args()
    rounds = 5 if given.quick else given.rounds
    torch.set_num_threads(1)
    device = torch.device(given.device)
    print(f"{device_name(device)}, 1 thread, torch {torch.__version__}, {rounds} rounds", flush=True)
    head = ["network", "px", "M param", "GMAC", "min ms", "median ms", "p95 ms", "x dmfn", "per s at 8", "x dmfn"]
    for size_px in given.size_px:
        found = measure(sorted({*given.models, RIVAL}), size_px, rounds, device)
        rows = [row(name, size_px, times, found[RIVAL]) for name, times in found.items()]
        print(show(head, rows, markdown=given.markdown), flush=True)


def measure(models: Sequence[str], size_px: int, rounds: int, device: torch.device) -> dict[str, Times]:
    """All networks in turns at one size."""
    torch.manual_seed(0)
    found = {}
    for name in models:
        module = plugin(name)
        config = module.Config.model_validate({"size_px": size_px})
        found[name] = Times(module.Network(config).eval().to(device), cost(name, config))
    one, eight = invented(1, size_px, device), invented(BATCH, size_px, device)
    with torch.inference_mode():
        for times in found.values():
            for _ in range(2):
                seconds(times.network, one)
        for number in range(rounds):
            turn = number % len(found)
            for times in (list(found.values()) * 2)[turn : turn + len(found)]:
                times.one.append(seconds(times.network, one))
                if number % 5 == 0:
                    times.eight.append(seconds(times.network, eight))
    return found


def seconds(network: nn.Module, batch: Batch) -> float:
    """One forward pass."""
    if not batch.masked.is_cuda:
        begun = time.process_time()
        network(batch)
        return time.process_time() - begun
    torch.cuda.synchronize()
    begun = time.perf_counter()
    network(batch)
    torch.cuda.synchronize()
    return time.perf_counter() - begun


def invented(count: int, size_px: int, device: torch.device) -> Batch:
    """Noise with a hole over its lower half."""
    hole = torch.zeros(count, 1, size_px, size_px)
    hole[:, :, size_px // 2 : -size_px // 8, size_px // 4 : -size_px // 4] = 1
    picture = torch.rand(count, 3, size_px, size_px) * 2 - 1
    identity = torch.rand(count, 1, 3, size_px, size_px) * 2 - 1
    real = torch.ones(count, dtype=torch.int64)
    return Batch(picture * (1 - hole), identity, real, hole).to(device)


def row(name: str, size_px: int, times: Times, rival: Times) -> list[str]:
    """One line of the table."""
    latency = statistics.median(b / a for a, b in zip(times.one, rival.one, strict=True))
    throughput = statistics.median(b / a for a, b in zip(times.eight, rival.eight, strict=True))
    size = [f"{times.cost.parameters / 1e6:.1f}", f"{times.cost.macs / 1e9:.1f}"]
    spread = [f"{1000 * x:.0f}" for x in (min(times.one), *np.percentile(times.one, [50, 95]))]
    return [
        name,
        str(size_px),
        *size,
        *spread,
        f"{latency:.2f}",
        f"{BATCH / min(times.eight):.2f}",
        f"{throughput:.2f}",
    ]


if __name__ == "__main__":
    main()

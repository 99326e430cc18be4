"""What a network costs: median time at batch 1, parameters, multiply-accumulates."""

import platform
import statistics
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode

from unveilify.models.parts.contract import Batch


@dataclass(frozen=True, slots=True)
class Cost:
    """``milliseconds`` is the median of ``runs`` forward passes of one picture after warm-up, network only.

    ``gmac`` counts matrix products and convolutions (10⁹ multiply-accumulates, half of PyTorch's FLOPs), for
    one picture; 0 for what is not a network. ``parameters`` in millions.
    """

    milliseconds: float
    runs: int
    gmac: float
    parameters: float
    size_px: int
    device: str
    threads: int

    def to_json(self) -> dict[str, float | int | str]:
        """For the cache and the report."""
        return asdict(self)


def measure(network: torch.nn.Module, batch: Batch, *, runs: int) -> Cost:
    """Cost of ``network`` on the first sample of ``batch``, which lies on the network's device."""
    one = Batch(batch.masked[:1], batch.identity[:1], batch.real[:1], batch.hole[:1])
    device = one.masked.device
    with torch.inference_mode():
        for _ in range(max(2, runs // 10)):
            network(one)
        times = []
        for _ in range(runs):
            _wait(device)
            begun = time.perf_counter()
            network(one)
            _wait(device)
            times.append(time.perf_counter() - begun)
        with FlopCounterMode(display=False) as counter:
            network(one)
    return Cost(
        milliseconds=1000 * statistics.median(times),
        runs=runs,
        gmac=counter.get_total_flops() / 2e9,
        parameters=sum(p.numel() for p in network.parameters()) / 1e6,
        size_px=one.masked.shape[-1],
        device=device_name(device),
        threads=torch.get_num_threads(),
    )


def device_name(device: torch.device) -> str:
    """The GPU's or the processor's own name."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)

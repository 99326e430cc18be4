"""What a network costs: median time at batch 1, parameters, multiply-accumulates."""

import platform
import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode

from unveilify.core.batch import Batch
from unveilify.core.errors import UserError
from unveilify.core.records import Image
from unveilify.faces.find import Finder
from unveilify.models.system import NetworkSystem
from unveilify.unmask.references import references
from unveilify.unmask.remove import remove
from unveilify.weights import Missing


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


def measure(system: NetworkSystem, batch: Batch, *, runs: int) -> Cost:
    """Cost of a network, which is frozen, on the first sample of ``batch``, which lies on its device at its size."""
    network, one = system.network, batch.first(1)
    device = one.masked.device
    network.requires_grad_(False)  # the counter below hangs hooks on what requires gradients, and fails here
    with torch.no_grad():
        for _ in range(max(2, runs // 10)):
            system.predict(one)
        times = []
        for _ in range(runs):
            _wait(device)
            begun = time.perf_counter()
            system.predict(one)
            _wait(device)
            times.append(time.perf_counter() - begun)
        with FlopCounterMode(display=False) as counter:
            system.predict(one)
    return Cost(
        milliseconds=1000 * statistics.median(times),
        runs=runs,
        gmac=counter.get_total_flops() / 2e9,
        parameters=sum(p.numel() for p in network.parameters()) / 1e6,
        size_px=one.masked.shape[-1],
        device=device_name(device),
        threads=torch.get_num_threads(),
    )


def photo_to_photo(
    system: NetworkSystem, pairs: Sequence[tuple[Image, Image | None]], *, runs: int
) -> dict[str, float | int]:
    """Median time of `unmask.remove` in milliseconds: find and align the faces, run the network, paste back.

    ``pairs``: masked photos, each with an identity image in which the face has to be found too, or None; they take
    turns until there are ``runs`` times, after one run each to warm up. Empty where no face is found in any of them,
    or where the landmark backend's networks are not here.
    """
    finder = Finder()

    def take(pair: tuple[Image, Image | None]) -> float:
        begun = time.perf_counter()
        known = references([] if pair[1] is None else [pair[1]], finder)
        remove(pair[0], known, system, finder)
        return 1000 * (time.perf_counter() - begun)

    usable = []
    for pair in pairs:
        try:
            take(pair)
            usable.append(pair)
        except Missing:
            return {}
        except UserError:  # no face in one of the two
            continue
    if not usable:
        return {}
    times = [take(usable[i % len(usable)]) for i in range(runs)]
    height, width = usable[0][0].shape[:2]
    return {"milliseconds": statistics.median(times), "runs": runs, "width": width, "height": height}


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

"""Where does a training step's time go? Every part of it, on a CPU, in one thread.

    python benchmarks/train_parts.py --shards data/shards                  # plus, at 128 px
    python benchmarks/train_parts.py --shards data/shards --set compile=1 remask.styles.surgical=1
    python benchmarks/train_parts.py --quick                               # triplets made from the embedded sample

CPU seconds of this process in whole steps as `unveilify train` takes them. A judge's way back is what passes between the
moment at which the gradient reaches it and the moment at which it reaches the picture; the network's own is the rest of the
backward pass. `forward: NAME` are the network's own parts, `forward: rest` what lies between them.
"""

import argparse
import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from tables import show
from torch import Tensor, nn
from train_step import make_shards, start

from unveilify.shards import stream
from unveilify.shards.reader import ShardSet
from unveilify.training import data, step
from unveilify.training.trainer import Trainer


class Clock:
    """Seconds by part; a part within another counts for itself alone."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = defaultdict(float)
        self._open: list[str] = []
        self._since = time.process_time()

    def note(self) -> None:
        """Count the time since the last note to the part that is open."""
        now = time.process_time()
        self.spent[self._open[-1] if self._open else "rest"] += now - self._since
        self._since = now

    def begin(self) -> None:
        """Forget what was counted."""
        self.note()
        self.spent.clear()

    @contextmanager
    def part(self, name: str) -> Any:
        """What runs within."""
        self.note()
        self._open.append(name)
        try:
            yield
        finally:
            self.note()
            self._open.pop()

    def turn(self, name: str) -> None:
        """From here on the part that is open has another name."""
        self.note()
        self._open[-1] = name

    def wrap(self, owner: Any, method: str, name: str) -> None:
        """Count all calls of a function to a part."""
        work: Callable[..., Any] = getattr(owner, method)

        def timed(*args: Any, **words: Any) -> Any:
            with self.part(name):
                return work(*args, **words)

        setattr(owner, method, timed)

    def judge(self, owner: Any, method: str, name: str) -> None:
        """Count a judge of pictures, and its way back."""
        work: Callable[..., Any] = getattr(owner, method)

        def judged(picture: Tensor, *more: Any) -> Any:
            if picture.requires_grad:
                picture = picture.view_as(picture)
                picture.register_hook(lambda _: self.turn("backward: network"))
            with self.part(name):
                found = work(picture, *more)
            if picture.requires_grad and found.requires_grad:
                found.register_hook(lambda _: self.turn(f"backward: {name}"))
            return found

        setattr(owner, method, judged)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shards", type=Path, help="output of `unveilify shard`; made from the sample if not given")
    parser.add_argument("--model", default="plus")
    parser.add_argument("--size-px", type=int)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--steps", type=int, default=24)
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="more settings of `train`")
    parser.add_argument("--quick", action="store_true", help="64 px, 4 steps")
    parser.add_argument("--markdown", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(1)
    size = given.size_px or (64 if given.quick else 128)
    steps = 4 if given.quick else given.steps
    with tempfile.TemporaryDirectory() as scratch:
        shards = ShardSet.open(given.shards or make_shards(Path(scratch), size))
        asked = {"size_px": size, "batch": given.batch, **settings(given.set)}
        clock = Clock()
        clock.wrap(stream, "remask", "batch: masks drawn afresh")
        clock.wrap(data, "augment", "batch: augmentation")
        clock.wrap(data, "wild", "batch: wild masks")
        runner = start(given.model, asked, shards, torch.device("cpu"), 0)
        watch(clock, runner.trainer)
        clock.begin()
        for _ in range(steps):
            with clock.part("batch: reading"):
                batch = next(runner.batches)
            step.train_step(runner.trainer, batch)
        clock.note()
    config, total = runner.trainer.config, sum(clock.spent.values())
    print(
        f"{given.model}, {config.size_px} px, batches of {config.batch}, {'bfloat16' if config.bf16 else 'float32'}: "
        f"{total / steps:.3f} s a step, {config.batch * steps / total:.2f} triplets/s"
    )
    order = sorted(clock.spent.items(), key=lambda row: -row[1])
    rows = [[name, f"{1000 * s / steps:.1f}", f"{s / total:.1%}"] for name, s in order]
    print(show(["part", "ms a step", "share"], rows, markdown=given.markdown))


def settings(words: list[str]) -> dict[str, Any]:
    """``a.b=c`` as {"a": {"b": "c"}}."""
    found: dict[str, Any] = {}
    for word in words:
        name, _, value = word.partition("=")
        *path, last = name.split(".")
        place = found
        for part in path:
            place = place.setdefault(part, {})
        place[last] = value
    return found


def watch(clock: Clock, trainer: Trainer) -> None:
    """Count the parts of this trainer's steps."""
    for name, child in trainer.network.named_children():
        clock.wrap(child, "forward", f"forward: {name}")
    forward = trainer.forward or trainer.network

    def timed(batch: Any) -> Any:
        with clock.part("forward: rest"):
            return forward(batch)

    trainer.forward = timed
    judges = trainer.judges
    if judges.lpips is not None:
        clock.judge(judges.lpips, "forward", "LPIPS")
    if judges.recogniser is not None:
        clock.judge(judges.recogniser, "embed", "recogniser")
    critic: nn.Module | None = trainer.state.modules.get("discriminator")
    if critic is not None:
        clock.judge(critic, "forward", "discriminator")
    clock.wrap(torch.Tensor, "backward", "backward: network")
    for name, optimizer in trainer.state.optimizers.items():
        clock.wrap(optimizer, "step", f"optimizer: {name}")
    clock.wrap(step, "update_ema", "moving average")
    clock.wrap(nn.utils, "clip_grad_norm_", "gradient norm")


if __name__ == "__main__":
    main()

"""Where does a report's time go? Every row of the table measured on test triplets, part by part.

    python benchmarks/reporting.py data/shards
    python benchmarks/reporting.py data/shards --triplets 781 --size-px 128 --rows copy telea paste place

CPU seconds of this process, one thread; nothing is kept from an earlier run. `reading`: triplets out of the shards, the
stranger's and the person's other photos with them; `row`: the system's own arithmetic; then every metric; `rest`: intervals,
what is kept, and all else.
"""

import argparse
import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from tables import show

from unveilify.evaluation import evaluate as room
from unveilify.evaluation import measure
from unveilify.evaluation.config import EvaluateConfig
from unveilify.evaluation.samples import Samples
from unveilify.evaluation.systems import Truth, Untrained
from unveilify.shards.reader import ShardSet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shards", type=Path)
    parser.add_argument("--triplets", type=int, default=300)
    parser.add_argument("--size-px", type=int)
    parser.add_argument("--rows", nargs="+", default=["copy", "mean", "telea", "paste"], help="rows beside the truth")
    parser.add_argument("--markdown", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(1)
    shards = ShardSet.open(given.shards)
    config = EvaluateConfig(triplets=given.triplets, size_px=given.size_px, timing_runs=3)
    spent: dict[str, float] = defaultdict(float)
    samples = Samples(shards.split(config.split), config, given.size_px)
    metrics = room.load_metrics(config, "cpu")
    rows = [Truth(), *(Untrained(name, samples.size_px, "cpu", shards, config.fit_triplets) for name in given.rows)]
    for name, metric in metrics.items():
        wrap(spent, name, metric, "measure")
    wrap(spent, "reading", Samples, "__getitem__")
    wrap(spent, "row", measure, "predict")
    with tempfile.TemporaryDirectory() as kept:
        begun = time.process_time()
        room.evaluate(config, room.Bench(samples, shards.hash, metrics, "cpu"), [(row, Path(kept)) for row in rows])
        total = time.process_time() - begun
    spent["rest"] = total - sum(spent.values())
    spent["all"] = total
    share = len(samples) * len(rows)
    print(f"{len(samples)} triplets of {samples.size_px} px, {len(rows)} rows: {total:.1f} s of CPU time")
    cells = [[name, f"{s:.2f}", f"{s / total:.0%}", f"{1000 * s / share:.2f}"] for name, s in spent.items()]
    print(show(["part", "s", "share", "ms per triplet and row"], cells, markdown=given.markdown))


def wrap(spent: dict[str, float], name: str, owner: Any, method: str) -> None:
    """Add up the CPU time of a function, from here on."""
    work: Callable[..., object] = getattr(owner, method)

    def timed(*args: Any, **words: Any) -> object:
        begun = time.process_time()
        try:
            return work(*args, **words)
        finally:
            spent[name] += time.process_time() - begun

    setattr(owner, method, timed)


if __name__ == "__main__":
    main()

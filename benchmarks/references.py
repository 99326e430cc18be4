"""What the identity images do for a trained network, and how well it finds the mask by itself.

    python benchmarks/references.py runs/plus data/shards5          # shards made with `unveilify shard --identities 5`

The same test triplets are unmasked with 0, 1, 2 … of the person's photos and with a stranger's. Identity is to photos
that are given in none of the rows. Where the network says itself where the mask is, intersection over union with the
drawn mask is printed by style: a network trained with `--set train.remask.styles.surgical=1 --set train.remask.styles.kf94=1` has
seen no other styles.
"""

import argparse
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from unveilify.core.batch import Batch
from unveilify.evaluation.config import EvaluateConfig
from unveilify.evaluation.evaluate import Bench, evaluate, load_metrics
from unveilify.evaluation.samples import Samples
from unveilify.evaluation.statistics import interval
from unveilify.evaluation.systems import Trained, Truth, Untrained, config_of
from unveilify.metrics.contract import Column
from unveilify.models.contract import Output
from unveilify.models.system import Kind, System
from unveilify.shards.reader import ShardSet


@dataclass(frozen=True)
class Few:
    """A trained network that is handed the first ``count`` photos only."""

    trained: Trained
    count: int
    kind: Kind = "trained"

    @property
    def label(self) -> str:
        """How many photos."""
        return f"{self.count} photos"

    @property
    def identity(self) -> str:
        """Hash of all that the outputs depend on."""
        return f"{self.trained.identity}-{self.count}"

    def predict(self, batch: Batch) -> Output:
        """Outputs of the network."""
        count = max(1, self.count)
        few = replace(batch, identity=batch.identity[:, :count], real=batch.real.clamp(max=self.count))
        points = batch.identity_landmarks
        few = replace(few, identity_landmarks=None if points is None else points[:, :count])
        return self.trained.predict(few if self.count else few.without_identity())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("shards", type=Path)
    parser.add_argument("--triplets", type=int, default=300)
    parser.add_argument("--kept", type=Path, default=Path("reports/references"), help="where measured rows are kept")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    shards = ShardSet.open(arguments.shards)
    config = EvaluateConfig(triplets=arguments.triplets, metrics=("psnr", "lpips", "identity"), timing_runs=3)
    samples = Samples(shards.split("test"), config, config_of(arguments.run).size_px)
    trained = Trained(arguments.run.name, arguments.run, "cpu")
    most = max(sample.real for sample in samples)
    systems: list[System] = [Truth(), Untrained("copy", samples.size_px, "cpu", shards, 1)]
    systems += [Few(trained, count) for count in range(most + 1)]
    systems.append(Trained("a stranger's", arguments.run, "cpu", given="stranger"))
    bench = Bench(samples, shards.hash, load_metrics(config, "cpu"), "cpu")
    found = evaluate(config, bench, [(system, arguments.kept) for system in systems])
    print(f"{len(samples)} triplets of {len(set(samples.identities))} people at {samples.size_px} px\n")
    hole = [c for c in found.columns if c.region == "hole" and c.name.startswith(("PSNR", "LPIPS"))]
    others = [c for c in found.columns if c.name.startswith("identity to others") and c.picture == "raw"]
    show(pd.DataFrame({row.label: cells(row.frame, hole + others) for row in found.rows}).T)
    finding(trained, samples)


def cells(frame: pd.DataFrame, columns: Sequence[Column]) -> dict[str, str]:
    """Mean and interval of each column."""
    people = frame["identity"].to_numpy(str)
    estimates = {f"{c.name}, {c.region}": interval(frame[c.key].to_numpy(float), people) for c in columns}
    return {name: f"{e.mean:.3f} [{e.low:.3f}, {e.high:.3f}]" for name, e in estimates.items()}


@torch.inference_mode()
def finding(trained: Trained, samples: Samples) -> None:
    """Intersection over union of the alpha that the network finds, above one half, with the drawn mask's."""
    shares: dict[str, list[float]] = defaultdict(list)
    for sample in samples:
        batch = Batch.of([sample]).sized(trained.system.size_px)
        alpha = trained.predict(batch).alpha
        if alpha is None:
            return
        ours, drawn = alpha[0, 0].numpy() > 0.5, batch.hole[0, 0].numpy() > 0.2
        shares[sample.meta["mask"]["style"]].append(float((ours & drawn).sum() / max(1, (ours | drawn).sum())))
    print()
    show(
        pd.DataFrame(
            {
                style: {
                    "masks": str(len(v)),
                    "IoU": f"{np.mean(v):.3f}",
                    "5th percentile": f"{np.quantile(v, 0.05):.3f}",
                }
                for style, v in sorted(shares.items())
            }
        ).T
    )


def show(table: pd.DataFrame) -> None:
    """As Markdown."""
    print("| |" + "|".join(table.columns) + "|\n|---" + "|---" * len(table.columns) + "|")
    for label, row in table.iterrows():
        print(f"| {label} | " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()

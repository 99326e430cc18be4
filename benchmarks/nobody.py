"""Is nobody's face anybody's? The faces that the prior can show, against every person whom it was computed from.

    UNVEILIFY_WEIGHTS=weights/ python benchmarks/nobody.py SHARDS

Shown are the mean face and the mean with each component at plus and minus its largest share. For each the nearest
person of the training split is looked up by the recogniser, and the same is done for photos of the validation split,
whose people are all strangers to the training split: what is nobody's must lie no nearer to anybody than they do.
"""

import argparse
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from tables import show

from unveilify.core import mesh
from unveilify.core.batch import to_bytes
from unveilify.core.records import Image
from unveilify.metrics.columns.identity import Metric
from unveilify.models.layers.face_prior import SPLIT, FacePrior
from unveilify.models.layers.placing import Window, fetch, lay
from unveilify.models.zoo.place import Config, Network
from unveilify.shards.reader import ShardSet, Split

SIDE = 128


def faces(prior: FacePrior) -> list[Image]:
    """The mean face and 64 others, on the mean mesh, as face crops."""
    flat = [prior.mean]
    for component, spread in zip(prior.components, prior.spread, strict=True):
        for sign in (-1.5, 1.5):
            other = prior.mean.clone()
            other[:, SPLIT:] += sign * spread * prior.enlarged(component[None])[0]
            flat.append(other)
    whole = (torch.stack(flat) + prior.tone[None, :, None, None]).clamp(-1, 1)
    points = torch.from_numpy(mesh.surface().mean * 0.25 + [0.5, 0.4, 0.0]).float()[None].expand(len(whole), -1, -1)
    placement, _ = lay(points, SIDE, Window())
    shown = fetch(whole, placement, SIDE) * placement.seen + whole.mean((2, 3), keepdim=True) * (1 - placement.seen)
    return list(to_bytes(shown))


def nearest(metric: Metric, images: list[Image], people: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The largest cosine of each image to anybody."""
    return np.asarray((metric.embed(images) @ people.T).max(1), np.float32)


def embedded(metric: Metric, split: Split) -> npt.NDArray[np.float32]:
    return np.concatenate([metric.embed([split.read(i).unmasked]) for i in range(len(split))])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shards", type=Path)
    args = parser.parse_args()
    shards, metric = ShardSet.open(args.shards), Metric()
    people = embedded(metric, shards.split("train"))
    nobody = nearest(metric, faces(Network(Config()).prior), people)
    strangers = (embedded(metric, shards.split("val")) @ people.T).max(1)
    rows = [
        [name, str(len(values)), *(f"{v:.3f}" for v in (np.median(values), np.quantile(values, 0.95), values.max()))]
        for name, values in (("nobody's faces", nobody), ("photos of strangers", strangers))
    ]
    print(f"Largest cosine ({metric.judge}) to any of {len(people)} photos that the prior was computed from:")
    print(show(["", "faces", "median", "95 %", "largest"], rows, markdown=True))


if __name__ == "__main__":
    main()

"""Which way up masked faces stand: how often it is told, and the layer of `unmask/upright.py` computed anew.

    python benchmarks/upright.py PHOTOS           real masked photos that lie upright, each looked at in four turns
    python benchmarks/upright.py --learn SHARDS   face crops of `unveilify shard`; writes unveilify/unmask/upright.npz

Right is a face whose mouth is found below its eyes.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from tables import show

from unveilify import Unmasker
from unveilify.core.landmarks import anchors
from unveilify.core.pictures import PictureError, read
from unveilify.core.records import Face, Image
from unveilify.faces.windows import turned, turned_back
from unveilify.models.store import load
from unveilify.models.zoo.find import Network
from unveilify.shards.reader import ShardSet
from unveilify.sources.listing import PICTURES
from unveilify.unmask import upright
from unveilify.weights import FINDER, fetch

RIDGE, BARE = 0.1, 5
"""Penalty on the squared weights; every fifth crop is shown without its mask."""


def stands(face: Face) -> bool:
    """Whether the mouth lies below the eyes, within 50 degrees."""
    named = anchors(face.landmarks)
    x, y = (named["mouth_left"] + named["mouth_right"] - named["eye_left"] - named["eye_right"])[:2]
    return bool(abs(np.degrees(np.arctan2(x, y))) < 50)


def measure(folder: Path) -> None:
    """Print how many photos are seen the right way round, first by the detector alone."""
    unmasker = Unmasker.load(device="cpu")
    right, count = np.zeros((2, 4), int), 0
    for path in sorted(p for p in folder.rglob("*") if p.suffix.lower() in PICTURES):
        try:
            photo = read(path)
        except PictureError:
            continue
        count += 1
        for quarters in range(4):
            lies = turned(photo, quarters)
            for row, finder in enumerate((unmasker.finder.backend, unmasker.finder)):
                found = finder.find(lies, masked=True)
                right[row, quarters] += bool(found) and stands(turned_back(found[0], quarters, photo.shape))
    names = ("detector alone", "as `remove` looks")
    rows = [[name, *(f"{100 * n / count:.1f} %" for n in line)] for name, line in zip(names, right, strict=True)]
    print(f"{count} photos")
    print(show(["", "upright", "on the left side", "on the head", "on the right side"], rows, markdown=False))


def another(crop: Image, degrees: float, rng: np.random.Generator) -> Image:
    """The face crop turned about the middle of the eyes, a little moved, and in other light."""
    side = len(crop)
    there = cv2.getRotationMatrix2D(
        (side * 0.5, side * 0.4), degrees + rng.normal(0, 8), float(np.exp(rng.normal(0, 0.12)))
    )
    there[:, 2] += rng.normal(0, 0.03 * side, 2)
    moved = cv2.warpAffine(crop, there, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(255 * (moved / 255.0) ** np.exp(rng.normal(0, 0.3)), np.uint8)


def learn(shards: Path) -> None:
    """Logistic regression on crops as they are and turned, half a turn as often as a quarter."""
    network = load(fetch(FINDER)).network
    assert isinstance(network, Network)
    rng = np.random.default_rng(0)
    split = ShardSet.open(shards).split("train")
    seen, labels = [], []
    for number in range(len(split)):
        sample = split.read(number)
        crop = sample.masked if number % BARE else sample.unmasked
        small = np.asarray(cv2.resize(crop, (128, 128), interpolation=cv2.INTER_AREA), np.uint8)
        pair = [another(small, 0, rng), another(small, (180, 180, 90, 270)[number % 4], rng)]
        seen.append(upright.features(pair, network))
        labels += [1.0, 0.0]
    x, y = torch.from_numpy(np.vstack(seen)).double(), torch.tensor(labels).double()
    weights = torch.zeros(x.shape[1] + 1, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([weights], max_iter=300, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        value = F.binary_cross_entropy_with_logits(x @ weights[:-1] + weights[-1], y)
        value = value + RIDGE * weights[:-1].square().sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimizer.step(loss)
    found = weights.detach().numpy().astype(np.float32)
    told = ((x.numpy() @ found[:-1] + found[-1]) > 0) == (y.numpy() > 0)
    out = Path(upright.__file__).with_name(upright.FILE)
    np.savez(out, weights=found[:-1], bias=found[-1])
    print(f"{len(split)} crops, {100 * told.mean():.1f} % of them and of their turns told right: {out}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path, nargs="?", help="folder of real masked photos")
    parser.add_argument("--learn", type=Path, help="shards whose face crops to learn from")
    args = parser.parse_args()
    if args.learn:
        learn(args.learn)
    if args.photos:
        measure(args.photos)


if __name__ == "__main__":
    main()

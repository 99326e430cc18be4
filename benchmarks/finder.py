"""How well the mask finder finds masks: drawn ones by style, wild ones, real ones, and faces without any.

    python benchmarks/finder.py --photos PHOTOS [--network FILE ...] [--px 256] [--limit 60]

PHOTOS holds, as far as it is there, london_train (only people whose number is a multiple of four are used) and us_senate_512
(every fourth): the finder in the package has not seen these; lfw_train; mfr2 and rmfrd_pairs (real masked and bare photos;
with mfr2_roles.tsv and rmfrd_roles.tsv beside them only people whose role is `tune`), real_masked_wild/plain. Several
networks, such as ones trained without a style, stand side by side.

IoU: intersection over union. Edge: mean distance of the two outlines, in % of the interocular distance. Of drawn masks all
counts whose alpha is above 0.2, straps and shadow included.
"""

import argparse
import random
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from unveilify.core.batch import Batch
from unveilify.core.found import SOLID, agreement, worn
from unveilify.core.pictures import read
from unveilify.faces.align import INTEROCULAR, FaceCrop, crop, side_of
from unveilify.faces.find import Finder
from unveilify.masks.choose import choose
from unveilify.masks.compose import compose
from unveilify.masks.config import MaskConfig
from unveilify.masks.draw import draw
from unveilify.models.store import load
from unveilify.models.system import NetworkSystem
from unveilify.training.wild import wild
from unveilify.unmask.find import find_mask
from unveilify.weights import FINDER, fetch

RGB = NDArray[np.uint8]
Floats = NDArray[np.float32]
WILD = 4
"""Wild versions of each held-out photo."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--network", type=Path, nargs="*", default=[])
    parser.add_argument("--px", type=int, default=256, help="side of the face crops of drawn masks")
    parser.add_argument("--limit", type=int, default=30, help="most held-out photos that masks are drawn on")
    options = parser.parse_args()
    files = {path.stem: path for path in options.network} or {FINDER: fetch(FINDER)}
    finder = Finder()
    faces = list(
        crops(finder, random.Random(0).sample(held := held_out(options.photos), min(options.limit, len(held))))
    )
    for name, file in files.items():
        system = NetworkSystem.of(load(file))
        print(f"\n## {name}\n")
        drawn(system, faces, options.px)
        wild_ones(system, faces)
        real(system, finder, options.photos)


def drawn(system: NetworkSystem, faces: list[tuple[RGB, FaceCrop]], side: int) -> None:
    print(f"Drawn masks at {side} px on {len(faces)} photos it has not seen\n")
    print("| style | IoU | edge | without the guided filter | edge | called worn |\n|---|---|---|---|---|---|")
    rows = []
    for style in MaskConfig().styles:
        found = []
        for number, (_, face) in enumerate(faces):
            placed = crop(face.image, face.landmarks, side)
            recipe = choose(MaskConfig(styles={style: 1.0}), 1, f"{style}/{number}")
            overlay = draw(placed.image, placed.landmarks, recipe)
            found.append(scores(system, compose(placed.image, overlay), overlay.alpha))
        rows.append(np.nanmean(found, 0))
        print(row(style, rows[-1]))
    print(row("mean", np.mean(rows, 0)))


def scores(system: NetworkSystem, masked: RGB, alpha: RGB) -> tuple[float, ...]:
    """IoU and edge error as it is, then without the guided filter, then 1 where a mask was called worn."""
    sharp = find_mask(masked, system)
    return (*compared(sharp, alpha), *compared(soft(system, masked), alpha), float(worn(sharp)))


def soft(system: NetworkSystem, masked: RGB) -> Floats:
    """The alpha enlarged as it is."""
    batch = torch.from_numpy(masked).permute(2, 0, 1)[None].float() / 127.5 - 1
    with torch.inference_mode():
        alpha = torch.sigmoid(system.network.look(batch))[0, 0].numpy()
    return np.asarray(cv2.resize(alpha, masked.shape[1::-1], interpolation=cv2.INTER_LINEAR), np.float32)


def compared(found: Floats, alpha: RGB) -> tuple[float, float]:
    """IoU, and the mean distance of the outlines in % of the interocular distance."""
    overlap, away = agreement(found > 0.5, alpha > SOLID * 255)
    return overlap, 100 * away / INTEROCULAR


def wild_ones(system: NetworkSystem, faces: list[tuple[RGB, FaceCrop]]) -> None:
    """Any cloth, outline and camera, at the side at which it looks."""
    side = system.network.look_px
    masked, bare, alpha = [], [], []
    for number, (_, face) in enumerate(faces * WILD):
        placed = crop(face.image, face.landmarks, side)
        overlay = draw(placed.image, placed.landmarks, choose(MaskConfig(), 2, f"{number}"))
        masked.append(compose(placed.image, overlay))
        bare.append(placed.image)
        alpha.append(overlay.alpha[..., None])
    planes = (torch.from_numpy(np.stack(x).transpose(0, 3, 1, 2).copy()) for x in (masked, bare, alpha))
    nobody, count = torch.zeros(len(masked), 1, 3, 8, 8, dtype=torch.uint8), torch.zeros(len(masked), dtype=torch.int64)
    covered, truth, hole = planes
    shown = wild(Batch(covered, nobody, count, hole, truth), 12345, 0)
    found, touched = [], []
    for photo, there in zip(shown.masked.permute(0, 2, 3, 1).numpy(), shown.hole[:, 0].numpy(), strict=True):
        seen = find_mask(np.ascontiguousarray(photo), system)
        if (there > SOLID * 255).any():
            found.append((*compared(seen, there), float(worn(seen))))
        else:
            touched.append(float(worn(seen)))
    iou, edge, called = np.nanmean(found, 0)
    print(
        f"\nWild cloth, outline and camera at {side} px: IoU {iou:.3f}, edge {edge:.1f} %, {called:.1%} of {len(found)} ",
        end="",
    )
    print(f"called worn; of {len(touched)} with beards, scarves, hands and cups but no mask {np.mean(touched):.1%}\n")


def real(system: NetworkSystem, finder: Finder, photos: Path) -> None:
    """What is called worn on real photos."""
    print("| real photos | found a face | called worn |\n|---|---|---|")
    totals: dict[bool, list[bool]] = {True: [], False: []}
    for name, (paths, masked) in groups(photos).items():
        called = [worn(find_mask(face.image, system)) for _, face in crops(finder, paths)]
        totals[masked] += called
        if called:
            print(f"| {name} | {len(called)} of {len(paths)} | {np.mean(called):.1%} |")
    for masked, called in totals.items():
        print(f"| **{'with a mask' if masked else 'bare'}** | {len(called)} | **{np.mean(called):.1%}** |")


def groups(photos: Path) -> dict[str, tuple[list[Path], bool]]:
    """Photos by name, and whether masks are worn on them."""
    pick = random.Random(1)
    mfr2, rmfrd = ((photos / name).glob("*/*/*") for name in ("mfr2", "rmfrd_pairs"))
    mfr2, rmfrd = tuned(photos / "mfr2_roles.tsv", sorted(mfr2)), tuned(photos / "rmfrd_roles.tsv", sorted(rmfrd))
    lfw = sorted((photos / "lfw_train").glob("*/*.jpg"))
    bare = [p for p in rmfrd if p.parent.name == "unmasked"]
    return {
        "MFR2, masked": ([p for p in mfr2 if p.parent.name == "masked"], True),
        "RMFRD, masked": ([p for p in rmfrd if p.parent.name == "masked"], True),
        "wild, masked": (sorted((photos / "real_masked_wild" / "plain").glob("*.*")), True),
        "LFW": (pick.sample(lfw, min(150, len(lfw))), False),
        "London and senators it has not seen": (held_out(photos), False),
        "MFR2, bare": ([p for p in mfr2 if p.parent.name == "unmasked"], False),
        "RMFRD, bare": (pick.sample(bare, min(60, len(bare))), False),
    }


def held_out(photos: Path) -> list[Path]:
    london = [p for p in sorted((photos / "london_train").glob("*/*.jpg")) if int(p.parent.name) % 4 == 0]
    return london + sorted((photos / "us_senate_512").glob("*.jpg"))[::4]


def tuned(roles: Path, paths: list[Path]) -> list[Path]:
    if not roles.is_file():
        return paths
    told = dict(line.split("\t") for line in roles.read_text().splitlines())
    return [p for p in paths if told.get(p.parent.parent.name) == "tune"]


def crops(finder: Finder, paths: list[Path]) -> Iterator[tuple[RGB, FaceCrop]]:
    """Each photo with a face, and its face crop at the photo's own resolution, as `unveilify find` cuts it."""
    for path in paths:
        image = read(path)
        for face in finder.find(image, masked=True)[:1]:
            yield image, crop(image, face.landmarks, side_of(face, 128))


def row(name: str, values: NDArray[np.float64]) -> str:
    iou, edge, plain, plain_edge, called = values
    return f"| {name} | {iou:.3f} | {edge:.1f} % | {plain:.3f} | {plain_edge:.1f} % | {called:.1%} |"


if __name__ == "__main__":
    main()

"""Does the cloth show in the result? The same mask on the same face in twelve colours and prints, taken off again.

    python benchmarks/cloth.py [PHOTO …]

Without a photo it is done on the embedded portrait. All twelve have one outline, so one result would be right; printed is
by how much, in grey levels of 0…255, the results differ on the mean over the hole: each from their mean, and the two that
differ most. The network is the one in the package, or --run; it is told nothing and finds the hole itself.
"""

import argparse
from itertools import combinations
from pathlib import Path

import numpy as np
from skimage.data import astronaut
from tables import show

from unveilify import Unmasker
from unveilify.core.pictures import read
from unveilify.core.records import Image
from unveilify.faces.find import Finder
from unveilify.masks.compose import compose
from unveilify.masks.draw import draw
from unveilify.masks.recipe import Recipe
from unveilify.synth.draw import draw_mask

COLOURS = {
    "white": (0.95, 0.95, 0.95),
    "black": (0.08, 0.08, 0.08),
    "blue": (0.45, 0.65, 0.85),
    "yellow": (0.95, 0.8, 0.2),
    "red": (0.7, 0.1, 0.12),
    "green": (0.2, 0.5, 0.25),
    "pink": (0.95, 0.65, 0.75),
    "skin": (0.82, 0.62, 0.5),
}
PRINTS = ("stripes", "gingham", "dots", "floral")


def masks(photo: Image) -> list[Image]:
    """The photo (H, W, 3) in twelve masks of one outline."""
    face = Finder().find(photo)[0].landmarks
    plain = Recipe.model_validate(draw_mask(photo, style="cloth").notes[0]["mask"])
    changes = [{"colour": colour, "pattern": None} for colour in COLOURS.values()]
    changes += [{"colour": COLOURS["blue"], "pattern": name} for name in PRINTS]
    recipes = [plain.model_copy(update={"params": {**plain.params, **change}}) for change in changes]
    return [compose(photo, draw(photo, face, recipe)) for recipe in recipes]


def differences(photo: Image, unmasker: Unmasker, known: list[Image]) -> tuple[float, float]:
    """Mean difference from the mean of the twelve results, and that of the two which differ most, over the hole."""
    worn = masks(photo)
    hole = np.all([(mask != photo).any(2) for mask in worn], 0)
    results = [unmasker.remove(mask, known).image[hole].astype(np.float64) for mask in worn]
    mean = np.mean(results, 0)
    apart = [float(np.abs(a - b).mean()) for a, b in combinations(results, 2)]
    return float(np.mean([np.abs(one - mean).mean() for one in results])), max(apart)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path, nargs="*", help="unmasked photos; the embedded portrait when not given")
    parser.add_argument("--run", type=Path, help="another network: a run, or a file")
    parser.add_argument("--markdown", action="store_true")
    args = parser.parse_args()
    photos = {path.name: read(path) for path in args.photos} or {"astronaut": astronaut()}
    unmasker, rows = Unmasker.load(args.run), []
    for name, photo in photos.items():
        for what, known in (("itself, mirrored", [np.ascontiguousarray(photo[:, ::-1])]), ("none", [])):
            mean, most = differences(photo, unmasker, known)
            rows.append([name, what, f"{mean:.2f}", f"{most:.2f}"])
    print(show(["photo", "photo of the person", "from the mean", "most apart"], rows, markdown=args.markdown))


if __name__ == "__main__":
    main()

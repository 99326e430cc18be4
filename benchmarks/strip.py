"""Draw the README's strip: a masked photo, another photo of the person, what `remove` makes of them, and the truth.

python benchmarks/strip.py LONDON docs/removed.jpg --people 8 24 132 --styles surgical cloth kn95

LONDON holds a folder for each person of the Face Research Lab London Set with two photos (CC BY 4.0, consent to illustrate
research); only people whom no network in the package was trained on may be shown: those whose number is divided by four.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np

import unveilify
from unveilify.core.pictures import encode_jpeg, read
from unveilify.core.records import Image
from unveilify.faces.align import crop

TILE_PX = 216
COLUMNS = ("masked", "another photo", "ours, with it", "ours, without", "the truth")


def row(folder: Path, style: str, unmasker: unveilify.Unmasker) -> Image:
    """One person: five tiles."""
    truth, other = (read(path) for path in sorted(folder.iterdir())[:2])
    masked = unveilify.draw_mask(truth, style=style, seed=1).image
    known = unmasker.know([other])
    made = [unmasker.remove(masked, identity).image for identity in (known, ())]
    face, there = unmasker.finder.find(truth)[0], unmasker.finder.find(other)[0]
    shown = [(masked, face), (other, there), (made[0], face), (made[1], face), (truth, face)]
    return np.hstack([crop(image, of.landmarks, TILE_PX).image for image, of in shown])


def main() -> None:
    """A row for each person, under the names of the columns."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path, help="PERSON/PHOTO.jpg")
    parser.add_argument("out", type=Path, help="the picture")
    parser.add_argument("--people", nargs="+", required=True, help="folders, in order")
    parser.add_argument("--styles", nargs="+", default=["surgical"], help="of their masks; the last one goes on")
    parser.add_argument("--run", help="network; that of the package unless given")
    given = parser.parse_args()
    unmasker = unveilify.Unmasker.load(given.run)
    styles = [*given.styles, *given.styles[-1:] * len(given.people)]
    rows = [row(given.photos / who, style, unmasker) for who, style in zip(given.people, styles, strict=False)]
    head = np.full((22, rows[0].shape[1], 3), 255, np.uint8)
    for place, words in enumerate(COLUMNS):
        at = (place * TILE_PX + 6, 15)
        cv2.putText(head, words, at, cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 0, 0), 1, cv2.LINE_AA)
    given.out.write_bytes(encode_jpeg(np.vstack([head, *rows]), 85))


if __name__ == "__main__":
    main()

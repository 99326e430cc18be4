"""Draw the style gallery of the docs: every mask style and every way of wearing, on the astronaut portrait.

python benchmarks/gallery.py docs/gallery.jpg
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
from skimage.data import astronaut

from unveilify.core import plugins
from unveilify.core.pictures import encode_jpeg
from unveilify.core.records import Image
from unveilify.faces.align import FaceCrop, crop
from unveilify.faces.find import Finder
from unveilify.masks.choose import choose
from unveilify.masks.compose import compose
from unveilify.masks.config import MaskConfig
from unveilify.masks.draw import draw

TILE_PX, SEEDS = 192, 4


def tile(face: FaceCrop, style: str, wear: str, seed: int) -> Image:
    """One drawn face with the style's name under it."""
    recipe = choose(MaskConfig(styles={style: 1.0}, wears={wear: 1.0}), seed, "gallery")
    drawn = compose(face.image, draw(face.image, face.landmarks, recipe))
    drawn = np.asarray(cv2.resize(drawn, (TILE_PX, TILE_PX), interpolation=cv2.INTER_AREA), np.uint8)
    label = np.full((20, TILE_PX, 3), 255, np.uint8)
    cv2.putText(label, f"{style} {wear}", (4, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (0, 0, 0), 1, cv2.LINE_AA)
    return np.vstack([drawn, label])


def main(path: Path) -> None:
    """Rows of styles worn properly, then one row of ways to wear a mask."""
    portrait = np.asarray(astronaut(), np.uint8)
    face = crop(portrait, Finder().find(portrait)[0].landmarks, 2 * TILE_PX)
    styles = [name for name in plugins.names("style") if name != "custom"]
    tiles = [tile(face, style, "proper", seed) for style in styles for seed in range(SEEDS)]
    wears = [wear for wear in MaskConfig().wears if wear != "proper"]
    tiles += [tile(face, "surgical", wear, seed) for wear in wears for seed in range(2)]
    across = 2 * SEEDS
    tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % across)
    rows = [np.hstack(tiles[i : i + across]) for i in range(0, len(tiles), across)]
    path.write_bytes(encode_jpeg(np.vstack(rows), 75))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="the picture")
    main(parser.parse_args().out)

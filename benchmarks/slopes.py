"""How does the cost grow, with the size of a photo, the faces in it, the number of photos? Slopes, not points.

    python benchmarks/slopes.py            # on the portrait in scikit-image, enlarged, or many times in one photo
    python benchmarks/slopes.py --quick

CPU milliseconds of this process, one thread, the least of several rounds. Every table ends with its slope: the straight line
through the points, by least squares.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import cv2
import numpy as np
from skimage.data import astronaut
from tables import show

from unveilify.core.pictures import decode, encode_jpeg
from unveilify.core.records import Image
from unveilify.faces.align import crop
from unveilify.faces.config import QualityConfig
from unveilify.faces.find import Finder
from unveilify.faces.quality import judge
from unveilify.masks.choose import choose
from unveilify.masks.compose import compose
from unveilify.masks.config import MaskConfig
from unveilify.masks.draw import draw
from unveilify.synth.config import SynthConfig
from unveilify.synth.run import run as synth


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="small photos, two rounds")
    parser.add_argument("--markdown", action="store_true")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    rounds = 2 if given.quick else given.rounds
    for title, rows in (
        ("photo side, px", sizes((256, 512) if given.quick else (256, 512, 1024, 2048, 4096), rounds)),
        ("faces in a photo of 1024 px", crowds((1, 4) if given.quick else (1, 4, 16), rounds)),
        ("photos through synth", photos((2, 4) if given.quick else (8, 16, 32))),
    ):
        print(table(title, rows, markdown=given.markdown), end="\n\n")


def table(title: str, rows: dict[float, dict[str, float]], *, markdown: bool) -> str:
    """One line for each point, and the slope of every column."""
    names = list(next(iter(rows.values())))
    lines = [[f"{at:g}", *(f"{found[name]:.1f}" for name in names)] for at, found in rows.items()]
    at = [one**2 / 1e6 for one in rows] if title.startswith("photo side") else list(rows)
    slopes = [f"{np.polyfit(at, [found[name] for found in rows.values()], 1)[0]:.2f}" for name in names]
    unit = "per megapixel" if title.startswith("photo side") else "for one more"
    return show(
        [title, *(f"{name}, ms" if name != "found" else name for name in names)],
        [*lines, [unit, *slopes]],
        markdown=markdown,
    )


def sizes(sides: tuple[int, ...], rounds: int) -> dict[float, dict[str, float]]:
    """One face that fills a photo as a portrait does."""
    finder = Finder()
    rows: dict[float, dict[str, float]] = {}
    for side in sides:
        photo = np.asarray(cv2.resize(astronaut(), (side, side), interpolation=cv2.INTER_CUBIC), np.uint8)
        data = encode_jpeg(photo, 92)
        face = finder.find(photo)[0]
        recipe = choose(MaskConfig(), 0, "a")
        aligned = crop(photo, face.landmarks, 256)
        rows[side] = {
            "decode": least(lambda data=data: decode(data), rounds),
            "find": least(lambda photo=photo: finder.find(photo), rounds),
            "crop": least(lambda photo=photo, face=face: crop(photo, face.landmarks, 256), rounds),
            "judge": least(lambda photo=photo, face=face: judge(photo, face, QualityConfig()), rounds),
            "mask on the crop": least(lambda a=aligned, r=recipe: masked(a.image, a.landmarks, r), rounds),
            "mask on the photo": least(lambda p=photo, f=face, r=recipe: masked(p, f.landmarks, r), rounds),
        }
    return rows


def masked(image: Image, landmarks: object, recipe: object) -> Image:
    """The picture with a mask."""
    return compose(image, draw(image, landmarks, recipe))


def crowds(counts: tuple[int, ...], rounds: int) -> dict[float, dict[str, float]]:
    """The same face many times in one photo."""
    finder = Finder()
    rows: dict[float, dict[str, float]] = {}
    for count in counts:
        across = int(np.sqrt(count))
        tile = cv2.resize(astronaut()[:300, 80:380], (256, 256), interpolation=cv2.INTER_AREA)
        photo = np.full((1024, 1024, 3), 127, np.uint8)
        for n in range(count):
            y, x = divmod(n, across)
            photo[256 * y : 256 * y + 256, 256 * x : 256 * x + 256] = tile
        rows[count] = {
            "find": least(lambda photo=photo: finder.find(photo), rounds),
            "find everyone": least(lambda photo=photo: finder.find(photo, everyone=True), rounds),
            "found": float(len(finder.find(photo, everyone=True))),
        }
    return rows


def photos(counts: tuple[int, ...]) -> dict[float, dict[str, float]]:
    """Whole runs of `synth` in this process, on photos that differ."""
    rows: dict[float, dict[str, float]] = {}
    for count in counts:
        with tempfile.TemporaryDirectory() as scratch:
            source = Path(scratch) / "photos"
            for n in range(count):
                folder = source / f"person{n // 2}"
                folder.mkdir(parents=True, exist_ok=True)
                data = encode_jpeg(np.roll(astronaut(), 2 * n, 1), 92)
                (folder / f"{n}.jpg").write_bytes(data)
            begun = time.process_time()
            synth(SynthConfig(layout="folder"), source, Path(scratch) / "pairs")
            rows[count] = {"synth": 1000 * (time.process_time() - begun)}
    return rows


def least(work: Callable[[], object], rounds: int) -> float:
    """CPU milliseconds, the least of some rounds."""
    times = []
    for _ in range(rounds):
        begun = time.process_time()
        work()
        times.append(time.process_time() - begun)
    return 1000 * min(times)


if __name__ == "__main__":
    main()

"""How fast are masks drawn? Ours, and MaskTheFace beside it in the same run on the same photos.

    python benchmarks/mask_synthesis.py PHOTOS
    python benchmarks/mask_synthesis.py PHOTOS --masktheface ~/MaskTheFace --predictor shape_predictor_68.dat

One core. `drawing`: from known landmarks to the masked picture, on face crops of 256 px (ours: every face a mask of
its own, so nothing is cached; each face's best of several rounds, because other jobs steal time). `pipeline`: photo
file in, masked JPEG out, with finding the faces. Without dlib's predictor, MaskTheFace draws from the 68 points of our
own backend and has no pipeline figure. RMFRD: the share of tight 160 px crops on which a mask can be drawn.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import cv2
import numpy as np
from numpy.typing import NDArray
from rival_masktheface import MESH_TO_68, Rival

from unveilify.core.landmarks import Landmarks
from unveilify.core.pictures import decode, encode_jpeg
from unveilify.faces.align import crop
from unveilify.faces.backends import mediapipe
from unveilify.masks.choose import choose
from unveilify.masks.compose import compose
from unveilify.masks.config import MaskConfig
from unveilify.masks.draw import draw

Rgb = NDArray[np.uint8]

SETS = {
    "LFW 250 px": "lfw_train/*/*.jpg",
    "senators 512 px": "us_senate_512/*.jpg",
    "London 640 px": "london_train/*/*.jpg",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("-n", type=int, default=60, help="photos of each set")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--masktheface", type=Path, help="a checkout of MaskTheFace")
    parser.add_argument("--predictor", type=Path, help="dlib's 68-point predictor; needs dlib or dlib-bin")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    backend = mediapipe.Backend(mediapipe.Config())
    rival = Rival(given.masktheface, given.predictor) if given.masktheface else None
    print(f"{'set':18s} {'':12s} {'n':>4s} {'ours':>8s} {'MaskTheFace':>12s} {'ratio':>6s}   per second and core")
    for name, pattern in SETS.items():
        paths = sample(sorted(given.photos.glob(pattern)), given.n)
        drawing(name, paths, backend, rival, given.size, given.rounds)
        pipeline(name, paths, backend, rival if given.predictor else None)
    coverage(given.photos, backend)


def drawing(
    name: str, paths: list[Path], backend: mediapipe.Backend, rival: Rival | None, size: int, rounds: int
) -> None:
    faces = []
    for path in paths:
        photo = decode(path.read_bytes())
        found = backend.find(photo)
        if found:
            aligned = crop(photo, found[0].landmarks, size)
            faces.append((aligned.image, aligned.landmarks))
    recipes = [choose(MaskConfig(), 0, str(i)) for i in range(len(faces))]

    def our(i: int) -> None:
        image, landmarks = faces[i]
        compose(image, draw(image, landmarks, recipes[i]))

    ours = best(our, len(faces), rounds)
    theirs = None
    if rival:
        inputs = [(np.ascontiguousarray(image[:, :, ::-1]), points(landmarks)) for image, landmarks in faces]
        with rival.inside():
            theirs = best(lambda i: rival.draw(*inputs[i]), len(inputs), rounds)
    row(name, f"draw {size} px", len(faces), ours, theirs)


def pipeline(name: str, paths: list[Path], backend: mediapipe.Backend, rival: Rival | None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "masked.jpg"

        def our(i: int) -> None:
            photo = decode(paths[i].read_bytes())
            for face in backend.find(photo)[:1]:
                photo = compose(photo, draw(photo, face.landmarks, choose(MaskConfig(), 0, str(i))))
            target.write_bytes(encode_jpeg(photo, 95))

        ours = best(our, len(paths), 2)
        theirs = None
        if rival:
            files = [path.resolve() for path in paths]

            def their(i: int) -> None:
                masked, _ = rival.whole(cv2.imread(str(files[i])))
                cv2.imwrite(str(target), masked)

            with rival.inside():
                theirs = best(their, len(paths), 2)
    row(name, "pipeline", len(paths), ours, theirs)


def coverage(photos: Path, backend: mediapipe.Backend) -> None:
    paths = sample(sorted(photos.glob("rmfrd_pairs/*/unmasked/*")), 400)
    drawn = 0
    for i, path in enumerate(paths):
        photo = decode(path.read_bytes())
        found = backend.find(photo)
        drawn += bool(found) and draw(photo, found[0].landmarks, choose(MaskConfig(), 0, str(i))).hole_share > 0.02
    print(f"RMFRD unmasked tight crops with a mask: {drawn} of {len(paths)} = {drawn / len(paths):.1%}")


def best(work: Callable[[int], object], count: int, rounds: int) -> float:
    """Units per second, from each unit's best time."""
    times = [float("inf")] * count
    failed: set[int] = set()
    for _ in range(rounds):
        for i in range(count):
            begin = time.process_time()
            try:
                work(i)
            except (IndexError, ValueError, cv2.error):  # a rival that cannot place its mask
                failed.add(i)
            times[i] = min(times[i], time.process_time() - begin)
    return 1 / statistics.mean(t for i, t in enumerate(times) if i not in failed)


def points(landmarks: Landmarks) -> NDArray[np.float32]:
    return landmarks.points[MESH_TO_68][:, :2]


def sample(paths: list[Path], n: int) -> list[Path]:
    return [paths[i] for i in np.linspace(0, len(paths) - 1, min(n, len(paths))).astype(int)]


def row(name: str, what: str, n: int, ours: float, theirs: float | None) -> None:
    other, ratio = ("-", "-") if theirs is None else (f"{theirs:.1f}", f"{ours / theirs:.2f}")
    print(f"{name:18s} {what:12s} {n:4d} {ours:8.1f} {other:>12s} {ratio:>6s}", flush=True)


if __name__ == "__main__":
    main()

"""Just masks on photos: every face of every photo, at full size, under the same name, with alpha and parameters."""

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from unveilify.core.engine.local import map_parts
from unveilify.core.errors import UserError
from unveilify.core.landmarks import Landmarks, quantise
from unveilify.core.pictures import PictureError, decode, encode_jpeg, encode_png
from unveilify.core.progress import track
from unveilify.core.records import Image, Photo
from unveilify.core.storage import (
    canonical_json,
    read_json,
    read_member,
    sha256_bytes,
    write_bytes,
    write_json,
    writing,
)
from unveilify.faces.find import Finder
from unveilify.masks.choose import choose
from unveilify.masks.compose import compose
from unveilify.masks.config import MaskConfig
from unveilify.masks.draw import Overlay, draw
from unveilify.sources._listing import PICTURES, files

ALIGNED = np.array([[38.29, 51.70], [73.53, 51.50], [56.03, 71.74], [41.55, 92.37], [70.73, 92.20]], np.float32) / 112
"""Eyes, nose tip and mouth corners of an aligned crop, as shares of its side (the template of ArcFace crops)."""


@dataclass(frozen=True, slots=True)
class Masking:
    """What is drawn, and where faces are found. ``aligned``: pictures without a face found are aligned crops."""

    mask: MaskConfig
    landmarks: str = "mediapipe"
    aligned: bool = False
    seed: int = 0

    @property
    def hash(self) -> str:
        """Same settings, same masks."""
        plain = [self.mask.model_dump(mode="json"), self.landmarks, self.aligned, self.seed]
        return sha256_bytes(canonical_json(plain))


@dataclass(frozen=True, slots=True)
class Job:
    """One photo."""

    path: str
    source: Path
    output_dir: Path
    masking: Masking


def mask_photos(source: Path, output_dir: Path, masking: Masking, workers: int = 1) -> Counter[str]:
    """Draw masks on ``source``, a photo or a folder of them; counts by what became of each photo.

    Beside ``a/b.jpg`` lie ``a/b.jpg.mask.png`` (alpha, 0…255) and ``a/b.jpg.mask.json`` (every face's landmarks and
    recipe). ``manifest.csv`` names every photo. Photos that are done, with the same settings, are kept.

    Raises:
        UserError: no such source, no photos in it, or output and source are the same folder.
    """
    if not source.exists():
        raise UserError(f"There is no photo or folder {source}.")
    if output_dir.suffix.lower() in PICTURES:
        raise UserError(f"-o takes a folder, not a picture ({output_dir}): the photo keeps its name in it.")
    root = source if source.is_dir() else source.parent
    if output_dir.resolve() == root.resolve():
        raise UserError(f"The masks would replace the photos in {root}: give another folder with -o.")
    kept = [f.path for f in files(root) if not f.fault and Path(f.name).suffix.lower() in PICTURES]
    paths = [path for path in kept if "!" not in path and (source.is_dir() or path == source.name)]
    if not paths:
        raise UserError(f"There are no photos in {source} (of the kinds {', '.join(sorted(PICTURES))}).")
    rows = []
    with track("mask", len(paths)) as line:
        for row in map_parts(_mask, [Job(path, root, output_dir, masking) for path in paths], workers):
            rows.append(row)
            line.advance(1, int(row[1] != "masked"))
    table = pd.DataFrame(sorted(rows), columns=["photo", "status", "faces"])
    with writing(output_dir / "manifest.csv") as path:
        table.to_csv(path, index=False)
    return Counter(table["status"])


def _mask(job: Job) -> tuple[str, str, int]:
    """Draw on one photo: its path, ``masked`` or a reason, and the number of faces."""
    cv2.setNumThreads(1)
    target = job.output_dir / job.path
    notes = target.with_name(f"{target.name}.mask.json")
    photo = Photo(job.path, "", "")
    name = photo.label
    try:
        data = read_member(job.source, job.path)
        digest = sha256_bytes(data)
        if notes.is_file():
            done = read_json(notes)
            if (done["settings"], done["photo_sha256"]) == (job.masking.hash, digest):
                return name, "masked", len(done["faces"])
        image = decode(data)
    except PictureError as error:
        return name, error.reason, 0
    except OSError:
        return name, "unreadable", 0
    found = _finder(job.masking.landmarks).find(image, path=job.path)
    places = [quantise(face.landmarks) for face in found] or ([_aligned(image)] if job.masking.aligned else [])
    if not places:
        return name, "no_face", 0
    masked, alpha, faces = _draw_all(image, places, photo, job.masking)
    write_bytes(target, _encode(target.suffix.lower(), masked))
    write_bytes(target.with_name(f"{target.name}.mask.png"), encode_png(alpha))
    write_json(notes, {"settings": job.masking.hash, "photo_sha256": digest, "faces": faces})
    return name, "masked", len(faces)


def _draw_all(
    image: Image, places: list[Landmarks], photo: Photo, masking: Masking
) -> tuple[Image, Image, list[dict[str, object]]]:
    """The photo with a mask on every face, the masks' joint alpha, and what was drawn."""
    masked, alpha = image, np.zeros(image.shape[:2], np.uint8)
    faces: list[dict[str, object]] = []
    for number, landmarks in enumerate(places):
        recipe = choose(masking.mask, masking.seed, photo.key(number))
        overlay: Overlay = draw(masked, landmarks, recipe)
        masked, alpha = compose(masked, overlay), np.asarray(np.maximum(alpha, overlay.alpha))
        points = [[float(v) for v in point] for point in landmarks.points]
        drawn = {"scheme": landmarks.scheme, "points": points}
        faces.append({"landmarks": drawn, "mask": recipe.model_dump(mode="json")})
    return masked, alpha, faces


def _aligned(image: Image) -> Landmarks:
    height, width = image.shape[:2]
    return quantise(Landmarks((ALIGNED * [width, height]).astype(np.float32), "five"))


def _encode(extension: str, image: Image) -> bytes:
    if extension in {".jpg", ".jpeg", ".jpe"}:
        return encode_jpeg(image, 95)
    done, data = cv2.imencode(extension, cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    if not done:
        raise UserError(f"OpenCV here cannot write {extension} pictures: convert them to PNG first.")
    return data.tobytes()


@lru_cache(maxsize=2)
def _finder(backends: str) -> Finder:
    return Finder(backends)

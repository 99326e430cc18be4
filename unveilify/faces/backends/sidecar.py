"""Landmarks that somebody else has found: read from one CSV or JSON file instead of from the picture.

CSV: a header ``photo,x0,y0,x1,y1,…`` (with ``x0,y0,z0,…`` where there is depth), then one line for each face.
JSON: ``{"folder/photo.jpg": [{"points": [[x, y], …]}, …]}``, a list of faces for each photo.

``photo`` is the path relative to the source folder, as in the manifest (``a.zip!b.jpg`` for a member of an archive);
coordinates are pixels of the photo as it is shown, that is, turned by its EXIF orientation. The number of points
says which scheme it is: 5, 68 (iBUG), 98 (WFLW), 106 (InsightFace) or 468 (MediaPipe).
"""

import csv
from pathlib import Path
from typing import Any, Self

import numpy as np
from pydantic import Field, model_validator

from unveilify.core.config import Config as BaseConfig
from unveilify.core.errors import PhotoError, UserError, why
from unveilify.core.landmarks import SCHEME_OF_SIZE, Landmarks
from unveilify.core.records import Box, Face, Image
from unveilify.core.storage import read_json
from unveilify.faces.prominence import by_prominence

MAIN_OPTION = "file"
"""The setting that may follow the backend's name: ``sidecar:…``."""


class Config(BaseConfig):
    """Settings of the backend 'sidecar'."""

    file: Path | None = Field(default=None, description="the CSV or JSON file with the landmarks")

    @model_validator(mode="after")
    def _is_there(self) -> Self:
        if self.file is None or not self.file.is_file():
            what = "needs a CSV or JSON file" if self.file is None else f"finds no file {self.file}"
            raise UserError(f"The landmark backend 'sidecar' {what}: name one that is there, as sidecar:FILE.")
        return self


class Backend:
    """Gives back the landmarks of the photo at ``path``; without a path, or for a photo not listed, none."""

    def __init__(self, config: Config) -> None:
        """Read the whole file.

        Raises:
            UserError: what is in it is not as described above (the line or photo is named).
        """
        assert config.file is not None
        self._file = config.file
        self._faces = _read_json(config.file) if config.file.suffix.lower() == ".json" else _read_csv(config.file)

    def find(self, image: Image, *, masked: bool = False, everyone: bool = False, path: str = "") -> list[Face]:
        """The listed faces of the photo at ``path`` (relative to its source), the most prominent first.

        Raises:
            PhotoError: a face lies outside the picture (H, W, 3), so the landmarks belong to another size of it.
        """
        faces = [_face(marks) for marks in self._faces.get(path, [])]
        height, width = image.shape[:2]
        for face in faces:
            x, y, w, h = face.box
            if x > width or y > height or x + w < 0 or y + h < 0:
                raise PhotoError(
                    f"{self._file}: the landmarks of '{path}' lie outside the photo, which is {width} x {height} "
                    "pixels: give the coordinates in its own pixels."
                )
        return by_prominence(faces, image)


def _face(marks: Landmarks) -> Face:
    low, high = marks.points[:, :2].min(0), marks.points[:, :2].max(0)
    x, y, w, h = float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1])
    # Five points span only the eyes and the mouth: the face is 2.2 interocular distances wide and 2.6 high.
    box: Box = (x - 0.6 * w, y - 0.9 * w, 2.2 * w, 2.6 * w) if marks.scheme == "five" else (x, y, w, h)
    return Face(marks, box, 1.0, 1.0)


def _read_csv(path: Path) -> dict[str, list[Landmarks]]:
    faces: dict[str, list[Landmarks]] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file)
            header = [name.strip().lower() for name in next(rows, [])]
            depth = "z0" in header
            if header[:3] != ["photo", "x0", "y0"]:
                raise UserError(
                    f"{path} must begin with the header photo,x0,y0,x1,y1,… and not with '{','.join(header[:3])}'."
                )
            for row in rows:
                if row:
                    where = f"{path}, line {rows.line_num}"
                    faces.setdefault(_key(row[0]), []).append(
                        _landmarks([c for c in row[1:] if c.strip()], depth, where)
                    )
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"Cannot read the landmarks {path}: {why(error)}.") from None
    return faces


def _read_json(path: Path) -> dict[str, list[Landmarks]]:
    tree = read_json(path)
    if not isinstance(tree, dict):
        raise UserError(f'{path} must hold {{"photo.jpg": [{{"points": [[x, y], …]}}]}}, not a {type(tree).__name__}.')
    faces: dict[str, list[Landmarks]] = {}
    for photo, found in tree.items():
        where = f"{path}, '{photo}'"
        if not isinstance(found, list) or not all(isinstance(face, dict) and "points" in face for face in found):
            raise UserError(f'{where}: there must be a list of faces, each as {{"points": [[x, y], …]}}.')
        for face in found:
            points = face["points"]
            depth = isinstance(points, list) and all(isinstance(p, list) and len(p) == 3 for p in points)
            faces.setdefault(_key(photo), []).append(_landmarks(points, depth, where))
    return faces


def _landmarks(values: Any, depth: bool, where: str) -> Landmarks:
    try:
        with np.errstate(over="ignore"):  # what overflows is not finite, which is said below
            points = np.asarray(values, np.float32).reshape(-1, 3 if depth else 2)
    except (TypeError, ValueError):
        raise UserError(
            f"{where}: coordinates must be numbers, {'three' if depth else 'two'} for each point."
        ) from None
    scheme = SCHEME_OF_SIZE.get(len(points))
    if scheme is None or not np.isfinite(points).all():
        sizes = ", ".join(str(size) for size in SCHEME_OF_SIZE)
        raise UserError(f"{where}: {len(points)} points are no landmark scheme (there must be {sizes} finite ones).")
    return Landmarks(points, scheme)


def _key(photo: str) -> str:
    return photo.strip().replace("\\", "/").removeprefix("./")

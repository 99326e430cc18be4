"""One part: some photos in; a tar of pairs, a contact sheet and manifest rows out."""

from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd

from unveilify.core import landmark_rows, tars
from unveilify.core.errors import PhotoError, UserError
from unveilify.core.landmarks import Landmarks, Points, anchors, quantise
from unveilify.core.pictures import PictureError, decode, encode_jpeg, encode_png
from unveilify.core.records import Face, Image, Photo
from unveilify.core.stamps import WORK
from unveilify.core.storage import canonical_json, read_member, sha256_bytes
from unveilify.core.written import OutputFolder
from unveilify.faces.align import INTEROCULAR, FaceCrop, crop, eyes
from unveilify.faces.find import Backend, Finder, find_face
from unveilify.faces.quality import judge
from unveilify.masks.choose import choose
from unveilify.masks.compose import compose
from unveilify.masks.draw import FAILURES, draw
from unveilify.synth import inputs
from unveilify.synth.config import SynthConfig
from unveilify.synth.preview import contact_sheet

MISSED = 0.5
"""A face found on a masked crop is another one if its eyes are farther away than this share of their distance."""


@dataclass(frozen=True, slots=True)
class Part:
    """Some photos, where they are, and where their crops go."""

    number: int
    photos: tuple[Photo, ...]
    source: Path
    out: OutputFolder
    config: SynthConfig

    def name(self, ending: str) -> str:
        """One of this part's files; ``parquet`` is its own manifest, which is written last."""
        return f"{WORK}/" * (ending == "parquet") + f"part-{self.number:05d}.{ending}"

    @property
    def manifest(self) -> Path:
        """Path of the part's own manifest."""
        return self.out.directory / self.name("parquet")


@dataclass(frozen=True, slots=True)
class Made:
    """What became of a part."""

    photos: int
    rejected: int


@dataclass(slots=True)
class Row:
    """One line of the manifest: one photo, what became of it, and what was measured."""

    photo: str
    identity: str
    group: str
    part: int
    key: str
    face: int = 0
    status: str = "rejected"
    reason: str = ""
    sha256: str = ""
    width: int = 0
    height: int = 0
    measured: dict[str, float] = field(default_factory=dict)
    style: str = ""
    wear: str = ""
    hole_share: float = float("nan")


def is_whole(part: Part) -> bool:
    """Whether an earlier run finished this part, its files are as they were written, and its photos as they were read."""
    return part.out.keep(*map(part.name, ("parquet", "tar", "preview.jpg"))) and not inputs.changed(
        part.source, part.photos, inputs.digests(part.manifest), part.out.directory
    )


def make_part(part: Part) -> Made:
    """Write the part's tar, contact sheet and manifest; the same part and config give the same bytes."""
    cv2.setNumThreads(1)  # the parts are what runs side by side
    rows, pairs = [], []
    with part.out.file(part.name("tar")) as path, tars.begun(path) as tar:
        for photo in part.photos:
            row, members, pair = _make_members(part, photo)
            rows.append(row)
            if members:
                tars.add(tar, row.key, members)
            if pair:
                pairs.append(pair)
    part.out.write_bytes(part.name("preview.jpg"), encode_jpeg(contact_sheet(pairs), 90))
    with part.out.file(part.name("parquet")) as path:
        _frame(rows).to_parquet(path, index=False)
    return Made(len(rows), sum(row.status == "rejected" for row in rows))


Members = dict[str, bytes]


def _make_members(part: Part, photo: Photo) -> tuple[Row, Members | None, tuple[Image, Image] | None]:
    """The row of a photo; whatever is wrong with it is its reason and stops nothing else."""
    row = Row(photo.label, photo.identity, photo.group, part.number, photo.key())
    try:
        data = read_member(part.source, photo.path)
    except OSError:
        row.reason = "unreadable"
        return row, None, None
    except UserError:
        row.reason = "leaves_source"
        return row, None, None
    try:
        row.sha256 = sha256_bytes(data)
        return row, *_fill(row, part, photo, decode(data))
    except PictureError as error:
        reason = error.reason
    except PhotoError:
        reason = "unusable_landmarks"
    except FAILURES:
        reason = "cannot_be_drawn"
    row.status, row.reason = "rejected", reason
    return row, None, None


def _fill(row: Row, part: Part, photo: Photo, image: Image) -> tuple[Members | None, tuple[Image, Image] | None]:
    """Find, judge and mask the photo's face, into its row, its members of the tar and its pair for the contact sheet."""
    config = part.config
    row.height, row.width = image.shape[:2]
    found = find_face(_finder(config.landmarks), image, photo.boxes, config.quality, path=photo.path)
    if isinstance(found, str):
        row.reason = found
        return None, None
    aligned = crop(image, found.landmarks, config.size_px)
    verdict = judge(image, found, config.quality)
    row.status, row.reason, row.measured = verdict.status, verdict.reason, verdict.measured
    if row.status == "rejected":
        return None, None

    members = {"unmasked.jpg": encode_jpeg(aligned.image, config.jpeg_quality)}
    places = [aligned.landmarks.points]
    pair = None
    drawing = None
    if row.status == "target":
        recipe = choose(config.mask, config.seed, row.key)
        overlay = draw(aligned.image, aligned.landmarks, recipe)
        masked = compose(aligned.image, overlay)
        row.style, row.wear, row.hole_share = recipe.style, recipe.wear.name, overlay.hole_share
        members |= {"masked.jpg": encode_jpeg(masked, config.jpeg_quality), "mask.png": encode_png(overlay.alpha)}
        pair = (aligned.image, masked)
        drawing = recipe.flat()
        places.append(_under_mask(_finder(config.landmarks), masked, aligned.landmarks))
    members[landmark_rows.MEMBER] = landmark_rows.encode(places)
    members["json"] = canonical_json(_describe(photo, row, found, aligned, drawing, config))
    return members, pair


def _under_mask(finder: Backend, masked: Image, true: Landmarks) -> Points:
    """The landmarks (N, D) that are found on a masked crop as on any masked photo; NaN where its face is missed.

    Of several faces, the one whose eyes lie nearest to where every crop has them.
    """
    wanted = eyes(masked.shape[0])

    def away(landmarks: Landmarks) -> float:
        named = anchors(landmarks)
        found = np.stack([named["eye_left"], named["eye_right"]])
        return float(np.linalg.norm(found - wanted, axis=1).mean())

    found = [quantise(face.landmarks) for face in finder.find(masked, masked=True)]
    alike = [place for place in found if place.points.shape == true.points.shape]
    there = [place for place in alike if away(place) < MISSED * INTEROCULAR * masked.shape[0]]
    nearest = min(there, key=away, default=None)
    return landmark_rows.alike(None if nearest is None else nearest.points, true.points)


def _describe(
    photo: Photo, row: Row, face: Face, aligned: FaceCrop, drawing: dict[str, Any] | None, config: SynthConfig
) -> dict[str, Any]:
    return {
        "key": row.key,
        "identity": photo.identity,
        "group": photo.group,
        "photo": row.photo,
        "photo_sha256": row.sha256,
        "face": row.face,
        "role": row.status,
        "crop": {
            "matrix": [[round(float(v), 6) for v in line] for line in aligned.matrix],
            "size_px": config.size_px,
            "photo_px": [row.width, row.height],
            "padded_share": round(aligned.padded_share, 4),
        },
        "landmarks": {"scheme": aligned.landmarks.scheme},
        "box": [round(float(v), 2) for v in face.box],
        "quality": row.measured,
        "mask": drawing,
        "hole_share": None if drawing is None else round(row.hole_share, 5),
        "seed": config.seed,
        "meta": photo.meta,
    }


def _frame(rows: list[Row]) -> pd.DataFrame:
    flat = []
    for row in rows:
        line = asdict(row)
        line |= line.pop("measured")
        flat.append(line)
    return pd.DataFrame(flat).reindex(columns=list(COLUMNS)).astype(COLUMNS)


_TEXT = ("photo", "identity", "group", "key", "status", "reason", "sha256", "style", "wear")
_WHOLE = ("part", "face", "width", "height")
_MEASURED = ("yaw", "pitch", "roll", "sharpness", "face_px", "padded_share", "score", "presence", "hole_share")
COLUMNS = dict.fromkeys(_TEXT, "str") | dict.fromkeys(_WHOLE, "int64") | dict.fromkeys(_MEASURED, "float64")


@lru_cache(maxsize=2)
def _finder(backends: str) -> Finder:
    return Finder(backends)

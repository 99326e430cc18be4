"""Just masks on photos: every face of every photo, at full size, under the same name, with alpha and parameters."""

import errno
from collections import Counter
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from pydantic import Field

from unveilify.core import paths, stage
from unveilify.core.config import Config
from unveilify.core.engine.local import map_parts
from unveilify.core.errors import PhotoError, UserError
from unveilify.core.landmarks import Landmarks, quantise
from unveilify.core.pictures import Picture, PictureError, encode_as, encode_png, open_picture, read_picture
from unveilify.core.progress import track
from unveilify.core.records import Image, Photo
from unveilify.core.stamps import FileStamp, matches
from unveilify.core.storage import canonical_json, followed, read_json, read_member, sha256_bytes, write_bytes
from unveilify.core.words import cell
from unveilify.core.written import OutputFolder
from unveilify.faces.config import Backends
from unveilify.faces.find import Finder
from unveilify.masks.config import MaskConfig
from unveilify.masks.draw import FAILURES
from unveilify.sources.listing import PICTURES
from unveilify.synth.beside import STAGE, Place, listed
from unveilify.synth.draw import Masked, draw_on

MANIFEST = "manifest.csv"
ALIGNED = np.array([[38.29, 51.70], [73.53, 51.50], [56.03, 71.74], [41.55, 92.37], [70.73, 92.20]], np.float32) / 112
"""Eyes, nose tip and mouth corners of an aligned crop, as shares of its side (the template of ArcFace crops)."""


class Masking(Config):
    """What is drawn, and where faces are found."""

    mask: MaskConfig = Field(default_factory=MaskConfig)
    landmarks: Backends = "mediapipe"
    aligned: bool = Field(False, description="a picture without a face found is an aligned crop")
    seed: int = 0

    @property
    def hash(self) -> str:
        """Same settings, same masks."""
        return sha256_bytes(canonical_json(self.model_dump(mode="json")))


@dataclass(frozen=True, slots=True)
class Job:
    """One photo; ``noted`` is what an earlier run wrote of it, see `Place.files`."""

    place: Place
    source: Path
    out: OutputFolder
    masking: Masking
    noted: tuple[tuple[FileStamp, ...], ...]


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the manifest: ``status`` is ``masked`` or a reason; ``not_kept``: what the result could not hold."""

    photo: str
    status: str
    faces: int = 0
    output: str = ""
    not_kept: str = ""


def mask_photos(
    source: Path, output_dir: Path, masking: Masking, workers: int = 1, *, force: bool = False
) -> Counter[str]:
    """Draw masks on ``source``, a photo or a folder of them; counts by what became of each file.

    Beside ``a/b.jpg`` lie ``a/b.jpg.mask.png`` (alpha, 0…255) and ``a/b.jpg.mask.json`` (every face's landmarks and
    recipe). ``manifest.csv`` has every file of the source, with a reason where it was left out. The same call again
    does what is new, changed or damaged.

    Raises:
        UserError: no such source, no photos in it, output and source overlap, or ``output_dir`` holds anything that
            was not made from this source with these settings (``force`` removes what was, and nothing else).
    """
    if not source.exists():
        raise UserError(f"There is no photo or folder {source}.")
    paths.check(output_dir, source)
    root = source if source.is_dir() else source.parent
    places, left_out = listed(root, None if source.is_dir() else source.name)
    if not places:
        raise UserError(f"There are no photos in {source} (of the kinds {', '.join(sorted(PICTURES))}).")
    rows = [Row(Photo(path, "", "").label, reason) for path, reason in left_out.items()]
    origin = sha256_bytes(str(followed(source)).encode("utf-8", "surrogateescape"))
    with stage.opened(output_dir, STAGE, masking, origin, force=force, quiet=True) as out:
        notes = out.notes()
        # without the lock and the plan of the opened stage: what a worker process needs to write and note
        writer = OutputFolder(out.directory)
        jobs = [
            Job(place, root, writer, masking, tuple(tuple(notes.get(name, ())) for name in place.files))
            for place in places
        ]
        with track("mask", len(jobs)) as line:
            for row in map_parts(_mask, jobs, workers):
                rows.append(row)
                line.advance(1, int(row.status != "masked"))
        counts = Counter(row.status for row in rows)
        with out.file(MANIFEST) as path:
            _table(rows).to_csv(path, index=False)
        out.commit({"files": len(rows), "faces": sum(row.faces for row in rows), **dict(sorted(counts.items()))})
    return counts


def mask_photo(photo: Path, result: Path, masking: Masking, *, replace: bool = False) -> tuple[str, ...]:
    """Draw the masks that `mask_photos` would on one photo, into one file of the kind that its name says; nothing else is
    written.

    Returns:
        What of the photo the file cannot hold; see `core.pictures.Picture`.

    Raises:
        UserError: it cannot be read, or no mask can be drawn on it; ``result`` is the photo, belongs to a stage, or is there
            already and ``replace`` does not say that it may go.
    """
    paths.check_file(result, photo, replace=replace)
    picture = read_picture(photo)
    drawn = _draw(picture, Photo(photo.name, "", ""), masking)
    if isinstance(drawn, str):
        raise UserError(
            f"No mask can be drawn on {photo} ({drawn}): give a picture in which a face is larger or clearer."
        )
    data, lost = encode_as(picture, drawn.image, result.suffix)
    write_bytes(result, data)
    return lost


def _table(rows: list[Row]) -> pd.DataFrame:
    lines = sorted((replace(row, photo=cell(row.photo), output=cell(row.output)) for row in rows), key=_order)
    return pd.DataFrame(lines, columns=list(Row.__dataclass_fields__))


def _order(row: Row) -> str:
    return row.photo


def _mask(job: Job) -> Row:
    """Draw on one photo; whatever is wrong with it is its row's reason and stops nothing else."""
    cv2.setNumThreads(1)
    photo, place = Photo(job.place.path, "", ""), job.place
    row = Row(photo.label, "unreadable")
    try:
        data = read_member(job.source, place.path)
        digest = sha256_bytes(data)
        done = _done(job, row, digest)
        if done is not None:
            return done
        picture = open_picture(data)
        drawn = _draw(picture, photo, job.masking)
    except PictureError as error:
        return replace(row, status=error.reason)
    except OSError:
        return row
    if isinstance(drawn, str):
        return replace(row, status=drawn)
    return _write(job, row, picture, drawn, {"photo_sha256": digest, "faces": drawn.notes})


def _draw(picture: Picture, photo: Photo, masking: Masking) -> Masked | str:
    """The photo with its masks, or the reason why there are none."""
    try:
        found = _finder(masking.landmarks).find(picture.image, everyone=True, path=photo.path)
        where = [quantise(face.landmarks) for face in found]
        if not where and masking.aligned:
            where = [_aligned(picture.image)]
        return draw_on(picture.image, where, masking.mask, masking.seed, photo.key) if where else "no_face"
    except PhotoError:
        return "unusable_landmarks"
    except FAILURES:
        return "cannot_be_drawn"


def _write(job: Job, row: Row, like: Picture, drawn: Masked, notes: dict[str, object]) -> Row:
    name, name_alpha, name_notes = job.place.files
    try:
        data, lost = encode_as(like, drawn.image, Path(name).suffix)
        job.out.write_bytes(name_alpha, encode_png(drawn.alpha))
        job.out.write_bytes(name, data)
        job.out.write_json(name_notes, {"settings": job.masking.hash, "not_kept": list(lost), **notes})
    except OSError as error:
        if error.errno not in (errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ):
            raise
        return replace(row, status="unusable_name")
    except RecursionError:  # Python makes a folder in a folder a thousand deep, and no deeper
        return replace(row, status="unusable_name")
    except ValueError:
        return replace(row, status="cannot_be_written")
    return replace(row, status="masked", faces=len(drawn.notes), output=name, not_kept=" ".join(lost))


def _done(job: Job, row: Row, digest: str) -> Row | None:
    """The row of an earlier run, if what it wrote of this photo is there as it was."""
    chosen: list[tuple[str, FileStamp]] = []
    for name, states in zip(job.place.files, job.noted, strict=True):
        state = next((state for state in states if matches(job.out.directory / name, state)), None)
        if state is None:
            return None
        chosen.append((name, state))
    done = read_json(job.out.directory / job.place.files[-1])
    if (done.get("settings"), done.get("photo_sha256")) != (job.masking.hash, digest):
        return None
    for name, state in chosen:
        job.out.note(name, state)
    lost = " ".join(done["not_kept"])
    return replace(row, status="masked", faces=len(done["faces"]), output=job.place.files[0], not_kept=lost)


def _aligned(image: Image) -> Landmarks:
    height, width = image.shape[:2]
    return quantise(Landmarks((ALIGNED * [width, height]).astype(np.float32), "five"))


@lru_cache(maxsize=2)
def _finder(backends: str) -> Finder:
    return Finder(backends)

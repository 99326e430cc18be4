"""Real masked photos: no truth, but often other photos of the same person."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from unveilify.core import paths, pictures
from unveilify.core.errors import UserError
from unveilify.core.progress import track
from unveilify.core.records import Photo
from unveilify.core.sample import Sample
from unveilify.core.storage import canonical_json, files_below, read_file, sha256_bytes, sha256_photo
from unveilify.evaluation.config import RealConfig
from unveilify.evaluation.samples import spread
from unveilify.faces.align import FaceCrop, crop
from unveilify.faces.find import Backend
from unveilify.sources.listing import PICTURES, names_in, readable
from unveilify.unmask.any_way import AnyWay

MASKED, UNMASKED = "masked", "unmasked"


@dataclass(frozen=True, slots=True)
class RealPhoto:
    """A masked photo; ``person`` is empty where nobody knows whose it is, ``key`` its path in its folder as text."""

    key: str
    path: Path
    person: str = ""


@dataclass(frozen=True)
class RealPhotos:
    """What lies in the folders: masked photos in order, and the unmasked ones of each person."""

    masked: tuple[RealPhoto, ...]
    unmasked: dict[str, tuple[Path, ...]]
    hash: str


@dataclass(frozen=True)
class RealFaces:
    """Aligned. ``samples`` have no truth: their ``unmasked`` is the masked picture itself and their hole is empty.

    ``person`` is who it is, or the photo's key where the person is not known (``known`` says which). ``rejects``
    counts by reason the photos that could not be used.
    """

    samples: tuple[Sample, ...]
    known: tuple[bool, ...]
    rejects: dict[str, int] = field(default_factory=dict)


def find(config: RealConfig) -> RealPhotos:
    """List the folders: ``…/PERSON/masked/…``, ``…/PERSON/unmasked/…``; any other picture is a masked one of nobody.

    At most ``config.photos`` masked photos of known people, and as many of others, spread evenly by name.

    Raises:
        UserError: a folder or the list of people cannot be read, or there is no masked photo.
    """
    wanted = names_in(config.people) if config.people else None
    masked: list[RealPhoto] = []
    unmasked: dict[str, list[Path]] = {}
    for folder in config.folders:
        paths.check_there(folder, "real photos")
        for path in sorted(path for path in files_below(folder) if path.suffix.lower() in PICTURES):
            raw = path.relative_to(folder).parts
            parts = tuple(map(readable, raw))
            kind = next((part for part in reversed(parts[1:-1]) if part in (MASKED, UNMASKED)), "")
            person = "/".join(parts[: parts.index(kind)]) if kind else ""
            if person and wanted is not None and person not in wanted and Path(person).name not in wanted:
                continue
            if kind == UNMASKED:
                unmasked.setdefault(person, []).append(path)
            else:
                masked.append(RealPhoto(Photo("/".join(raw), "", "").label, path, person))
    groups = [[p for p in masked if bool(p.person) is known] for known in (True, False)]
    chosen = tuple(group[i] for group in groups for i in spread(len(group), config.photos))
    if not chosen:
        where = ", ".join(str(folder) for folder in config.folders)
        raise UserError(f"There are no real masked photos in {where}: file them as PERSON/masked/ANY_NAME.jpg.")
    needed = {photo.person for photo in chosen}
    others = {person: tuple(paths) for person, paths in unmasked.items() if person in needed}
    files = [photo.path for photo in chosen] + [path for paths in others.values() for path in paths]
    names = [[photo.key, photo.person] for photo in chosen]
    return RealPhotos(chosen, others, sha256_bytes(canonical_json([names, [sha256_photo(path) for path in files]])))


def align(photos: RealPhotos, config: RealConfig, others: int, size_px: int) -> RealFaces:
    """Find and align every face, as `unmask.remove` does: the most prominent one of each photo, any way round.

    The first ``config.given`` unmasked photos of a person are handed to the networks, at most ``others`` of the
    rest are compared with; a person with one alone keeps it for handing over.
    """
    finder = AnyWay.load(config.landmarks)
    rejects: dict[str, int] = {}
    people: dict[str, tuple[FaceCrop, ...]] = {}
    found: list[tuple[RealPhoto, FaceCrop]] = []
    total = len(photos.masked) + sum(len(paths) for paths in photos.unmasked.values())
    with track("find faces in real photos", total, "photos") as line:
        for person, paths in photos.unmasked.items():
            faces = [_face(finder, path, size_px, rejects, masked=False) for path in paths]
            people[person] = tuple(face for face in faces if face is not None)
            line.advance(len(paths))
        for photo in photos.masked:
            face = _face(finder, photo.path, size_px, rejects, masked=True)
            if face is not None:
                found.append((photo, face))
            line.advance(1)
    if not found:
        raise UserError("No face was found in any of the real masked photos: give some in which it is larger.")
    samples = [_sample(photo, face, people.get(photo.person, ()), config.given, others) for photo, face in found]
    return RealFaces(tuple(_with_strangers(samples)), tuple(bool(photo.person) for photo, _ in found), rejects)


def _face(finder: Backend, path: Path, size_px: int, rejects: dict[str, int], *, masked: bool) -> FaceCrop | None:
    reason = "no_face"
    try:
        image = pictures.decode(read_file(path))
        faces = finder.find(image, masked=masked)
        if faces:
            return crop(image, faces[0].landmarks, size_px)
    except pictures.PictureError as error:
        reason = error.reason
    except OSError:
        reason = "unreadable"
    rejects[reason] = rejects.get(reason, 0) + 1
    return None


def _sample(photo: RealPhoto, face: FaceCrop, bare: Sequence[FaceCrop], given: int, others: int) -> Sample:
    return Sample(
        key=photo.key,
        person=photo.person or photo.key,
        masked=face.image,
        unmasked=face.image,
        alpha=np.zeros(face.image.shape[:2], np.uint8),
        identity=tuple(one.image for one in bare[:given]),
        real=len(bare[:given]),
        landmarks=(None, face.shares, *(one.shares for one in bare[:given])),
        others=tuple(one.image for one in bare[given : given + others]),
    )


def _with_strangers(samples: list[Sample]) -> list[Sample]:
    """Each with the identity images of the next sample of another person that has some."""
    found = []
    for n, sample in enumerate(samples):
        after = [samples[(n + i) % len(samples)] for i in range(1, len(samples))]
        stranger = next((s for s in after if s.person != sample.person and s.real), None)
        found.append(replace(sample, stranger=stranger))
    return found

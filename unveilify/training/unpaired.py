"""Real photos of people who wear masks, with no truth beside them: found, aligned once, and dealt out by position."""

from dataclasses import Field, dataclass, fields
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unveilify.core import paths, pictures
from unveilify.core.errors import UserError
from unveilify.core.landmark_rows import alike
from unveilify.core.landmarks import Points
from unveilify.core.progress import track
from unveilify.core.stamps import WORK
from unveilify.core.storage import canonical_json, files_below, read_file, sha256_bytes, sha256_photo
from unveilify.core.symmetry import mirrored
from unveilify.core.written import OutputFolder
from unveilify.faces.align import FaceCrop, crop
from unveilify.faces.find import Backend, find_face
from unveilify.shards.order import batches, flips
from unveilify.sources.listing import PICTURES, names_in, readable
from unveilify.training.config import CycleConfig
from unveilify.unmask.any_way import AnyWay

BARE = "unmasked"
"""Pictures in a folder of this name show bare faces, all others masked ones; `unveilify report` reads folders alike."""


@dataclass(frozen=True)
class Unpaired:
    """Face crops (N, S, S, 3) of masked people, and of bare ones (perhaps none).

    ``landmarks`` (N, P, D) are those found on the masked ones, as shares of the side: NaN where they are of another
    scheme than the first ones'.
    """

    masked: NDArray[np.uint8]
    bare: NDArray[np.uint8]
    landmarks: Points | None = None


def listed(config: CycleConfig) -> list[Path]:
    """The photos that ``config`` means, in order.

    Raises:
        UserError: there are no masked ones, or a folder or the list of people cannot be read.
    """
    people = names_in(config.people) if config.people else None
    paths.check_there(config.photos, "real masked photos")
    found = sorted(path for path in files_below(config.photos) if path.suffix.lower() in PICTURES)
    if people is not None:
        found = [path for path in found if people & set(map(readable, path.relative_to(config.photos).parts[:-1]))]
    if all(_is_bare(path, config.photos) for path in found):
        raise UserError(
            f"There are no masked photos in {config.photos}: put some there, in any folder not called '{BARE}'."
        )
    return found


def digest(config: CycleConfig) -> str:
    """Identity of the photos: their names in the folder and their bytes."""
    rows = [[path.relative_to(config.photos).as_posix(), sha256_photo(path)] for path in listed(config)]
    return sha256_bytes(canonical_json(rows))


def prepare(config: CycleConfig, size_px: int, out: OutputFolder) -> None:
    """Find and align the faces once, any way round, into files among the run's unfinished work; what is whole is kept.

    Raises:
        UserError: no face is found in any of the masked photos.
    """
    if out.keep(*map(_name, fields(Unpaired))):
        return
    finder = AnyWay.load(config.landmarks)
    crops: dict[bool, list[FaceCrop]] = {False: [], True: []}
    photos = listed(config)
    with track("find faces in unpaired photos", len(photos), "photos") as line:
        for path in photos:
            bare = _is_bare(path, config.photos)
            face = _face(finder, path, size_px, bare)
            crops[bare] += [] if face is None else [face]
            line.advance(1, rejects=face is None)
    if not crops[False]:
        raise UserError(f"No face is found in any masked photo of {config.photos}: give photos with larger faces.")
    like = crops[False][0].shares
    images = {bare: np.array([face.image for face in faces], np.uint8) for bare, faces in crops.items()}
    found: dict[str, NDArray[np.uint8] | Points] = {
        "masked": images[False],
        "bare": images[True].reshape(-1, size_px, size_px, 3),
        "landmarks": np.stack([alike(face.shares, like) for face in crops[False]]),
    }
    for part in fields(Unpaired):
        with out.file(_name(part)) as path, path.open("wb") as file:
            np.save(file, found[part.name], allow_pickle=False)


def opened(out: OutputFolder) -> Unpaired:
    """What `prepare` wrote, read as it is needed."""
    return Unpaired(*(np.load(out.directory / _name(part), mmap_mode="r") for part in fields(Unpaired)))


def _name(part: Field[object]) -> str:
    return f"{WORK}/unpaired/{part.name}.npy"


def deal(crops: NDArray[np.uint8], seed: int, seen: int, count: int) -> Tensor:
    """``count`` of the crops, from position ``seen`` of the endless shuffled epochs on: (count, 3, S, S) in [-1, 1].

    Mirrored at random; a pure function of its arguments, as the order of the shards is.
    """
    turned = [crops[i, :, ::-1] if mirror else crops[i] for i, mirror in _chosen(len(crops), seed, seen, count)]
    return torch.from_numpy(np.stack(turned)).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)


def deal_landmarks(points: Points, seed: int, seen: int, count: int) -> Tensor:
    """The landmarks (count, P, D) of the crops that `deal` gives for the same numbers."""
    turned = [mirrored(points[i]) if mirror else points[i] for i, mirror in _chosen(len(points), seed, seen, count)]
    return torch.from_numpy(np.stack(turned))


def _chosen(total: int, seed: int, seen: int, count: int) -> list[tuple[int, bool]]:
    return [(i, flips(seed, epoch, i, 0)[0]) for epoch, i in next(batches([total], seed, count, seen, rank=0, world=1))]


def _is_bare(path: Path, root: Path) -> bool:
    return BARE in path.relative_to(root).parts[:-1]


def _face(finder: Backend, path: Path, size_px: int, bare: bool) -> FaceCrop | None:
    try:
        image = pictures.decode(read_file(path))
    except (pictures.PictureError, OSError):
        return None
    face = find_face(finder, image, masked=not bare)
    return None if isinstance(face, str) else crop(image, face.landmarks, size_px)

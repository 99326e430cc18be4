"""Take the masks off one photo: find the faces, align each, run the network, paste the result back at full size."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from unveilify.core.batch import Batch, to_floats
from unveilify.core.errors import UserError
from unveilify.core.found import worn as covers
from unveilify.core.records import Face, Image
from unveilify.core.sample import Sample
from unveilify.faces.align import FaceCrop, crop, side_of
from unveilify.faces.find import Backend
from unveilify.faces.warp import warp
from unveilify.models.contract import Output
from unveilify.models.system import NetworkSystem
from unveilify.perception.recogniser import Recogniser
from unveilify.unmask.find import find_mask
from unveilify.unmask.guided import drawn
from unveilify.unmask.references import Reference, best, whose
from unveilify.unmask.settle import settled

Floats = npt.NDArray[np.float32]

SMALLEST_PX = 24
"""Width of a face below which nothing can be told of it."""
LOOK_PX = 128
"""Side of the face crops in which masks are looked for where there are several faces."""
WORN_SHARE = 0.02
"""Less than this share of the face crop changed means that no mask is worn."""
CHANGED = 0.10
"""A blind network's output counts as changed where it differs from its input by more than this, on 0…1."""
BELOW = 0.1
"""A mask that covers more than this share of the face crop's lowest row reaches out of it."""
FEATHER = 0.02
"""Width of the soft edge of what is pasted back, as a share of the crop's side."""


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one face: ``hole_share`` (0…1) of its crop was replaced, with so many photos of the person.

    ``worn``: a mask was found to remove, or a hole was drawn here. ``below``: it reaches out of the face crop, and what
    lies beyond that stays.
    """

    hole_share: float
    references: int
    worn: bool
    below: bool


@dataclass(frozen=True, slots=True)
class Removal:
    """A photo without its masks, and what became of each face that was looked at, the most prominent first.

    ``hole`` (H, W), 0…255: how far each pixel was replaced; where it is 0 it is as it was. ``found`` faces are in the
    photo, and ``order`` says which of them those are, counted from 1.
    """

    image: Image
    faces: tuple[Done, ...]
    hole: Image
    found: int = 1
    order: tuple[int, ...] = (1,)

    @property
    def hole_share(self) -> float:
        """The share of a face crop that was replaced, 0…1: of several faces the largest."""
        return max(face.hole_share for face in self.faces)

    @property
    def numbers(self) -> list[int]:
        """The faces whose masks were taken off, counted from 1."""
        return [number for number, face in zip(self.order, self.faces, strict=True) if face.worn]

    @property
    def worn(self) -> bool:
        """Whether a mask was found to remove."""
        return any(face.worn for face in self.faces)


@dataclass(frozen=True, slots=True)
class How:
    """What of a photo is to be done.

    ``everyone``: every masked face, not only the most prominent one. ``face``: this one alone, counted from 1 by
    prominence. ``hole`` (H, W), 0…255: what is to be replaced, drawn by a person, in place of what is found.
    ``strength``, 0…1: how far the result covers the photo. ``recogniser`` tells whose the identity images are where there
    are several faces; without one they are the most prominent one's.
    """

    everyone: bool = False
    face: int | None = None
    hole: Image | None = None
    strength: float = 1.0
    recogniser: Recogniser | None = None


def remove(
    photo: Image, identity: Sequence[Reference], system: NetworkSystem, backend: Backend, how: How | None = None
) -> Removal:
    """Remove the mask of the most prominent face of an RGB photo (H, W, 3), or as ``how`` says, guided by photos of the person.

    Everything outside what the network replaces keeps its pixels exactly. Where no mask is found the photo
    comes back as it was, with ``worn`` false. A network that takes any size (``any_size``) is given the face at the
    photo's resolution, if that is higher than its own.

    Raises:
        UserError: no face in the photo, or not so many.
    """
    how = how or How()
    found = _faces(photo, backend, how)
    order = _chosen(photo, found, backend, how)
    faces = [found[number - 1] for number in order]
    image, done = photo, []
    hole = np.zeros(photo.shape[:2], np.uint8)
    several = len(faces) > 1 and how.recogniser is not None
    for face, known in zip(faces, whose(photo, faces, best(identity, several=several), how.recogniser), strict=True):
        image, what, where = _one(image, face, known, system, how)
        done.append(what)
        if where is not None:
            np.maximum(hole, where, out=hole)
    return Removal(image, tuple(done), hole, len(found), tuple(order))


def _faces(photo: Image, backend: Backend, how: How) -> list[Face]:
    several = how.everyone or how.face is not None
    faces: list[Face] = backend.find(photo, masked=True, everyone=several)
    if not faces:
        raise UserError("There is no face to be found in the photo: give a picture in which it is larger or clearer.")
    large = [face for face in faces if face.box[2] >= SMALLEST_PX]
    if not large:
        widest = max(face.box[2] for face in faces)
        raise UserError(
            f"The face in the photo is only {widest:.0f} pixels wide: give a picture in which it is larger."
        )
    return large if several else large[:1]


def _chosen(photo: Image, faces: Sequence[Face], backend: Backend, how: How) -> list[int]:
    """Which of the faces are to be done, counted from 1."""
    if how.face is not None:
        if how.face > len(faces):
            raise UserError(f"There is no face {how.face} in the photo, but {len(faces)}: give a smaller number.")
        return [how.face]
    finder, everyone = getattr(backend, "mask_finder", None), list(range(1, len(faces) + 1))
    # Of one face the network itself says whether a mask is worn; of several a bare one must not get the photos.
    if len(faces) == 1 or finder is None or how.hole is not None:
        return everyone
    looked_at = [find_mask(crop(photo, face.landmarks, LOOK_PX).image, finder) for face in faces]
    return [number for number, alpha in zip(everyone, looked_at, strict=True) if covers(alpha)] or [1]


def _one(
    photo: Image, face: Face, known: Sequence[Reference], system: NetworkSystem, how: How
) -> tuple[Image, Done, Image | None]:
    """One face of the photo without its mask, and how far each pixel was replaced, (H, W) 0…255; None: none was."""
    system = system.at(side_of(face, system.size_px))
    aligned = crop(photo, face.landmarks, system.size_px)
    if how.hole is not None:
        given = warp(np.repeat(how.hole[..., None], 3, axis=2), aligned.matrix, system.size_px)[..., 0]
        system = drawn(system, np.asarray(given / 255, np.float32))
    sample = _sample(aligned, [crop(one.image, one.face.landmarks, system.size_px) for one in known])
    output = system.predict(settled(Batch.of([sample]), system))
    hole = _hole(output, aligned.image)
    share = float((hole > 0.5).mean())
    worn = share >= WORN_SHARE if how.hole is None else share > 0
    done = Done(share, len(known), worn, below=float((hole[-1] > 0.5).mean()) > BELOW)
    if not worn:
        return photo, done, None
    # A network that says where it painted has already laid it softly over the photo: there its picture is taken whole.
    weight = _softened(hole) if output.alpha is None else np.clip(4 * hole, 0, 1)
    image, there = _paste(photo, output.pictures[0], how.strength * weight, aligned)
    return image, done, np.ceil(255 * there).astype(np.uint8)


def _sample(face: FaceCrop, known: Sequence[FaceCrop]) -> Sample:
    """One masked face and photos of the person, of one size; truth and hole are unknown."""
    return Sample(
        key="photo",
        person="",
        masked=face.image,
        unmasked=face.image,
        alpha=np.zeros(face.image.shape[:2], np.uint8),
        identity=tuple(one.image for one in known),
        real=len(known),
        landmarks=(None, face.shares, *(one.shares for one in known)),
    )


def _hole(output: Output, masked: Image) -> Floats:
    """Where the network replaced something, (S, S) in 0…1: its own alpha, or what a blind one changed."""
    side = len(masked)
    if output.alpha is not None:
        return output.alpha[0, 0].float().cpu().numpy()
    changed = (output.clamped.cpu() - to_floats([masked])).abs().mean(1)[0].numpy() / 2
    mask = (cv2.GaussianBlur(changed, (0, 0), side / 64) > CHANGED / 2).astype(np.uint8)
    mask[: round(0.42 * side)] = 0  # above the eyes' lower lids there is never a mask
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side // 10 | 1,) * 2)
    closed = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, kernel)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(closed)
    if count < 2:
        return np.zeros((side, side), np.float32)
    largest = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    return np.asarray(cv2.dilate((labels == largest).astype(np.float32), kernel), np.float32)


def _softened(hole: Floats) -> Floats:
    """The hole with a soft edge inside it."""
    soft = cv2.GaussianBlur(hole, (0, 0), max(0.5, FEATHER * len(hole)))
    return np.where(hole > 0, soft, 0).astype(np.float32)


def _paste(photo: Image, face: Image, weight: Floats, aligned: FaceCrop) -> tuple[Image, Floats]:
    """The network's face (S, S, 3) back in its place, over the photo, where ``weight`` (S, S) says, and that at its place."""
    height, width = photo.shape[:2]
    back = cv2.invertAffineTransform(aligned.matrix)
    size, how = (width, height), cv2.INTER_CUBIC
    there = cv2.warpAffine(face, back, size, flags=how, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
    share = cv2.warpAffine(weight, back, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT).clip(0, 1)
    mixed = photo + (there - photo) * share[..., None]
    return np.where(share[..., None] > 0, np.rint(mixed), photo).clip(0, 255).astype(np.uint8), share

"""Take the mask off one photo: find the face, align it, run the network, paste the result back at full size."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from unveilify.core.batch import Batch, to_floats
from unveilify.core.errors import UserError
from unveilify.core.records import Face, Image
from unveilify.core.sample import Sample
from unveilify.faces.align import FaceCrop, crop, side_of
from unveilify.faces.find import Backend
from unveilify.models.contract import Output
from unveilify.models.system import NetworkSystem
from unveilify.unmask.settle import settled

Floats = npt.NDArray[np.float32]

WORN_SHARE = 0.02
"""Less than this share of the face crop changed means that no mask is worn."""
CHANGED = 0.10
"""A blind network's output counts as changed where it differs from its input by more than this, on 0…1."""
FEATHER = 0.02
"""Width of the soft edge of what is pasted back, as a share of the crop's side."""


@dataclass(frozen=True, slots=True)
class Removal:
    """A photo without its mask. ``hole_share`` is the share of the face crop that was replaced, 0…1."""

    image: Image
    hole_share: float

    @property
    def worn(self) -> bool:
        """Whether a mask was found to remove."""
        return self.hole_share >= WORN_SHARE


@dataclass(frozen=True, slots=True)
class Reference:
    """An identity image (H, W, 3) and the face in it."""

    image: Image
    face: Face


def references(images: Sequence[Image], backend: Backend) -> tuple[Reference, ...]:
    """Identity images with their most prominent faces found, for any number of photos of the same person.

    Raises:
        UserError: one of them shows no face.
    """
    return tuple(
        Reference(image, _find(image, backend, masked=False, what=f"identity image {number}"))
        for number, image in enumerate(images, 1)
    )


def remove(photo: Image, identity: Sequence[Reference], system: NetworkSystem, backend: Backend) -> Removal:
    """Remove the mask of the most prominent face of an RGB photo (H, W, 3), guided by photos of the person.

    Everything outside what the network replaces keeps its pixels exactly. Where no mask is found the photo
    comes back as it was, with ``worn`` false. A network that takes any size (``any_size``) is given the face at the
    photo's resolution, if that is higher than its own.

    Raises:
        UserError: no face in the photo.
    """
    face = _find(photo, backend, masked=True, what="the photo")
    system = system.at(side_of(face, system.size_px))
    aligned = crop(photo, face.landmarks, system.size_px)
    sample = _sample(aligned, [crop(one.image, one.face.landmarks, system.size_px) for one in identity])
    output = system.predict(settled(Batch.of([sample]), system))
    hole = _hole(output, aligned.image)
    share = float((hole > 0.5).mean())
    if share < WORN_SHARE:
        return Removal(photo, share)
    # A network that says where it painted has already laid it softly over the photo: there its picture is taken whole.
    weight = _softened(hole) if output.alpha is None else np.clip(4 * hole, 0, 1)
    return Removal(_paste(photo, output.pictures[0], weight, aligned), share)


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


def _find(image: Image, backend: Backend, *, masked: bool, what: str) -> Face:
    faces: list[Face] = backend.find(image, masked=masked)
    if not faces:
        raise UserError(f"There is no face to be found in {what}: give a picture in which it is larger or clearer.")
    return faces[0]


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


def _paste(photo: Image, face: Image, weight: Floats, aligned: FaceCrop) -> Image:
    """The network's face (S, S, 3) back in its place, over the photo, where ``weight`` (S, S) says."""
    height, width = photo.shape[:2]
    back = cv2.invertAffineTransform(aligned.matrix)
    size, how = (width, height), cv2.INTER_CUBIC
    there = cv2.warpAffine(face, back, size, flags=how, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
    share = cv2.warpAffine(weight, back, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)[..., None]
    mixed = photo + (there - photo) * np.clip(share, 0, 1)
    return np.where(share > 0, np.rint(mixed), photo).clip(0, 255).astype(np.uint8)

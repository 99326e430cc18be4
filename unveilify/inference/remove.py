"""Take the mask off one photo: find the face, align it, run the network, paste the result back at full size."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from unveilify.core.errors import UserError
from unveilify.core.records import Face, Image
from unveilify.faces.align import FaceCrop, crop, crop_matrix
from unveilify.faces.find import Backend
from unveilify.models.parts.contract import Batch, Output
from unveilify.models.parts.pictures import to_bytes, to_tensor
from unveilify.models.parts.points import stacked

Floats = npt.NDArray[np.float32]

WORN_SHARE = 0.02
"""Less than this share of the face crop changed means that no mask is worn."""
CHANGED = 0.10
"""A blind network's output counts as changed where it differs from its input by more than this, on 0…1."""
FEATHER = 0.02
"""Width of the soft edge of what is pasted back, as a share of the crop's side."""
LARGEST_PX = 1024
"""Side beyond which a face is reduced even for a network that takes any size: memory grows with the square."""


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


@torch.no_grad()
def remove(photo: Image, identity: Sequence[Reference], network: nn.Module, size_px: int, backend: Backend) -> Removal:
    """Remove the mask of the most prominent face of an RGB photo (H, W, 3), guided by photos of the person.

    Everything outside what the network replaces keeps its pixels exactly. Where no mask is found the photo
    comes back as it was, with ``worn`` false. ``size_px`` is the network's own side; one that takes any size
    (``any_size``) is given the face at the photo's resolution, if that is higher.

    Raises:
        UserError: no face in the photo.
    """
    device = next((p.device for p in network.parameters()), torch.device("cpu"))
    face = _find(photo, backend, masked=True, what="the photo")
    side = _side(face, size_px) if getattr(network, "any_size", False) else size_px
    aligned = crop(photo, face.landmarks, side)
    batch = _batch(aligned, [crop(one.image, one.face.landmarks, side) for one in identity]).to(device)
    masked = batch.masked
    output: Output = network.eval()(batch)
    hole = _hole(output, masked)
    share = float((hole > 0.5).mean())
    if share < WORN_SHARE:
        return Removal(photo, share)
    # A network that says where it painted has already laid it softly over the photo: there its picture is taken whole.
    weight = _softened(hole) if output.alpha is None else np.clip(4 * hole, 0, 1)
    return Removal(_paste(photo, to_bytes(output.image)[0], weight, aligned), share)


def _batch(face: FaceCrop, known: Sequence[FaceCrop]) -> Batch:
    """One masked face and photos of the person, of one size, with the landmarks found in them; the hole is unknown."""
    like = torch.empty(0)
    masked = to_tensor(face.image[None], like)
    guides = to_tensor(np.stack([one.image for one in known]), like)[None] if known else torch.zeros_like(masked)[None]
    landmarks, identity_landmarks = stacked([face.shares], [[one.shares for one in known] or [None]])
    return Batch(
        masked=masked,
        identity=guides,
        real=torch.tensor([len(known)]),
        hole=torch.zeros_like(masked[:, :1]),
        landmarks=landmarks,
        identity_landmarks=identity_landmarks,
    )


def _find(image: Image, backend: Backend, *, masked: bool, what: str) -> Face:
    faces: list[Face] = backend.find(image, masked=masked)
    if not faces:
        raise UserError(f"There is no face to be found in {what}: give a picture in which it is larger or clearer.")
    return faces[0]


def _side(face: Face, size_px: int) -> int:
    """Side of a face crop that has the photo's own resolution, not below the network's and not beyond `LARGEST_PX`."""
    scale = float(np.hypot(*crop_matrix(face.landmarks, size_px)[0, :2]))
    return int(np.clip(round(size_px / scale / 4) * 4, size_px, max(size_px, LARGEST_PX)))


def _hole(output: Output, masked: Tensor) -> Floats:
    """Where the network replaced something, (S, S) in 0…1: its own alpha, or what a blind one changed."""
    side = masked.shape[-1]
    if output.alpha is not None:
        return output.alpha[0, 0].float().cpu().numpy()
    changed = (output.clamped - masked).abs().mean(1)[0].cpu().numpy() / 2
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

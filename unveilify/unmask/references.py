"""Photos of the person: whose they are, and what speaks against them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from unveilify.core.errors import UserError
from unveilify.core.found import worn
from unveilify.core.records import Face, Image
from unveilify.faces.align import crop
from unveilify.faces.find import AMBIGUOUS_FACE, Backend, find_face
from unveilify.faces.quality import pose
from unveilify.models.system import NetworkSystem
from unveilify.perception.recogniser import Recogniser
from unveilify.unmask.find import find_mask

FACE_PX = 128
"""Side of the face crops that are compared and looked at."""
MOST_YAW = 50.0
"""Degrees: of a face that is turned further, half is not seen."""
SAME_PERSON = 0.25
"""Two photos whose likeness (cosine by EdgeFace-XS) is below this show two people: so do 99.9 % of pairs of 60 people of LFW,
and 1.7 % of pairs of one. A masked face is more like its owner's photo than like another's in 99.5 % of choices between two."""


@dataclass(frozen=True, slots=True)
class Reference:
    """An identity image (H, W, 3) and the face in it; ``doubt`` says what speaks against it, empty if nothing does.

    ``usable``: false where it would do harm, as a face that wears a mask itself. ``other``: of somebody else than the rest,
    who may be beside them in a photo.
    """

    image: Image
    face: Face
    doubt: str = ""
    usable: bool = True
    other: bool = False


def references(
    images: Sequence[Image],
    backend: Backend,
    *,
    mask_finder: NetworkSystem | None = None,
    recogniser: Recogniser | None = None,
) -> tuple[Reference, ...]:
    """Identity images with their most prominent faces found, for any number of photos of the same person.

    With a mask finder and a recogniser each is looked at: whether it shows a mask, several people, or somebody else.

    Raises:
        UserError: one of them shows no face.
    """
    found = [_reference(image, backend, number, mask_finder) for number, image in enumerate(images, 1)]
    if recogniser is not None:
        found = _same_person(found, recogniser)
    return tuple(found)


def best(known: Sequence[Reference], *, several: bool = False) -> tuple[Reference, ...]:
    """Those to be used: the ones that nothing speaks against; if there are none, whatever does no harm.

    Other people's photos are for ``several`` faces.
    """
    theirs = [r for r in known if several or not r.other]
    return tuple(r for r in theirs if not r.doubt) or tuple(r for r in theirs if r.usable)


def whose(
    photo: Image, faces: Sequence[Face], known: Sequence[Reference], recogniser: Recogniser | None
) -> list[tuple[Reference, ...]]:
    """The identity images of each of ``faces`` of the photo (H, W, 3): each is for the face that it is most like.

    Without a recogniser all are for the first face.
    """
    if len(faces) == 1 or not known:
        return [tuple(known)] * len(faces)
    theirs = [0] * len(known)
    if recogniser is not None:
        likeness = _vectors(known, recogniser) @ recogniser.embed([_crop(photo, face) for face in faces]).T
        theirs = likeness.argmax(axis=1).tolist()
    return [tuple(r for r, face in zip(known, theirs, strict=True) if face == n) for n in range(len(faces))]


def _reference(image: Image, backend: Backend, number: int, mask_finder: NetworkSystem | None) -> Reference:
    faces = backend.find(image)
    if not faces:
        raise UserError(
            f"There is no face to be found in identity image {number}: give a picture in which it is larger or clearer."
        )
    known = Reference(image, faces[0])
    if mask_finder is not None and worn(find_mask(_crop(image, known.face), mask_finder)):
        return replace(known, doubt="wears a mask", usable=False)
    if find_face(backend, image) == AMBIGUOUS_FACE:
        return replace(known, doubt="shows several people")
    if abs(pose(known.face.landmarks).yaw) > MOST_YAW:
        return replace(known, doubt="is turned too far to the side")
    return known


def _same_person(found: list[Reference], recogniser: Recogniser) -> list[Reference]:
    """Who is not like the one that is like most of the others (of equals the first) is somebody else."""
    if len(found) < 2:
        return found
    vectors = _vectors(found, recogniser)
    alike = vectors @ vectors.T >= SAME_PERSON
    rest = alike[int(alike.sum(axis=1).argmax())]
    return [replace(r, other=not same) for r, same in zip(found, rest.tolist(), strict=True)]


def _vectors(known: Sequence[Reference], recogniser: Recogniser) -> np.ndarray:
    return recogniser.embed([_crop(r.image, r.face) for r in known])


def _crop(image: Image, face: Face) -> Image:
    return crop(image, face.landmarks, FACE_PX).image

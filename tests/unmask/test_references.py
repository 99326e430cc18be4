"""Photos of the person: whose they are, and what speaks against them."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from unveilify.core.landmarks import Landmarks
from unveilify.faces.find import Finder
from unveilify.masks.choose import choose
from unveilify.masks.compose import compose
from unveilify.masks.config import MaskConfig
from unveilify.masks.draw import draw
from unveilify.unmask.any_way import AnyWay
from unveilify.unmask.references import Reference, best, references, whose

RGB = NDArray[np.uint8]
FINDER = Finder()


class ByLight:
    """Takes people for the same whose faces are equally light."""

    name = "light"

    def embed(self, images: Sequence[RGB]) -> NDArray[np.float32]:
        """A vector for light faces, one for dark ones."""
        return np.array([[1, 0] if image.mean() > 100 else [0, 1] for image in images], np.float32)


@pytest.fixture(scope="module")
def dark(astronaut: RGB) -> RGB:
    """Somebody else, as far as `ByLight` goes."""
    return (astronaut * 0.4).astype(np.uint8)


def masked(photo: RGB) -> RGB:
    face = FINDER.find(photo)[0]
    recipe = choose(MaskConfig(styles={"surgical": 1.0}, wears={"proper": 1.0}), 0, "a")
    return compose(photo, draw(photo, face.landmarks, recipe))


def test_what_speaks_against_a_photo_is_said(astronaut: RGB) -> None:
    finder = AnyWay.load()
    two = np.ascontiguousarray(np.hstack([astronaut, astronaut[:, ::-1]]))
    plain, covered, several = references([astronaut, masked(astronaut), two], FINDER, mask_finder=finder.mask_finder)
    assert (plain.doubt, plain.usable) == ("", True)
    assert (covered.doubt, covered.usable) == ("wears a mask", False)
    assert (several.doubt, several.usable) == ("shows several people", True)
    assert best([plain, covered, several]) == (plain,)
    assert best([covered, several]) == (several,)
    assert best([covered]) == ()


def test_a_face_that_is_turned_too_far(astronaut: RGB) -> None:
    class Turned(Finder):
        def find(self, *args: object, **more: object) -> list:  # type: ignore[type-arg]
            face = FINDER.find(astronaut)[0]
            points = face.landmarks.points.copy()
            middle, turn = points.mean(0), np.radians(65)
            x, _, z = (points - middle).T
            points[:, 0] = middle[0] + x * np.cos(turn) + z * np.sin(turn)
            points[:, 2] = middle[2] - x * np.sin(turn) + z * np.cos(turn)
            return [replace(face, landmarks=Landmarks(points, face.landmarks.scheme))]

    assert references([astronaut], Turned())[0].doubt == "is turned too far to the side"


def test_somebody_else_is_for_another_face(astronaut: RGB, dark: RGB) -> None:
    known = references([dark, astronaut, astronaut], FINDER, recogniser=ByLight())
    assert [r.other for r in known] == [True, False, False]
    assert len(best(known)) == 2
    assert len(best(known, several=True)) == 3
    first, second = references([dark, astronaut], FINDER, recogniser=ByLight())
    assert (first.other, second.other) == (False, True), "of two the first counts"


def test_each_photo_is_for_the_face_that_it_is_most_like(astronaut: RGB, dark: RGB) -> None:
    photo = np.ascontiguousarray(np.hstack([dark, astronaut]))
    faces = sorted(FINDER.find(photo, everyone=True), key=lambda face: face.box[0])
    light, shade = references([astronaut, dark], FINDER)
    found = whose(photo, faces, [light, shade], ByLight())
    assert [[r is shade for r in theirs] for theirs in found] == [[True], [False]]
    alone = whose(photo, faces, [light, shade], None)
    assert [len(theirs) for theirs in alone] == [2, 0]
    assert [len(theirs) for theirs in whose(photo, faces[:1], [light, shade], ByLight())] == [2]
    assert all(isinstance(r, Reference) for theirs in found for r in theirs)

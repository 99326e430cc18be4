from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from unveilify.core.errors import UserError
from unveilify.core.landmarks import anchors
from unveilify.core.pictures import read
from unveilify.core.records import Face
from unveilify.faces.align import INTEROCULAR
from unveilify.faces.find import Finder
from unveilify.masks.choose import choose
from unveilify.masks.compose import compose
from unveilify.masks.config import MaskConfig
from unveilify.masks.draw import draw
from unveilify.models.contract import Batch, Output
from unveilify.models.system import NetworkSystem
from unveilify.unmask.files import write_guess
from unveilify.unmask.guided import guided, named
from unveilify.unmask.references import references
from unveilify.unmask.remove import How, remove

RGB = NDArray[np.uint8]
FINDER = Finder()


class Red(nn.Module):
    """Paints what it takes for the mask red, and says where or not."""

    def __init__(self, *, says: bool, share: float = 1.0) -> None:
        super().__init__()
        self.says, self.share = says, share
        self.sides: list[int] = []

    def forward(self, batch: Batch) -> Output:
        side = batch.masked.shape[-1]
        assert batch.identity.shape[-1] == side
        self.sides.append(side)
        alpha = torch.zeros_like(batch.masked[:, :1])
        alpha[..., round(0.55 * side) : round(0.85 * side), round(0.3 * side) : round(0.7 * side)] = self.share
        red = torch.tensor([1.0, -1, -1]).view(1, 3, 1, 1)
        return Output(batch.masked + alpha * (red - batch.masked), alpha if self.says else None)


@pytest.fixture(scope="module")
def masked(astronaut: RGB) -> RGB:
    face = FINDER.find(astronaut)[0]
    recipe = choose(MaskConfig(styles={"surgical": 1.0}, wears={"proper": 1.0}), 0, "a")
    return compose(astronaut, draw(astronaut, face.landmarks, recipe))


@pytest.mark.parametrize("says", [True, False])
def test_only_the_mask_changes(masked: RGB, astronaut: RGB, says: bool) -> None:
    result = remove(masked, references([astronaut], FINDER), NetworkSystem(Red(says=says), 64), FINDER)
    assert result.worn
    assert result.image.shape == masked.shape
    changed = (result.image != masked).any(axis=2)
    assert 0.01 < changed.mean() < 0.2
    rows, columns = np.nonzero(changed)
    assert rows.min() > 105, "the eyes stay"
    assert rows.max() < 215, "the collar stays"
    assert 150 < columns.min() < columns.max() < 300
    middle = result.image[int(np.median(rows)), int(np.median(columns))]
    assert middle[0] > 200 > 60 > middle[1]


def test_the_edge_is_soft(masked: RGB) -> None:
    result = remove(masked, [], NetworkSystem(Red(says=True), 64), FINDER)
    red = result.image[..., 0].astype(int) - result.image[..., 1]
    steps = np.abs(np.diff(red.max(axis=0)))
    assert steps.max() < 120


def test_no_mask_is_said_and_nothing_changes(astronaut: RGB) -> None:
    result = remove(astronaut, [], NetworkSystem(Red(says=True, share=0.0), 64), FINDER)
    assert not result.worn
    assert np.array_equal(result.image, astronaut)


def test_every_masked_face_or_one(masked: RGB) -> None:
    two = np.ascontiguousarray(np.hstack([masked, masked]))
    system = NetworkSystem(Red(says=True), 64)
    one, both = (remove(two, [], system, FINDER, How(everyone=everyone)) for everyone in (False, True))
    assert (one.found, one.numbers) == (1, [1])
    assert (both.found, both.numbers) == (2, [1, 2])
    changed = [[(half != masked).any() for half in np.hsplit(result.image, 2)] for result in (one, both)]
    assert sorted(changed[0]) == [False, True]
    assert changed[1] == [True, True]
    second = remove(two, [], system, FINDER, How(face=2))
    assert second.numbers == [2]
    assert [(half != masked).any() for half in np.hsplit(second.image, 2)] == [not was for was in changed[0]]
    with pytest.raises(UserError, match="no face 3 in the photo, but 2"):
        remove(two, [], system, FINDER, How(face=3))


def test_the_strength_says_how_far_the_result_covers_the_photo(masked: RGB) -> None:
    system = NetworkSystem(Red(says=True), 64)
    whole, half, none = (
        remove(masked, [], system, FINDER, How(strength=strength)).image.astype(int) for strength in (1.0, 0.5, 0.0)
    )
    assert np.abs(2 * half - whole - masked).max() <= 2
    assert np.array_equal(none, masked)


def test_what_a_person_drew_is_replaced_and_nothing_else(masked: RGB) -> None:
    hole = np.zeros(masked.shape[:2], np.uint8)
    hole[150:180, 200:240] = 255
    _, telea = named("telea", "cpu")
    for system in (telea, NetworkSystem(Red(says=True), 64), NetworkSystem(Red(says=False), 64)):
        result = remove(masked, [], system, FINDER, How(hole=hole))
        assert result.worn
    changed = (remove(masked, [], telea, FINDER, How(hole=hole)).image != masked).any(axis=2)
    rows, columns = np.nonzero(changed)
    assert 140 < rows.min() < rows.max() < 190
    assert 190 < columns.min() < columns.max() < 250
    nowhere = np.zeros_like(hole)
    nowhere[500:, 500:] = 255
    result = remove(masked, [], telea, FINDER, How(hole=nowhere))
    assert not result.worn
    assert np.array_equal(result.image, masked)


def test_a_network_that_must_be_told_is_told_by_the_finder_in_the_package(masked: RGB) -> None:
    name, telea = named("telea", "cpu")
    result = remove(masked, [], guided(telea, "cpu"), FINDER)
    assert name == "telea"
    assert result.worn
    assert 0.1 < result.hole_share < 0.5
    for name, said in (("unveilify", "has to be trained"), ("mean", "photos of a data set")):
        with pytest.raises(UserError, match=said):
            named(name, "cpu")


def test_a_photo_without_a_face_is_named(masked: RGB) -> None:
    grey = np.full((200, 200, 3), 128, np.uint8)
    with pytest.raises(UserError, match="no face to be found in the photo"):
        remove(grey, [], NetworkSystem(Red(says=True), 64), FINDER)
    with pytest.raises(UserError, match="identity image 2"):
        references([masked, grey], FINDER)


def test_a_face_too_small_for_anything_to_be_told_of_it_is_named(masked: RGB) -> None:
    width = FINDER.find(masked, masked=True)[0].box[2]
    small = cv2.resize(masked, None, fx=20 / width, fy=20 / width, interpolation=cv2.INTER_AREA)

    class Near:
        """Finds the face where it is."""

        def find(self, image: RGB, *, masked: bool = False, everyone: bool = False, path: str = "") -> list[Face]:
            face = FINDER.find(cv2.resize(image, None, fx=width / 20, fy=width / 20), masked=True)[0]
            return [replace(face, box=(0.0, 0.0, 20.0, 20.0))]

    with pytest.raises(UserError, match="only 20 pixels wide: give a picture in which it is larger"):
        remove(small, [], NetworkSystem(Red(says=True), 64), Near())


@pytest.mark.parametrize("ending", sorted({"png", "jpg", "webp", "tif", "heic", "avif", "bmp"}))
def test_the_result_says_what_it_is(tmp_path: Path, astronaut: RGB, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    write_guess(path, astronaut, "plus")
    data = path.read_bytes()
    assert (b"compositeWithTrainedAlgorithmicMedia" in data) == (b"not evidence" in data) == (ending != "bmp")
    assert np.abs(read(path).astype(int) - astronaut).mean() < 2
    write_guess(path, astronaut, "plus", altered=False)
    assert b"compositeWith" not in path.read_bytes()
    assert b"evidence" not in path.read_bytes()


def test_a_result_of_no_known_kind_is_refused(tmp_path: Path, astronaut: RGB) -> None:
    with pytest.raises(UserError, match=r"\.png"):
        write_guess(tmp_path / "a.gif", astronaut, "plus")


@pytest.mark.parametrize("any_size", [True, False])
def test_a_network_of_any_size_sees_the_photos_own_resolution(masked: RGB, astronaut: RGB, any_size: bool) -> None:
    network = Red(says=True)
    network.any_size = any_size  # type: ignore[assignment]
    remove(masked, references([astronaut], FINDER), NetworkSystem(network, 64), FINDER)
    eyes = [anchors(FINDER.find(masked, masked=True)[0].landmarks)[f"eye_{side}"] for side in ("left", "right")]
    own = float(np.hypot(*(eyes[1] - eyes[0]))) / INTEROCULAR
    assert network.sides == [pytest.approx(own, abs=2.1) if any_size else 64]
    large = cv2.resize(masked, None, fx=8, fy=8)
    remove(large, [], NetworkSystem(network, 64), FINDER)
    assert network.sides[-1] == (1024 if any_size else 64)


def test_remove_is_in_picture_space(masked: RGB) -> None:
    """A turned photo gives the turned result."""
    centre = (220.0, 150.0)
    turn = cv2.getRotationMatrix2D(centre, 20, 1)
    turned = np.asarray(cv2.warpAffine(masked, turn, (512, 512), borderMode=cv2.BORDER_REPLICATE), np.uint8)
    straight = remove(masked, [], NetworkSystem(Red(says=True), 64), FINDER).image
    found = remove(turned, [], NetworkSystem(Red(says=True), 64), FINDER).image
    wanted = cv2.warpAffine(straight, turn, (512, 512), borderMode=cv2.BORDER_REPLICATE)
    assert np.abs(found.astype(int) - wanted)[60:280, 120:330].mean() < 8


class Marker(Red):
    """Notes the batch that it is given."""

    def forward(self, batch: Batch) -> Output:
        self.batch = batch
        return super().forward(batch)


def test_the_network_is_told_the_landmarks_that_were_found(masked: RGB, astronaut: RGB) -> None:
    network = Marker(says=True)
    mirrored = np.ascontiguousarray(astronaut[:, ::-1])
    remove(masked, references([astronaut, mirrored], FINDER), NetworkSystem(network, 64), FINDER)
    batch = network.batch
    assert batch.landmarks is not None
    assert batch.identity_landmarks is not None
    assert batch.landmarks.shape == (1, 468, 3)
    assert batch.identity_landmarks.shape == (1, 2, 468, 3)
    assert batch.unmasked_landmarks is None
    for points in (batch.landmarks[0], *batch.identity_landmarks[0]):
        eyes = (points[[33, 263], :2].mean(0) + points[[133, 362], :2].mean(0)) / 2
        torch.testing.assert_close(eyes, torch.tensor([0.5, 0.4]), atol=0.01, rtol=0)
    remove(masked, [], NetworkSystem(network, 64), FINDER)
    assert network.batch.identity_landmarks is not None
    assert network.batch.identity_landmarks.isnan().all()
    assert network.batch.landmarks is not None
    assert network.batch.landmarks.isfinite().all()


def test_a_result_is_what_its_photo_was(tmp_path: Path, astronaut: NDArray[np.uint8]) -> None:
    from unveilify.core.pictures import Picture, read_picture
    from unveilify.unmask.files import write_guess

    alpha = np.full(astronaut.shape[:2], 255, np.uint8)
    alpha[:50] = 0
    grey = np.repeat(astronaut[..., 1:2], 3, axis=2)
    assert (
        write_guess(tmp_path / "a.png", astronaut, "m", Picture(grey, grey=True, one_channel=True, alpha=alpha)) == ()
    )
    again = read_picture(tmp_path / "a.png")
    assert again.one_channel
    assert again.alpha is not None
    assert np.array_equal(again.alpha, alpha)
    assert write_guess(tmp_path / "a.jpg", astronaut, "m", Picture(grey, alpha=alpha)) == ("alpha",)

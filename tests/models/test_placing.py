"""Pictures of faces in the pose of another face."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from unveilify.core import mesh
from unveilify.core.landmark_rows import shares
from unveilify.core.symmetry import mirrored
from unveilify.faces.align import crop
from unveilify.faces.find import Finder
from unveilify.models.contract import Batch
from unveilify.models.layers.blank import blank
from unveilify.models.layers.candidates import from_photos, show
from unveilify.models.layers.placing import Window, enlarged, fetch, match_colour, place
from unveilify.models.layers.warp import resize

WHOLE = Window()
SIDE = 128


@pytest.fixture(scope="module")
def face(astronaut: NDArray[np.uint8]) -> tuple[Tensor, Tensor]:
    """A face crop (1, 3, S, S) and its mesh (1, 468, 3)."""
    aligned = crop(astronaut, Finder().find(astronaut)[0].landmarks, SIDE)
    picture = torch.from_numpy(aligned.image).permute(2, 0, 1)[None].float() / 127.5 - 1
    return picture, torch.from_numpy(shares(aligned.landmarks.points, SIDE))[None]


def lower(seen: Tensor) -> Tensor:
    below = torch.zeros_like(seen)
    below[:, :, round(0.55 * SIDE) :] = 1
    return seen * below > 0.5


def test_a_photo_placed_on_itself_is_itself(face: tuple[Tensor, Tensor]) -> None:
    picture, points = face
    there = place(points, points, SIDE, WHOLE)
    again = fetch(picture, there, SIDE)
    inside = lower(there.seen).expand_as(picture)
    assert inside.float().mean() > 0.05
    assert (again - picture)[inside].abs().mean() < 0.01


def test_between_the_side_of_a_nose_and_the_cheek_behind_it_nothing_is_seen() -> None:
    columns = (torch.arange(32) + 0.5) / 16 - 1
    places = torch.stack([columns.expand(32, 32), columns[:, None].expand(32, 32)])[None].clone()
    places[:, 0, :, 16:] += 0.8
    large, folded = enlarged(places, 128)
    assert folded[..., 63:65].all()
    assert not folded[..., :48].any()
    assert not ((large[0, 0] > 0.1) & (large[0, 0] < 0.7)).any()
    smooth = places.clone()
    smooth[:, 0, :, 16:] -= 0.8
    large, folded = enlarged(smooth, 128)
    assert torch.equal(large, resize(smooth, 128))
    assert not folded.any()


def test_a_window_shows_its_part_of_the_same(face: tuple[Tensor, Tensor]) -> None:
    picture, points = face
    window = Window(0.125, 0.25, 0.75)
    whole = fetch(picture, place(points, points, SIDE, WHOLE), SIDE)
    part = fetch(picture, place(points, points, 96, window), 96)
    seen = lower(place(points, points, SIDE, WHOLE).seen)
    inside = window.cut(seen.float()).expand_as(part) > 0
    assert (window.cut(whole) - part)[inside].abs().mean() < 0.01
    assert torch.equal(window.cut(window.back(part, SIDE)), part)


def test_a_mirrored_photo_is_placed_as_its_mirror_image(face: tuple[Tensor, Tensor]) -> None:
    picture, points = face
    turned = torch.from_numpy(mirrored(points.numpy()))
    there = place(points, turned, SIDE, WHOLE, mirror=True)
    again = fetch(picture.flip(-1), there, SIDE)
    inside = lower(there.seen).expand_as(picture)
    assert (again - picture)[inside].abs().mean() < 0.02


def test_an_unknown_mesh_shows_nothing(face: tuple[Tensor, Tensor]) -> None:
    _, points = face
    there = place(points, torch.full_like(points, torch.nan), 32, WHOLE)
    assert there.seen.sum() == 0
    assert torch.isfinite(there.grid).all()


def test_colours_are_taken_from_the_visible_skin_alone(face: tuple[Tensor, Tensor]) -> None:
    picture, points = face
    hole = torch.zeros(1, 1, SIDE, SIDE)
    hole[:, :, round(0.55 * SIDE) :] = 1
    tinted = picture * torch.tensor([0.8, 0.9, 1.0]).view(1, 3, 1, 1) + 0.1
    masked = torch.where(hole > 0, torch.tensor(0.9), picture)
    matched = match_colour(tinted, points, masked, points, hole)
    assert (matched - picture).abs().mean() < 0.03
    other = match_colour(tinted, points, torch.where(hole > 0, torch.tensor(-0.9), picture), points, hole)
    torch.testing.assert_close(matched, other)


def test_of_several_photos_the_one_that_faces_the_camera_is_shown(face: tuple[Tensor, Tensor]) -> None:
    picture, points = face
    middle = points.mean(1, keepdim=True)
    yaw = 1.1
    turn = torch.tensor([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]]).float()
    aside = (points - middle) @ turn.T + middle
    dark = torch.full_like(picture, -0.8)
    batch = Batch(
        picture,
        torch.stack([dark, picture], 1),
        torch.tensor([2]),
        torch.zeros(1, 1, SIDE, SIDE),
        landmarks=points,
        identity_landmarks=torch.stack([aside, points], 1),
    )
    sources = from_photos(batch, batch.hole, 64, WHOLE, mirror=False)
    # colours were matched, so the flat photo is told by having no features
    shown = show(sources, picture, SIDE)
    inside = lower(shown.seen).expand_as(picture)
    assert (shown.picture - picture)[inside].abs().mean() < 0.1
    assert len(from_photos(replace(batch, real=torch.tensor([0])), batch.hole, 64, WHOLE)) == 0


def test_nothing_of_the_hole_is_left_when_it_is_blanked() -> None:
    torch.manual_seed(0)
    picture, hole = torch.rand(2, 3, 50, 50), torch.zeros(2, 1, 50, 50)
    hole[:, :, 20:45, 10:40] = 1
    other = torch.where(hole > 0, torch.rand_like(picture) * 9, picture)
    assert torch.equal(blank(picture, hole), blank(other, hole))
    assert torch.equal(blank(picture, hole)[(hole == 0).expand_as(picture)], picture[(hole == 0).expand_as(picture)])
    flat = torch.full_like(picture, 0.3)
    torch.testing.assert_close(blank(flat, hole), flat)
    assert torch.isfinite(blank(picture, torch.ones_like(hole))).all()


def test_a_batch_is_drawn_at_once(face: tuple[Tensor, Tensor], monkeypatch: pytest.MonkeyPatch) -> None:
    """However many faces there are: numpy's overhead is paid once. Faces that are not known stay empty."""
    _, points = face
    three = torch.cat([points, torch.full_like(points, torch.nan), points * 0.9])
    drawn: list[int] = []

    def counted(*given: NDArray[np.float64]) -> object:
        drawn.append(len(given[0]))
        return draw(*given)

    draw = mesh.draw
    monkeypatch.setattr(mesh, "draw", counted)
    together = place(three, three, SIDE, WHOLE)
    assert drawn == [2]
    assert not together.seen[1].any()
    alone = place(three[2:], three[2:], SIDE, WHOLE)
    assert torch.equal(together.seen[2], alone.seen[0])
    torch.testing.assert_close(together.grid[2], alone.grid[0])

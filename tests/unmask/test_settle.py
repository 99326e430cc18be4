"""Under a mask the mesh is guessed; on the face that was laid there it is found."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from unveilify.core.batch import Batch, to_floats
from unveilify.core.mesh import surface
from unveilify.faces.align import crop
from unveilify.faces.find import Finder
from unveilify.masks.compose import compose
from unveilify.masks.draw import draw
from unveilify.masks.recipe import Recipe
from unveilify.models.system import NetworkSystem
from unveilify.models.zoo.place import Config, Network
from unveilify.models.zoo.telea import Config as TeleaConfig
from unveilify.models.zoo.telea import Network as Telea
from unveilify.synth.draw import draw_mask
from unveilify.unmask import settle
from unveilify.unmask.settle import settled

SIDE = 256


@pytest.fixture(scope="module")
def worn(astronaut: NDArray[np.uint8]) -> Batch:
    """One masked face with the photo itself as the person's photo, and the true mesh."""
    finder = Finder()
    bare = crop(astronaut, finder.find(astronaut)[0].landmarks, SIDE)
    masked = draw_mask(bare.image, style="surgical", seed=3).image
    found = finder.find(masked, masked=True)[0]
    own = crop(masked, found.landmarks, SIDE)
    truth = crop(bare.image, found.landmarks, SIDE)
    identity = to_floats([truth.image])
    true = finder.find(truth.image)[0].landmarks.points
    shares = torch.from_numpy(((true + np.array([0.5, 0.5, 0.0])) / SIDE).astype(np.float32))
    return Batch(
        masked=to_floats([own.image]),
        identity=identity[:, None],
        real=torch.tensor([1]),
        hole=torch.zeros(1, 1, SIDE, SIDE),
        landmarks=torch.from_numpy(own.shares.astype(np.float32))[None],
        identity_landmarks=shares[None, None],
        unmasked_landmarks=shares[None],
    )


def wrong(batch: Batch) -> float:
    """Mean distance of the lower face's points from the truth, in shares of the side."""
    assert batch.landmarks is not None
    assert batch.unmasked_landmarks is not None
    return float((batch.landmarks - batch.unmasked_landmarks)[:, surface().hidden, :2].norm(dim=2).mean())


def test_the_mesh_is_nearer_to_the_truth_than_under_the_mask(worn: Batch) -> None:
    after = settled(worn, NetworkSystem(Network(Config()), SIDE))
    assert wrong(after) < 0.6 * wrong(worn)
    assert torch.equal(after.masked, worn.masked)


def test_without_a_photo_the_colour_of_the_cloth_hardly_moves_the_mesh(astronaut: NDArray[np.uint8]) -> None:
    face = Finder().find(astronaut)[0].landmarks
    recipe = Recipe.model_validate(draw_mask(astronaut, style="cloth").notes[0]["mask"])
    before, after = [], []
    for colour in ((0.95, 0.95, 0.95), (0.08, 0.08, 0.08), (0.95, 0.8, 0.2), (0.7, 0.1, 0.12)):
        dyed = recipe.model_copy(update={"params": {**recipe.params, "colour": colour, "pattern": None}})
        masked = compose(astronaut, draw(astronaut, face, dyed))
        here = crop(masked, face, SIDE)
        found = crop(masked, Finder().find(masked, masked=True)[0].landmarks, SIDE)
        inverse = np.linalg.inv(np.vstack([found.matrix, [0, 0, 1]]))
        there = (here.matrix @ inverse)[:, :2] @ (found.shares[:, :2] * SIDE - 0.5).T
        points = found.shares.copy()
        points[:, :2] = (there.T + (here.matrix @ inverse)[:, 2] + 0.5) / SIDE
        batch = Batch(
            masked=to_floats([here.image]),
            identity=torch.zeros(1, 1, 3, SIDE, SIDE),
            real=torch.tensor([0]),
            hole=torch.zeros(1, 1, SIDE, SIDE),
            landmarks=torch.from_numpy(points.astype(np.float32))[None],
        )
        before.append(batch.landmarks)
        after.append(settled(batch, NetworkSystem(Network(Config()), SIDE)).landmarks)
    swayed, held = (torch.stack(points).std(0)[..., :2].mean() for points in (before, after))  # type: ignore[arg-type]
    assert held < 0.6 * swayed


def test_what_has_no_mesh_stays(worn: Batch) -> None:
    system = NetworkSystem(Network(Config()), SIDE)
    unknown = replace(worn, landmarks=None)
    assert settled(unknown, system) is unknown
    assert settled(worn, NetworkSystem(Telea(TeleaConfig()), SIDE, told=True)) is worn


def test_another_face_is_not_taken_for_this_one(worn: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settle, "look_again", lambda picture, points: points + np.array([0.2 * SIDE, 0, 0]))
    after = settled(worn, NetworkSystem(Network(Config()), SIDE))
    assert after.landmarks is not None
    assert torch.allclose(after.landmarks, worn.landmarks)

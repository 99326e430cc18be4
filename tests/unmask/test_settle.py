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
    lower = np.setdiff1d(np.arange(468), surface().visible)
    return float((batch.landmarks - batch.unmasked_landmarks)[:, lower, :2].norm(dim=2).mean())


def test_the_mesh_is_nearer_to_the_truth_than_under_the_mask(worn: Batch) -> None:
    after = settled(worn, NetworkSystem(Network(Config()), SIDE))
    assert wrong(after) < 0.6 * wrong(worn)
    assert torch.equal(after.masked, worn.masked)


def test_who_has_no_photo_or_no_mesh_stays(worn: Batch) -> None:
    system = NetworkSystem(Network(Config()), SIDE)
    alone = worn.without_identity()
    assert settled(alone, system) is alone
    unknown = replace(worn, landmarks=None)
    assert settled(unknown, system) is unknown
    assert settled(worn, NetworkSystem(Telea(TeleaConfig()), SIDE, told=True)) is worn


def test_another_face_is_not_taken_for_this_one(worn: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settle, "look_again", lambda picture, points: points + np.array([0.2 * SIDE, 0, 0]))
    after = settled(worn, NetworkSystem(Network(Config()), SIDE))
    assert after.landmarks is not None
    assert torch.allclose(after.landmarks, worn.landmarks)

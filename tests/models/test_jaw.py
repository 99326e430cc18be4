"""Which pairs of meshes say where a jaw is under a mask."""

import numpy as np
import torch

from unveilify.core.mesh import surface
from unveilify.models.layers.jaw import Jaw, known_pairs


def faces(count: int) -> torch.Tensor:
    """Faces (N, 468, 3) whose lower half is longer the wider their eyes lie apart."""
    random = np.random.default_rng(5)
    mean = np.repeat(surface().mean[None], count, 0)
    width = random.uniform(-0.1, 0.1, count)[:, None]
    mean[:, surface().visible, 0] *= 1 + width
    mean[:, surface().hidden, 1] += 2 * width
    return torch.from_numpy(0.2 * mean + [0.5, 0.4, 0.0]).float()


def imagined(true: torch.Tensor) -> torch.Tensor:
    """What is found under a mask: everybody's jaw is the mean's, too short."""
    found = true.clone()
    found[:, surface().hidden] = torch.from_numpy(0.2 * surface().mean + [0.5, 0.37, 0.0]).float()[surface().hidden]
    return found


def test_the_lower_face_is_predicted_from_the_upper_one() -> None:
    true = faces(60)
    jaw = Jaw()
    jaw.fit(known_pairs(true[:50], imagined(true)[:50]))
    wrong = (jaw(imagined(true[50:])) - true[50:])[:, surface().hidden].abs().mean()
    assert wrong < 0.2 * (imagined(true[50:]) - true[50:])[:, surface().hidden].abs().mean()


def test_meshes_of_another_face_or_of_none_do_not_count() -> None:
    true = faces(6)
    found = imagined(true)
    found[1] = found[1] + 0.1
    found[2] = found[2].flip(-2)
    found[3] = torch.nan
    assert len(known_pairs(true, found)) == 3

"""Networks with a hole that somebody drew."""

import numpy as np

from unveilify.core.batch import Batch
from unveilify.core.mesh import surface
from unveilify.core.sample import Sample
from unveilify.models.system import NetworkSystem
from unveilify.models.zoo import place
from unveilify.unmask.guided import drawn

SIDE = 320


def test_to_what_a_person_drew_no_strap_is_added() -> None:
    """A white line goes on from the hole beside the face: were the hole found, the line would be a strap."""
    picture = np.full((SIDE, SIDE, 3), (190, 140, 115), np.uint8)
    picture[140:220, 90:230] = picture[146:150, 50:90] = 240
    hole = np.zeros((SIDE, SIDE), np.float32)
    hole[140:220, 90:230] = 1
    mesh = (0.2 * surface().mean + [0.5, 0.35, 0.0]).astype(np.float32)
    sample = Sample("photo", "", picture, picture, np.zeros((SIDE, SIDE), np.uint8), (), 0, landmarks=(None, mesh))
    network = NetworkSystem(place.Network(place.Config(size_px=SIDE)).eval(), SIDE)
    output = drawn(network, hole).predict(Batch.of([sample]))
    assert output.alpha is not None
    assert float(output.alpha[0, 0, 148, 110]) == 1
    assert float(output.alpha[0, 0, 148, 52:70].max()) == 0

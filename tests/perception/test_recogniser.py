"""Recognisers tell people apart, and the one of the loss sends a useful gradient."""

from pathlib import Path

import numpy as np
import pytest
import torch

from unveilify import weights as catalogue
from unveilify.core.errors import UserError
from unveilify.perception import recogniser
from unveilify.perception.mobilefacenet import MobileFaceNet


@pytest.fixture
def crop(astronaut) -> np.ndarray:
    """About our face crop of the portrait: eyes at 0.4 of the height, a quarter of the side apart."""
    return np.ascontiguousarray(astronaut[32:208, 134:310])


def tensor(picture: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(picture.copy()).permute(2, 0, 1)[None] / 127.5 - 1


def test_the_measuring_recogniser_knows_a_face_again(at_hand, crop):
    judge = recogniser.for_measuring()
    darker = (crop * 0.7).astype(np.uint8)
    upside_down = np.ascontiguousarray(crop[::-1])
    a, b, c = judge.embed([crop, darker, upside_down])
    np.testing.assert_allclose([np.linalg.norm(v) for v in (a, b, c)], 1, atol=1e-5)
    assert a @ b > 0.9
    assert a @ c < 0.4
    assert judge.embed([]).shape == (0, 512)


def test_the_loss_and_the_measure_use_different_recognisers(at_hand):
    assert not set(recogniser.FOR_LOSS) & set(recogniser.FOR_MEASURING)
    assert recogniser.for_loss().name != recogniser.for_measuring().name


def test_a_step_along_the_identity_gradient_raises_the_cosine(at_hand, crop):
    """What the authors' identity loss lacked: its gradient never reached the generator."""
    judge = recogniser.for_loss()
    with torch.no_grad():
        wanted = judge.embed(tensor(crop))
    masked = tensor(crop)
    masked[:, :, 100:, 40:136] = 0.3
    image = masked.clone().requires_grad_(True)
    before = (judge.embed(image) * wanted).sum()
    before.backward()
    assert image.grad.isfinite().all()
    assert image.grad[:, :, 100:, 40:136].any()
    with torch.no_grad():
        for length in (0.25, 1.0):
            step = length * image.grad / image.grad.norm()
            assert (judge.embed(image + step) * wanted).sum() > before


def test_the_identity_gradient_reaches_every_weight_of_the_generator(at_hand):
    from unveilify.models.contract import Batch
    from unveilify.models.zoo.unveilify import Config, Network

    judge = recogniser.for_loss()
    network = Network(Config(size_px=32, width=0.125, depth=0.2))
    pictures = torch.rand(1, 3, 32, 32) * 2 - 1
    output = network(Batch(pictures, pictures[:, None], torch.ones(1, dtype=torch.long), pictures[:, :1] * 0))
    (1 - (judge.embed(output.image) * judge.embed(pictures)).sum(1)).mean().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() and p.grad.any() for p in network.parameters())
    assert all(p.grad is None for p in judge.parameters())


def test_folding_batch_norms_changes_nothing(at_hand):
    network = MobileFaceNet()
    network.load_state_dict(torch.load(at_hand / "mobilefacenet_foamliu.pt", map_location="cpu", weights_only=True))
    faces = torch.randn(2, 3, 112, 112)
    with torch.no_grad():
        wanted = network.eval()(faces)
        folded = recogniser.fold_norms(network)
        assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in folded.modules())
        torch.testing.assert_close(folded(faces), wanted, atol=1e-3, rtol=1e-3)


def test_a_judge_stays_frozen(at_hand):
    judge = recogniser.for_loss()
    judge.train()
    assert not any(module.training for module in judge.modules())
    assert not any(p.requires_grad for p in judge.parameters())


@pytest.mark.usefixtures("none_at_hand")
def test_a_missing_recogniser_is_named():
    with pytest.raises(catalogue.Missing, match="w600k_r50"):
        recogniser.for_loss()
    with pytest.raises(catalogue.Missing, match="edgeface_xs"):
        recogniser.for_measuring()
    with pytest.raises(UserError, match="there are"):
        recogniser.load("nobody")


def test_real_pairs_are_told_apart(at_hand, photos: Path):
    """Same person against different people on real photos: shows that alignment and preprocessing are right."""
    import cv2

    from unveilify.faces.align import crop as face_crop
    from unveilify.faces.backends.mediapipe import Backend, Config

    try:
        backend = Backend(Config())
        people = sorted(p for p in (photos / "lfw_train").iterdir() if len(list(p.iterdir())) > 2)[:120:4]
        crops, names = [], []
        for person in people:
            for path in sorted(person.iterdir())[:2]:
                picture = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
                found = backend.find(picture)
                if found:
                    crops.append(face_crop(picture, found[0].landmarks, 128).image)
                    names.append(person.name)
    except catalogue.Missing as error:
        pytest.skip(str(error))
    same = np.array(names)[:, None] == np.array(names)
    pairs = np.triu_indices(len(names), 1)
    torched = recogniser.load("mobilefacenet_foamliu")
    with torch.no_grad():
        by_loss = torched.embed(torch.cat([tensor(c) for c in crops])).numpy()
    for vectors in (recogniser.for_measuring().embed(crops), by_loss):
        cosines = (vectors @ vectors.T)[pairs]
        positive, negative = cosines[same[pairs]], np.sort(cosines[~same[pairs]])
        auc = (np.searchsorted(negative, positive) / len(negative)).mean()
        assert auc > 0.98

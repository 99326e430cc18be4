import pytest
import torch

from unveilify.core.errors import UserError
from unveilify.perception import vgg19
from unveilify.weights import Missing


def test_five_layers_each_of_half_the_size() -> None:
    found = vgg19.Vgg19()(torch.zeros(2, 3, 64, 64))
    assert [tuple(f.shape) for f in found] == [
        (2, channels, 64 >> i, 64 >> i) for i, (channels, _) in enumerate(vgg19.STAGES)
    ]
    assert all(f.min() >= 0 for f in found)


def test_the_distilled_network_tells_pictures_apart(weights, monkeypatch, astronaut) -> None:
    monkeypatch.setenv("UNVEILIFY_WEIGHTS", str(weights))
    network = vgg19.load()
    assert not any(p.requires_grad for p in network.parameters())
    photo = torch.from_numpy(astronaut[0:256, 96:352].copy()).permute(2, 0, 1)[None] / 127.5 - 1
    blurred = torch.nn.functional.interpolate(torch.nn.functional.avg_pool2d(photo, 8), scale_factor=8, mode="bilinear")
    for own, soft, dim in zip(network(photo), network(blurred), network(photo * 0.98), strict=True):
        assert own.any(), "a layer of zeros compares nothing"
        assert (own - soft).abs().mean() > (own - dim).abs().mean()


def test_a_missing_or_foreign_file_is_said(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("UNVEILIFY_WEIGHTS", "")
    monkeypatch.setenv("UNVEILIFY_CACHE", str(tmp_path))
    with pytest.raises(Missing, match="vgg19_small16x_relu5"):
        vgg19.load()
    path = tmp_path / "other.pth"
    torch.save({"conv0.weight": torch.zeros(1)}, path)
    monkeypatch.setattr(vgg19.weights, "fetch", lambda name: path)
    with pytest.raises(UserError, match="fetch it again"):
        vgg19.load()

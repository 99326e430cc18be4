"""A stand-in for VGG that needs no weights."""

from torch import Tensor, nn


class Eye(nn.Module):
    """Five layers of 'features': the picture's brightness, halved from one to the next."""

    def forward(self, images: Tensor) -> list[Tensor]:
        x = images.mean(1, keepdim=True) + 1.5
        return [nn.functional.avg_pool2d(x, 2**i) for i in range(5)]

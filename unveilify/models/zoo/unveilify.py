"""UnVeilify: a U-Net encoder of the masked image, a pSp encoder of the identity image, a StyleGAN2 generator.

Joo et al., "UnVeilify: A Path Towards Personalized Face Mask Removal", section 3. Blind: it never sees the
hole and re-synthesises the whole picture.

The paper gives no loss weights; its authors' settings are 20 / 5 / 0.5 / 1 and a rate of 2e-4 (the text
says 2e-5). There they multiply a *summed* LPIPS, at their batch of 16 worth 80 of the mean one used here,
and an identity loss whose gradient reached nothing. The weights are kept and all losses are means, so that
LPIPS has a quarter of L1's weight and the identity loss little beside both; `train.recipe` changes them.
"""

import torch
from pydantic import Field
from torch import Tensor, nn

from unveilify.models.contract import Batch, Output, Recipe, Sized
from unveilify.models.layers.layers import identity_mean
from unveilify.models.layers.patchgan import PatchGAN, first_identity, nothing
from unveilify.models.layers.psp import PSPEncoder
from unveilify.models.layers.stylegan import Generator
from unveilify.models.layers.unet import UNetEncoder
from unveilify.models.sides import PowerOfTwo, levels

USES_HOLE = False
TRAINS = True
RECIPE = Recipe(l1=20.0, lpips=5.0, identity=0.5, adversarial=1.0, gan="bce", lr_g=2e-4, lr_d=2e-4, betas=(0.5, 0.9))

SMALL = {"width": 0.25, "depth": 0.3}
"""What a CPU trains in minutes."""


class Config(Sized):
    """Shape of the network, and the paper's ablations."""

    size_px: PowerOfTwo = Field(256, description="side of the square picture in pixels: a power of two, at least 32")
    width: float = Field(1.0, gt=0, le=16, description="channel multiplier of every part")
    depth: float = Field(1.0, gt=0, le=16, description="multiplier of the number of units of the identity encoder")
    unet: bool = Field(True, description="False: no U-Net; the generator sees the identity image alone")
    identity: bool = Field(True, description="False: no identity image; one learned style for everybody")
    normalise: bool = Field(True, description="False: style codes are not normalised")

    @property
    def uses_identity(self) -> bool:
        """Unless it is switched off."""
        return self.identity


class Network(nn.Module):
    """The four parts, wired as in the paper's figure 2 (the discriminator is apart)."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        style_dim = max(32, round(512 * config.width / 8) * 8)
        size, width = config.size_px, config.width
        self.unet = UNetEncoder(size, width) if config.unet else None
        if config.identity:
            self.psp = PSPEncoder(size, width, config.depth, style_dim, normalise=config.normalise)
        else:
            self.style = nn.Parameter(torch.randn(len(levels(size)), style_dim))
        self.generator = Generator(size, width, style_dim, skips=config.unet)
        self.config = config

    def forward(self, batch: Batch) -> Output:
        """Re-synthesise the whole picture without its mask."""
        skips: list[Tensor] = self.unet(batch.masked) if self.unet is not None else []
        image = self.generator(self.styles(batch), skips)
        return Output(image=image, logs=self.generator.balance())

    def styles(self, batch: Batch) -> list[Tensor]:
        """One (B, style_dim) code per resolution 4, 8, …, S: the mean over a person's real identity images."""
        if not self.config.identity:
            return [style.expand(len(batch), -1) for style in self.style]
        codes = self.psp(batch.identity.flatten(0, 1))
        return [identity_mean(code.unflatten(0, batch.identity.shape[:2]), batch.real) for code in codes]


def discriminator(config: Config) -> nn.Module:
    """The conditional PatchGAN; without identity images its second input is zero."""
    return PatchGAN(config.size_px, config.width, first_identity if config.identity else nothing)

"""The paper's first approach: pSp encodes the *masked* image, a face recogniser's vector is added to its styles.

Joo et al., "UnVeilify", section 3.2: "Our initial approach was to extract the image features from the masked
image by this PSP encoder, and then add the identity vectors extracted from the identity image." No U-Net and
no skips: a StyleGAN2 generator starts from a learned constant, so that all it knows of the masked image has
passed through a few style codes; the paper found the results "very poor". Blind: it never sees the hole.

The recogniser is frozen and no part of the saved weights or of the parameters. Which one a network was
trained with is saved, because the vectors of another one would mean nothing to it. Where none is at hand
the network refuses to be trained: pSp alone would be another network under this one's name.
"""

from functools import cache
from zlib import crc32

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from unveilify import weights
from unveilify.core.errors import UserError
from unveilify.models.contract import Batch, Output, Sized
from unveilify.models.layers.layers import full_precision, identity_mean, scaled
from unveilify.models.layers.patchgan import PatchGAN, first_identity
from unveilify.models.layers.psp import PSPEncoder
from unveilify.models.layers.stylegan import Generator
from unveilify.models.sides import PowerOfTwo
from unveilify.models.zoo.unveilify import RECIPE as RECIPE
from unveilify.models.zoo.unveilify import SMALL as SMALL
from unveilify.perception import recogniser
from unveilify.perception.recogniser import TorchRecogniser

USES_HOLE = False
TRAINS = True

VECTOR = 512
"""Length of the recogniser's vector; a shorter one is filled up with zeros."""


class Config(Sized):
    """Shape of the network, as of `unveilify`."""

    size_px: PowerOfTwo = Field(256, description="side of the square picture in pixels: a power of two, at least 32")
    width: float = Field(1.0, gt=0, le=16, description="channel multiplier of every part")
    depth: float = Field(1.0, gt=0, le=16, description="multiplier of the number of units of the encoder")


class Network(nn.Module):
    """Encoder of the masked image, linear map of the recogniser's vector, generator."""

    trained_with: Tensor

    def __init__(self, config: Config) -> None:
        super().__init__()
        style_dim = max(32, scaled(512, config.width))
        self.psp = PSPEncoder(config.size_px, config.width, config.depth, style_dim, normalise=True)
        self.who = nn.Linear(VECTOR, style_dim, bias=False)
        self.generator = Generator(config.size_px, config.width, style_dim, skips=False)
        self.register_buffer("trained_with", torch.zeros((), dtype=torch.int64))

    def forward(self, batch: Batch) -> Output:
        """Re-synthesise the whole picture without its mask.

        Raises:
            weights.Missing: the recogniser is not here: any in training, afterwards the one it was trained with.
        """
        who = self.who(self.vector(batch))
        return Output(
            self.generator([code + who for code in self.psp(batch.masked)], []), logs=self.generator.balance()
        )

    def vector(self, batch: Batch) -> Tensor:
        """Whom the real identity images show: (B, 512) of about unit variance like the styles; zeros where none is."""
        judge = self._judge(batch.identity.device)
        if judge is None:
            return batch.identity.new_zeros(len(batch), VECTOR)
        with torch.no_grad(), full_precision(batch.identity):
            each = judge.embed(batch.identity.flatten(0, 1)).reshape(*batch.identity.shape[:2], -1)
            mean = F.normalize(identity_mean(each, batch.real), eps=1e-6)
        return F.pad(mean * mean.shape[1] ** 0.5, (0, VECTOR - mean.shape[1]))

    def _judge(self, device: torch.device) -> TorchRecogniser | None:
        """The recogniser of this network; an untrained one takes the best at hand, and goes without to be looked at."""
        pinned = 0 if self.trained_with.is_meta else int(self.trained_with)
        if pinned:
            return _frozen(_name(pinned), device)
        name = next((name for name in recogniser.FOR_LOSS if weights.locate(name)), None)
        if self.training and torch.is_grad_enabled():
            if name is None:
                weights.fetch(recogniser.FOR_LOSS[0])  # which is not here: this says how to get it
            else:
                self.trained_with.fill_(_number(name))
        return _frozen(name, device) if name else None


def discriminator(config: Config) -> nn.Module:
    """The conditional PatchGAN of `unveilify`."""
    return PatchGAN(config.size_px, config.width, first_identity)


@cache
def _frozen(name: str, device: torch.device) -> TorchRecogniser:
    """One copy per process and device, shared by a network and its average."""
    with torch.device("cpu"):
        judge = recogniser.load(name)
    judge.to(memory_format=torch.channels_last)
    return judge.to(device)


def _number(name: str) -> int:
    """What of a recogniser's name fits into the weights; it does not change when the list of them does."""
    return crc32(name.encode())


def _name(number: int) -> str:
    for name in recogniser.FOR_LOSS:
        if _number(name) == number:
            return name
    raise UserError("This network was trained with a face recogniser that this version does not have: train it again.")

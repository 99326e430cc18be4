"""The modified StyleGAN2 generator (the paper, section 3.3 and figure 5; Karras et al. 2020, section 2).

It starts from the U-Net's lowest map instead of a learned constant, and where StyleGAN adds noise it adds
the U-Net's skip of the same resolution. The modulated branch and the skip are weighed per channel by two
learned vectors, both 0.5 at first; the paper reports that they end up almost equal, so their means are
logged. RGB is summed over resolutions up to the *full* one, with no activation (the authors' code stops at
half and puts a LeakyReLU on it, which is why its pictures cannot be sharp).
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unveilify.models.layers.layers import conv, exact, full_precision, upsampled
from unveilify.models.layers.unet import plan


class ModulatedConv(nn.Module):
    """Convolution whose weight is scaled per input channel by a style and normalised per output channel.

    Karras et al. 2020, eqs. 1-3. Scaling the weights of every sample needs a grouped convolution, slow on
    any device and very slow on a CPU; scaling input and output channels instead is the same by linearity:
    ``conv(x, w·s)·d = conv(x·s, w)·d`` with ``d = rsqrt(Σ (w·s)²)``. So d is returned beside the result,
    for the caller to fold into whatever it multiplies with next.
    """

    def __init__(self, inputs: int, outputs: int, style_dim: int, kernel: int = 3) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel) / (inputs * kernel**2) ** 0.5)
        self.affine = nn.Linear(style_dim, inputs)
        nn.init.normal_(self.affine.weight, std=style_dim**-0.5)
        nn.init.ones_(self.affine.bias)

    def forward(self, x: Tensor, style: Tensor, *, up: bool = False) -> tuple[Tensor, Tensor]:
        """(B, inputs, R, R), (B, style_dim) -> conv(x·s) (B, outputs, R, R) and d (B, outputs).

        With ``up`` the picture is first doubled, bilinearly (after the scaling, which is cheaper there).
        """
        scale = self.affine(style)
        x = x * scale.to(x.dtype)[:, :, None, None]
        y = F.conv2d(upsampled(x) if up else x, self.weight, padding=self.weight.shape[-1] // 2)
        # The sum of squares stays in float32: bfloat16 would lose the small terms.
        with full_precision(x):
            power = exact(scale).square() @ self.weight.square().sum((2, 3)).T
        return y, torch.rsqrt(power + 1e-8)


class StyleBlock(nn.Module):
    """``leaky_relu(a · d · conv(x·s) + b · conv1×1(skip) + bias)``, a and b learned per channel."""

    def __init__(self, inputs: int, outputs: int, style_dim: int, skip_channels: int | None, *, up: bool) -> None:
        super().__init__()
        self.up = up
        self.conv = ModulatedConv(inputs, outputs, style_dim)
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.style_weight = nn.Parameter(torch.full((outputs,), 0.5))
        self.skip = conv(skip_channels, outputs, kernel=1, bias=False) if skip_channels else None
        self.skip_weight = nn.Parameter(torch.full((outputs,), 0.5)) if skip_channels else None

    def forward(self, x: Tensor, style: Tensor, skip: Tensor | None) -> Tensor:
        """(B, inputs, R, R) or with ``up`` R/2, (B, style_dim), (B, skip_channels, R, R) -> (B, outputs, R, R)."""
        y, demodulation = self.conv(x, style, up=self.up)
        # Halves of two independent unit variances add up to 1/2: a gain of √2 restores it, and another √2
        # what LeakyReLU takes away (as in StyleGAN2). It is folded into the weights, where it costs nothing.
        gain = 2.0
        scale = (gain * self.style_weight * demodulation).to(y.dtype)[:, :, None, None]
        if self.skip is None or self.skip_weight is None or skip is None:
            return F.leaky_relu(y * scale + gain * self.bias.to(y.dtype)[:, None, None], 0.2)
        weight = gain * self.skip_weight[:, None, None, None] * self.skip.weight
        return F.leaky_relu(torch.addcmul(F.conv2d(skip, weight, gain * self.bias), y, scale), 0.2)


class ToRGB(nn.Module):
    """Modulated 1×1 convolution without demodulation, plus a bias; linear, and summed in float32."""

    def __init__(self, inputs: int, style_dim: int) -> None:
        super().__init__()
        self.conv = ModulatedConv(inputs, 3, style_dim, kernel=1)
        self.bias = nn.Parameter(torch.zeros(3))
        # As many resolutions add up, each starts small, so that the first pictures lie within [-1, 1].
        with torch.no_grad():
            self.conv.weight.mul_(0.1)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """(B, inputs, R, R), (B, style_dim) -> (B, 3, R, R)."""
        rgb: Tensor = self.conv(x, style)[0]
        return exact(rgb) + self.bias[:, None, None]


class Stage(nn.Module):
    """One resolution: upsample (except the first), two style blocks (the first stage: one), RGB."""

    def __init__(self, inputs: int, outputs: int, style_dim: int, *, first: bool, skips: bool) -> None:
        super().__init__()
        skip_channels = outputs if skips else None
        self.up = None if first else StyleBlock(inputs, outputs, style_dim, skip_channels, up=True)
        self.block = StyleBlock(outputs, outputs, style_dim, skip_channels, up=False)
        self.rgb = ToRGB(outputs, style_dim)

    def forward(self, x: Tensor, style: Tensor, skip: Tensor | None, rgb: Tensor | None) -> tuple[Tensor, Tensor]:
        """Features and RGB of the resolution below -> those of this one."""
        if self.up is not None:
            x = self.up(x, style, skip)
        x = self.block(x, style, skip)
        fresh = self.rgb(x, style)
        return x, fresh if rgb is None else upsampled(rgb) + fresh


class Generator(nn.Module):
    """Stages 4, 8, …, S. Without ``skips`` it starts from a learned constant and sees styles alone."""

    def __init__(self, size_px: int, width: float, style_dim: int, *, skips: bool) -> None:
        super().__init__()
        channels = list(plan(size_px, width).values())[::-1]
        pairs = zip([channels[0], *channels], channels, strict=False)
        self.stages = nn.ModuleList(Stage(a, b, style_dim, first=i == 0, skips=skips) for i, (a, b) in enumerate(pairs))
        self.constant = None if skips else nn.Parameter(torch.randn(1, channels[0], 4, 4))

    def forward(self, styles: list[Tensor], skips: list[Tensor]) -> Tensor:
        """Codes for 4, 8, …, S and skips [S, …, 8, 4] (empty without) -> (B, 3, S, S), unbounded."""
        x = skips[-1] if self.constant is None else self.constant.expand(styles[0].shape[0], -1, -1, -1)
        rgb: Tensor | None = None
        for i, (stage, style) in enumerate(zip(self.stages, styles, strict=True)):
            x, rgb = stage(x, style, skips[-1 - i] if skips else None, rgb)
        assert rgb is not None
        return rgb

    def balance(self) -> dict[str, Tensor]:
        """Mean learned weights of the style and the skip branch, detached (the paper, section 3.3)."""
        blocks = [m for m in self.modules() if isinstance(m, StyleBlock)]
        weights = {"style_weight": torch.cat([b.style_weight.detach() for b in blocks]).mean()}
        skip = [b.skip_weight.detach() for b in blocks if b.skip_weight is not None]
        if skip:
            weights["skip_weight"] = torch.cat(skip).mean()
        return weights

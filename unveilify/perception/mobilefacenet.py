"""MobileFaceNet (Chen et al. 2018) in the variant of the file `mobilefacenet_foamliu.pt`: ReLU6, 128 numbers.

Inverted residuals (Sandler et al. 2018) and a depthwise 7×7 convolution in place of global pooling; the
names of the modules are those of the file.
"""

from torch import Tensor, nn

BOTTLENECKS = ((2, 64, 5, 2), (4, 128, 1, 2), (2, 128, 6, 1), (4, 128, 1, 2), (2, 128, 2, 1))
"""Expansion, channels, number of blocks, stride of the first (the paper's table 1)."""

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of the pictures in [0, 1] that it was trained on (ImageNet's)."""


def _conv(inputs: int, outputs: int, kernel: int = 3, stride: int = 1, groups: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU6(inplace=True),
    )


class _Separable(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.pointwise = nn.Conv2d(channels, channels, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        x = self.bn1(self.depthwise(x)).relu()
        y: Tensor = self.bn2(self.pointwise(x))
        return y.relu()


class _Inverted(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        self.conv = nn.Sequential(
            _conv(inputs, hidden, kernel=1),
            _conv(hidden, hidden, stride=stride, groups=hidden),
            nn.Conv2d(hidden, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv(x)
        return x + y if self.residual else y


class _Global(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(channels, channels, 7, groups=channels, bias=False)
        self.bn = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.bn(self.depthwise(x))
        return y


class MobileFaceNet(nn.Module):
    """(N, 3, 112, 112) RGB, ImageNet-normalised -> (N, 128), not yet of unit length."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = _conv(3, 64, stride=2)
        self.dw_conv = _Separable(64)
        blocks: list[nn.Module] = []
        inputs = 64
        for expansion, channels, count, stride in BOTTLENECKS:
            for i in range(count):
                blocks.append(_Inverted(inputs, channels, stride if i == 0 else 1, expansion))
                inputs = channels
        self.features = nn.Sequential(*blocks)
        self.conv2 = _conv(inputs, 512, kernel=1)
        self.gdconv = _Global(512)
        self.conv3 = nn.Conv2d(512, 128, 1)
        self.bn = nn.BatchNorm2d(128)

    def forward(self, x: Tensor) -> Tensor:
        """Embed aligned faces."""
        x = self.conv2(self.features(self.dw_conv(self.conv1(x))))
        y: Tensor = self.bn(self.conv3(self.gdconv(x)))
        return y.flatten(1)

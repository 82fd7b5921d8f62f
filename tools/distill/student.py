"""The network that is trained: Keras' ResNet50, written in PyTorch.

Names, sizes and order are those of ``keras.applications.ResNet50``: the stride is in
the first 1 x 1 convolution of a stage, the epsilon of every batch normalisation is
1.001e-5, and pixels come in as ``caffe`` preprocessing leaves them. Convolutions have
no bias here: a normalisation follows each of them and takes any bias out again, so the
conversion writes zeros.
"""

from itertools import accumulate

import torch
from torch import Tensor, nn
from torch.nn import functional

from skresnet.networks.resnet50 import RESNET50, STAGES

N_FEATURES = 2048

_STAGE_ENDS = tuple(accumulate(n_blocks for _, n_blocks, _ in STAGES.values()))
STAGE_CHANNELS = tuple(4 * filters for filters, _, _ in STAGES.values())


class _Unit(nn.Module):
    """A convolution and its normalisation, named as Keras names them."""

    def __init__(
        self, name: str, channels: int, filters: int, size: int = 1, stride: int = 1
    ) -> None:
        super().__init__()
        self.name = name
        # conv1 is padded by a layer of its own in Keras, which comes to the same.
        self.conv = nn.Conv2d(
            channels, filters, size, stride, padding=size // 2, bias=False
        )
        self.norm = nn.BatchNorm2d(filters, eps=RESNET50.epsilon)
        nn.init.kaiming_normal_(self.conv.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        normalised: Tensor = self.norm(self.conv(x))
        return normalised


class _Block(nn.Module):
    """A residual block; its last normalisation starts at zero.

    So each block begins as the identity (Goyal et al., "Accurate, Large Minibatch
    SGD", 2017, section 5.1), and a deep network trains from the first step.
    """

    def __init__(self, name: str, channels: int, filters: int, stride: int) -> None:
        super().__init__()
        last = 4 * filters
        self.first = _Unit(f"{name}_1", channels, filters, 1, stride)
        self.second = _Unit(f"{name}_2", filters, filters, 3)
        self.third = _Unit(f"{name}_3", filters, last)
        self.shortcut = (
            _Unit(f"{name}_0", channels, last, 1, stride) if channels != last else None
        )
        nn.init.zeros_(self.third.norm.weight)

    def forward(self, x: Tensor) -> Tensor:
        y = functional.relu(self.first(x), inplace=True)
        y = functional.relu(self.second(y), inplace=True)
        y = self.third(y)
        y += x if self.shortcut is None else self.shortcut(x)
        return functional.relu(y, inplace=True)


class Student(nn.Module):
    """ResNet50 up to ``avg_pool``."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = _Unit("conv1", 3, 64, 7, 2)
        blocks = []
        channels = 64
        for stage, (filters, n_blocks, stride) in STAGES.items():
            for i in range(1, n_blocks + 1):
                name = f"{stage}_block{i}"
                blocks.append(_Block(name, channels, filters, stride if i == 1 else 1))
                channels = 4 * filters
        self.blocks = nn.ModuleList(blocks)
        self.register_buffer(
            "means",
            torch.tensor(RESNET50.preprocessing.means).view(1, 3, 1, 1),
            persistent=False,
        )

    def forward(self, pixels: Tensor) -> Tensor:
        """Return the features (n, 2048) of pixels (n, 3, height, width), RGB, 0-255."""
        return self.maps(pixels)[-1].mean((2, 3))

    def maps(self, pixels: Tensor) -> list[Tensor]:
        """Return what each of the four stages puts out, (n, channels, h, w)."""
        x = pixels.flip(1) - self.means
        x = functional.relu(self.stem(x), inplace=True)
        # Padding with -inf equals Keras' padding with zeros: nothing is below zero.
        x = functional.max_pool2d(x, 3, 2, padding=1)
        maps = []
        for i, block in enumerate(self.blocks, start=1):
            x = block(x)
            if i in _STAGE_ENDS:
                maps.append(x)
        return maps

    @torch.no_grad()
    def scale_features(self, factor: float) -> None:
        """Multiply all features with a number, and change nothing else.

        What the blocks of the last stage hand on is multiplied; the convolutions that
        read it are divided. Rectifiers let a positive factor through.
        """
        first, *others = self.blocks[_STAGE_ENDS[-2] :]
        for norm in (first.shortcut.norm, *(b.third.norm for b in (first, *others))):
            norm.weight.mul_(factor)
            norm.bias.mul_(factor)
        for block in others:
            block.first.conv.weight.div_(factor)

    def units(self) -> list[_Unit]:
        """Return every convolution with its normalisation."""
        return [module for module in self.modules() if isinstance(module, _Unit)]

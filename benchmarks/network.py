"""ResNet50 as plain steps, to be rebuilt in other libraries with the same weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skresnet.backbone import BackboneSettings, Precision
from skresnet.networks import RESNET50, Layer
from skresnet.weights import resolve_weights
from skresnet.weights.resolved import random_weights

# What random_state=0 draws in the embedder.
SEED = int(np.random.RandomState(0).randint(np.iinfo(np.int32).max))

# What keras.applications.resnet.preprocess_input subtracts, here in RGB.
MEANS_RGB = (123.68, 116.779, 103.939)

GFLOP_PER_PICTURE = 7.7  # 3.86 billion multiplications and as many additions


@dataclass(frozen=True)
class Step:
    """One step from arrays to an array, all of shape (n, channels, height, width).

    Convolutions have a kernel of shape (out, in, height, width), in which the batch
    normalisation behind it is contained, and a bias.
    """

    name: str
    kind: str  # "conv", "relu", "add", "max_pool" or "avg_pool"
    inputs: tuple[str, ...]
    size: int
    stride: int
    padding: int
    kernel: NDArray[np.float32] | None = None
    bias: NDArray[np.float32] | None = None


def settings(precision: Precision = "float32", *, side: int = 224) -> BackboneSettings:
    """Say which network all contenders compute, for pictures of side x side."""
    return BackboneSettings(
        resolve_weights(None, seed=SEED), input_size=(side, side), precision=precision
    )


def steps() -> Iterator[Step]:
    """Yield the steps from ``"input"``, RGB pixels less their means, to the features.

    Inference engines fold normalisations and paddings by themselves; PyTorch's own
    loop does not, so that it is better served than by its usual models.
    """
    pads: dict[str, Layer] = {}
    weights = random_weights(RESNET50, SEED)
    for operation in RESNET50.operations("avg_pool", weights):
        layer = operation.layer
        if layer.kind == "pad":
            pads[operation.name] = layer  # part of the step that follows
            continue
        before = pads.get(layer.inputs[0])
        kernel, bias = operation.filters or (None, None)
        if kernel is not None:
            if layer.name == "conv1_conv":
                kernel = kernel[:, :, ::-1]  # Keras' network takes BGR
            kernel = np.ascontiguousarray(kernel.transpose(3, 2, 0, 1))
        yield Step(
            operation.name,
            layer.kind,
            before.inputs if before else layer.inputs,
            layer.size,
            layer.stride,
            _pixels(before or layer),
            kernel,
            bias,
        )


def _pixels(layer: Layer) -> int:
    """Return the padding on each side, for a stride of 1 where it is "same"."""
    return layer.size // 2 if layer.padding == "same" else layer.padding

"""A network as plain steps, to be rebuilt in other libraries with the same weights."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skresnet.backbone import BackboneSettings, Precision
from skresnet.networks import NETWORKS, Layer, Network
from skresnet.weights import resolve_weights
from skresnet.weights.resolved import random_weights

# What random_state=0 draws in the embedder.
SEED = int(np.random.RandomState(0).randint(np.iinfo(np.int32).max))


@dataclass(frozen=True)
class Step:
    """One step from arrays to an array, all of shape (n, channels, height, width).

    Convolutions have a kernel of shape (out, in, height, width), in which the batch
    normalisation behind it is contained, and a bias.
    """

    name: str
    kind: str  # "conv", "depthwise", "relu", "relu6", "add", "max_pool" or "avg_pool"
    inputs: tuple[str, ...]
    channels: int
    size: int
    stride: int
    pads: tuple[int, int]  # above, below; on the left, on the right
    kernel: NDArray[np.float32] | None = None
    bias: NDArray[np.float32] | None = None


def settings(
    network: str, precision: Precision = "float32", *, side: int = 224
) -> BackboneSettings:
    """Say which network all contenders compute, for pictures of side x side."""
    return BackboneSettings(
        resolve_weights(None, seed=SEED, network=NETWORKS[network]),
        input_size=(side, side),
        preprocessing=NETWORKS[network].preprocessing.name,
        precision=precision,
    )


def preprocessing(network: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return what RGB pixels are lessened by and divided by, for each channel."""
    known = NETWORKS[network].preprocessing
    means = known.means[::-1] if known.reverses_channels else known.means
    return np.array(means, np.float32), np.array([known.scale] * 3, np.float32)


def gflop_per_picture(network: str, side: int = 224) -> float:
    """Return the multiplications and additions of the convolutions, in billions."""
    table = NETWORKS[network]
    n = 0
    for layer in table.layers:
        if layer.kind in ("conv", "depthwise"):
            kernel = table.weight_shapes[layer.name][0]
            height, width, _ = table.output_shape(layer.name, (side, side))
            n += height * width * math.prod(kernel)
    return 2 * n / 1e9


def steps(network: str, side: int) -> Iterator[Step]:
    """Yield the steps from ``"input"``, RGB pixels as preprocessed, to the features.

    Inference engines fold normalisations and paddings by themselves; PyTorch's own
    loop does not, so that it is better served than by its usual models.
    """
    table = NETWORKS[network]
    pads: dict[str, Layer] = {}
    weights = random_weights(table, SEED)
    for operation in table.operations("avg_pool", weights):
        layer = operation.layer
        if layer.kind == "pad":
            pads[operation.name] = layer  # part of the step that follows
            continue
        before = pads.get(layer.inputs[0])
        kernel, bias = operation.filters or (None, None)
        if kernel is not None:
            if table.preprocessing.reverses_channels and kernel.shape[2] == 3:
                kernel = kernel[:, :, ::-1]  # Keras' network takes BGR
            order = (2, 3, 0, 1) if layer.kind == "depthwise" else (3, 2, 0, 1)
            kernel = np.ascontiguousarray(kernel.transpose(order))
        yield Step(
            operation.name,
            layer.kind,
            before.inputs if before else layer.inputs,
            layer.channels,
            layer.size,
            layer.stride,
            _pads(table, before or layer, side),
            kernel,
            bias,
        )


def _pads(table: Network, layer: Layer, side: int) -> tuple[int, int]:
    """Return the padding of a layer, before and after."""
    if layer.padding != "same":
        return layer.padding, layer.padding
    source = layer.inputs[0]
    before = side if source == "input" else table.output_shape(source, (side, side))[0]
    after = layer.output_side(before)
    total = max((after - 1) * layer.stride + layer.size - before, 0)
    return total // 2, total - total // 2

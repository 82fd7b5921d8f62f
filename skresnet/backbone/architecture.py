"""What ResNet50 is made of: its layers, their shapes and the shapes of their weights.

The table is computed without TensorFlow, so that parameters can be checked and
feature names written before the first picture is embedded. The network is the one
of ``keras.applications.ResNet50(include_top=False, pooling="avg")``: names, order
of layers and sizes are those of Keras (He et al., "Deep Residual Learning for Image
Recognition", 2015, with the stride in the first convolution of a block).
"""

import difflib
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal["pad", "conv", "norm", "relu", "add", "max_pool", "avg_pool"]
Pooling = Literal["avg", "max", "flatten"]
Arrays = tuple[NDArray[np.float32], ...]  # the weights of one layer

POOLINGS: tuple[Pooling, ...] = ("avg", "max", "flatten")
EPSILON = 1.001e-5  # of every batch normalisation, as in Keras
MIN_SIZE = 32  # Keras accepts no smaller picture without the classification top

# stage: filters of the two inner convolutions, blocks, stride of the first block
STAGES = {
    "conv2": (64, 3, 1),
    "conv3": (128, 4, 2),
    "conv4": (256, 6, 2),
    "conv5": (512, 3, 2),
}
_TOP_NAMES = {"predictions", "fc1000", "probs"}


@dataclass(frozen=True)
class Layer:
    """One layer; ``padding`` is in pixels on each of the four sides."""

    name: str
    kind: Kind
    inputs: tuple[str, ...]
    channels: int
    size: int = 1
    stride: int = 1
    padding: int = 0


def _block(name: str, source: Layer, filters: int, stride: int) -> list[Layer]:
    """Return the layers of one residual block, in Keras' order."""
    last = 4 * filters
    first = [
        Layer(f"{name}_1_conv", "conv", (source.name,), filters, 1, stride),
        Layer(f"{name}_1_bn", "norm", (f"{name}_1_conv",), filters),
        Layer(f"{name}_1_relu", "relu", (f"{name}_1_bn",), filters),
        Layer(f"{name}_2_conv", "conv", (f"{name}_1_relu",), filters, 3, padding=1),
        Layer(f"{name}_2_bn", "norm", (f"{name}_2_conv",), filters),
        Layer(f"{name}_2_relu", "relu", (f"{name}_2_bn",), filters),
    ]
    third = [
        Layer(f"{name}_3_conv", "conv", (f"{name}_2_relu",), last),
        Layer(f"{name}_3_bn", "norm", (f"{name}_3_conv",), last),
    ]
    shortcut = source.name
    if source.channels != last:  # the first block of a stage
        zeroth = [
            Layer(f"{name}_0_conv", "conv", (source.name,), last, 1, stride),
            Layer(f"{name}_0_bn", "norm", (f"{name}_0_conv",), last),
        ]
        third = [zeroth[0], third[0], zeroth[1], third[1]]
        shortcut = f"{name}_0_bn"
    return [
        *first,
        *third,
        Layer(f"{name}_add", "add", (shortcut, f"{name}_3_bn"), last),
        Layer(f"{name}_out", "relu", (f"{name}_add",), last),
    ]


@cache
def layers() -> tuple[Layer, ...]:
    """Return the layers of ResNet50 in Keras' order, without the input layer."""
    table = [
        Layer("conv1_pad", "pad", ("input",), 3, padding=3),
        Layer("conv1_conv", "conv", ("conv1_pad",), 64, 7, 2),
        Layer("conv1_bn", "norm", ("conv1_conv",), 64),
        Layer("conv1_relu", "relu", ("conv1_bn",), 64),
        Layer("pool1_pad", "pad", ("conv1_relu",), 64, padding=1),
        Layer("pool1_pool", "max_pool", ("pool1_pad",), 64, 3, 2),
    ]
    for stage, (filters, blocks, stride) in STAGES.items():
        for i in range(1, blocks + 1):
            name = f"{stage}_block{i}"
            table += _block(name, table[-1], filters, stride if i == 1 else 1)
    return (*table, Layer("avg_pool", "avg_pool", (table[-1].name,), 2048))


def layer_names() -> tuple[str, ...]:
    """Return the names of the layers that features can be taken from.

    Returns
    -------
    names : tuple of 175 str
        The layers of ``keras.applications.ResNet50(include_top=False,
        pooling="avg")`` in their order there, without the input layer.
    """
    return tuple(layer.name for layer in layers())


@cache
def weight_shapes() -> dict[str, tuple[tuple[int, ...], ...]]:
    """Return the shapes of the weights of every layer that has some, in Keras' order.

    A convolution has a kernel and a bias; a batch normalisation has gamma, beta,
    moving mean and moving variance.
    """
    channels = {"input": 3} | {layer.name: layer.channels for layer in layers()}
    shapes: dict[str, tuple[tuple[int, ...], ...]] = {}
    for layer in layers():
        n = layer.channels
        if layer.kind == "conv":
            kernel = (layer.size, layer.size, channels[layer.inputs[0]], n)
            shapes[layer.name] = (kernel, (n,))
        elif layer.kind == "norm":
            shapes[layer.name] = ((n,),) * 4
    return shapes


def check_layer(layer: str) -> None:
    """Raise ValueError when ResNet50 has no such layer, naming those that are near."""
    names = layer_names()
    if layer in names:
        return
    if layer in _TOP_NAMES:
        hint = (
            "that is the classification layer, which is not part of the embedder; "
            "the layer before it is 'avg_pool'"
        )
    elif near := difflib.get_close_matches(str(layer), names, n=3):
        hint = f"did you mean {' or '.join(map(repr, near))}?"
    else:
        hint = "skresnet.backbone.layer_names() lists all"
    raise ValueError(
        f"layer={layer!r} is not a layer of ResNet50: {hint} "
        f"(there are {len(names)}, from {names[0]!r} to {names[-1]!r})."
    )


def feature_shape(layer: str, input_size: tuple[int, int]) -> tuple[int, ...]:
    """Return the shape of what a layer puts out for one picture.

    Parameters
    ----------
    layer : str
        The name of a layer of ResNet50, one of :func:`layer_names`.
    input_size : tuple of int
        (height, width) of the pictures in pixels, each at least 32.

    Returns
    -------
    shape : tuple of int
        (height, width, channels), or (2048,) for ``"avg_pool"``.

    Raises
    ------
    ValueError
        If ResNet50 has no such layer, or if a side is shorter than 32 pixels.
    """
    check_layer(layer)
    if len(input_size) != 2 or min(input_size) < MIN_SIZE:
        raise ValueError(
            f"input_size={input_size!r} is not possible: expected (height, width) in "
            f"pixels, each at least {MIN_SIZE}, the least that ResNet50 accepts."
        )
    sides = {"input": tuple(input_size)}
    for step in layers():
        if step.kind == "avg_pool":
            break
        sides[step.name] = tuple(
            (side + 2 * step.padding - step.size) // step.stride + 1
            for side in sides[step.inputs[0]]
        )
        if step.name == layer:
            return (*sides[layer], step.channels)
    return (step.channels,)


def n_features(layer: str, pooling: str, input_size: tuple[int, int]) -> int:
    """Return how many features a picture gets.

    Parameters
    ----------
    layer : str
        The name of a layer of ResNet50, one of :func:`layer_names`.
    pooling : {"avg", "max", "flatten"}
        How a layer that puts out (height, width, channels) becomes one row: the mean
        or the maximum of each channel over the picture, or every value.
    input_size : tuple of int
        (height, width) of the pictures in pixels, each at least 32.

    Returns
    -------
    n : int
        The number of columns of the embedding.

    Raises
    ------
    ValueError
        If ResNet50 has no such layer, a side is shorter than 32 pixels, ``pooling``
        is unknown, or it is not ``"avg"`` for ``layer="avg_pool"``, which is the mean
        already.
    """
    shape = feature_shape(layer, input_size)
    if pooling not in POOLINGS:
        raise ValueError(
            f"pooling={pooling!r} is unknown: expected one of "
            f"{', '.join(map(repr, POOLINGS))}."
        )
    if len(shape) == 1 and pooling != "avg":
        raise ValueError(
            f"pooling={pooling!r} does not go with layer={layer!r}, which is the mean "
            "over the picture already: take layer='conv5_block3_out' for another "
            "pooling of the last block, or leave pooling='avg'."
        )
    if pooling == "flatten":
        height, width, channels = shape
        return height * width * channels
    return shape[-1]

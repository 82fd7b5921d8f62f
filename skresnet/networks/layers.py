"""What a network is made of: its layers, their shapes, the operations of inference.

All of it is computed without TensorFlow, so that parameters can be checked and feature
names written before the first picture is embedded.
"""

import difflib
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal[
    "pad", "conv", "depthwise", "norm", "relu", "relu6", "add", "max_pool", "avg_pool"
]
Pooling = Literal["avg", "max", "flatten"]
Arrays = tuple[NDArray[np.float32], ...]  # the weights of one layer

POOLINGS: tuple[Pooling, ...] = ("avg", "max", "flatten")
MIN_SIZE = 32  # Keras accepts no smaller picture without the classification top

_TOP_NAMES = {"predictions", "fc1000", "probs"}


@dataclass(frozen=True)
class Layer:
    """One layer of a network.

    Parameters
    ----------
    name : str
        As in Keras.
    kind : str
        What it computes; ``"norm"`` is batch normalisation, ``"avg_pool"`` the mean
        over the whole picture.
    inputs : tuple of str
        The layers whose outputs it takes; ``"input"`` are the preprocessed pixels.
    channels : int
        Of its output.
    size, stride : int, default=1
        Of a window, in pixels.
    padding : int or "same", default=0
        Zeros around what comes in: so many pixels on each side, or ``"same"`` for as
        many as give an output of ``ceil(side / stride)``, the odd one below and on the
        right, as in TensorFlow.
    """

    name: str
    kind: Kind
    inputs: tuple[str, ...]
    channels: int
    size: int = 1
    stride: int = 1
    padding: int | Literal["same"] = 0

    def output_side(self, side: int) -> int:
        """Return the height of the output for a height, or the width for a width."""
        if self.padding == "same":
            return -(-side // self.stride)
        return (side + 2 * self.padding - self.size) // self.stride + 1


@dataclass(frozen=True)
class Preprocessing:
    """What the weights of a network were trained on: (pixels - means) / scale.

    Parameters
    ----------
    name : str
        The value of the parameter ``preprocessing`` that asks for it.
    means : tuple of float
        One a channel.
    scale : float, default=1.0
        One for all channels.
    reverses_channels : bool, default=False
        Whether channels become BGR before that.
    """

    name: str
    means: tuple[float, float, float]
    scale: float = 1.0
    reverses_channels: bool = False


@dataclass(frozen=True, eq=False)
class Operation:
    """What an engine computes at once, and the layer whose output that is.

    Parameters
    ----------
    name : str
        The layer.
    layer : Layer
        Says what to compute and from which layers. Of a normalisation, which is one
        with the convolution before it, this is the convolution.
    filters : tuple of ndarray
        The kernel, in the shape of Keras, and the bias of shape (channels,) of a
        convolution, float32; of other kinds, nothing.
    """

    name: str
    layer: Layer
    filters: Arrays


@dataclass(frozen=True, eq=False)
class Network:
    """A network without its classification layer, from pixels to one row a picture.

    Parameters
    ----------
    name : str
        In settings and parameters.
    title : str
        In messages.
    layers : tuple of Layer
        Each after those it needs, without an input layer. The last is ``"avg_pool"``.
    preprocessing : Preprocessing
        What its pretrained weights expect.
    epsilon : float
        Of every batch normalisation.
    has_biases : bool
        Whether convolutions have a bias besides their kernel.
    """

    name: str
    title: str
    layers: tuple[Layer, ...]
    preprocessing: Preprocessing
    epsilon: float
    has_biases: bool

    @cached_property
    def weight_shapes(self) -> dict[str, tuple[tuple[int, ...], ...]]:
        """The shapes of the weights of every layer that has some, in Keras' order.

        A convolution has a kernel and, depending on the network, a bias; a batch
        normalisation has gamma, beta, moving mean and moving variance.
        """
        channels = {"input": 3} | {layer.name: layer.channels for layer in self.layers}
        shapes: dict[str, tuple[tuple[int, ...], ...]] = {}
        for layer in self.layers:
            n = layer.channels
            bias = ((n,),) if self.has_biases else ()
            if layer.kind == "conv":
                kernel = (layer.size, layer.size, channels[layer.inputs[0]], n)
                shapes[layer.name] = (kernel, *bias)
            elif layer.kind == "depthwise":
                shapes[layer.name] = ((layer.size, layer.size, n, 1), *bias)
            elif layer.kind == "norm":
                shapes[layer.name] = ((n,),) * 4
        return shapes

    def layers_until(self, name: str) -> list[Layer]:
        """Return the layers that the named one is computed from, and itself."""
        needed = {name}
        found = []
        for layer in reversed(self.layers):
            if layer.name in needed:
                needed.update(layer.inputs)
                found.append(layer)
        return found[::-1]

    def output_shape(self, name: str, input_size: tuple[int, int]) -> tuple[int, ...]:
        """Return the shape of what a layer puts out for one picture.

        Parameters
        ----------
        name : str
            The name of a layer.
        input_size : tuple of int
            (height, width) of the pictures in pixels.

        Returns
        -------
        shape : tuple of int
            (height, width, channels), or (channels,) for ``"avg_pool"``.

        Raises
        ------
        ValueError
            If there is no such layer, or if a side is shorter than 32 pixels.
        """
        self._check_layer(name)
        if min(input_size) < MIN_SIZE:
            raise ValueError(
                f"input_size={input_size!r} is not possible: expected (height, width) "
                f"in pixels, each at least {MIN_SIZE}, the least that {self.title} "
                "accepts."
            )
        sides: dict[str, tuple[int, ...]] = {"input": input_size}
        for layer in self.layers:
            if layer.kind == "avg_pool":
                break
            sides[layer.name] = tuple(map(layer.output_side, sides[layer.inputs[0]]))
            if layer.name == name:
                return (*sides[name], layer.channels)
        return (layer.channels,)

    def n_features(self, layer: str, pooling: str, input_size: tuple[int, int]) -> int:
        """Return how many features a picture gets.

        Parameters
        ----------
        layer : str
            The name of the layer whose output is taken.
        pooling : {"avg", "max", "flatten"}
            How an output of (height, width, channels) becomes one row: the mean or the
            maximum of each channel over the picture, or every value.
        input_size : tuple of int
            (height, width) of the pictures in pixels.

        Returns
        -------
        n : int
            The number of columns of the embedding.

        Raises
        ------
        ValueError
            If there is no such layer, a side is shorter than 32 pixels, or ``pooling``
            is not ``"avg"`` for ``layer="avg_pool"``, which is the mean already.
        """
        shape = self.output_shape(layer, input_size)
        if len(shape) == 1 and pooling != "avg":
            raise ValueError(
                f"pooling={pooling!r} does not go with layer={layer!r}, which is the "
                f"mean over the picture already: take layer={self.layers[-2].name!r} "
                "for another pooling of the last block, or leave pooling='avg'."
            )
        if pooling == "flatten":
            height, width, channels = shape
            return height * width * channels
        return shape[-1]

    def operations(self, name: str, weights: dict[str, Arrays]) -> list[Operation]:
        """Return what leads from ``"input"`` to a layer, each after those it needs.

        A normalisation becomes one with the convolution before it: ``gamma * (k * x +
        b - mean) / sqrt(variance + epsilon) + beta`` is again a kernel and a bias,
        here computed in float64. A convolution stays by itself only where it is last.
        """
        layers = self.layers_until(name)
        by_name = {layer.name: layer for layer in layers}
        listed = []
        for layer in layers:
            if layer.kind == "norm":
                conv = by_name[layer.inputs[0]]
                folded = self._folded(conv, weights[conv.name], weights[layer.name])
                listed.append(Operation(layer.name, conv, folded))
            elif layer.kind not in ("conv", "depthwise"):
                listed.append(Operation(layer.name, layer, ()))
            elif layer.name == name:
                listed.append(Operation(name, layer, _with_bias(layer, weights[name])))
        return listed

    def _folded(self, layer: Layer, conv: Arrays, norm: Arrays) -> Arrays:
        """Return the kernel and bias of a convolution and its normalisation in one."""
        kernel, bias = (array.astype(np.float64) for array in _with_bias(layer, conv))
        gamma, beta, mean, variance = (array.astype(np.float64) for array in norm)
        scale = gamma / np.sqrt(variance + self.epsilon)
        # The kernel of a depthwise convolution has shape (height, width, channels, 1).
        by_output = scale[:, np.newaxis] if layer.kind == "depthwise" else scale
        folded = kernel * by_output, (bias - mean) * scale + beta
        return tuple(array.astype(np.float32) for array in folded)

    def _check_layer(self, name: str) -> None:
        """Raise where there is no such layer, naming those that are near."""
        names = [layer.name for layer in self.layers]
        if name in names:
            return
        if name in _TOP_NAMES:
            hint = (
                "that is the classification layer, which is not part of the embedder; "
                "the layer before it is 'avg_pool'"
            )
        elif near := difflib.get_close_matches(str(name), names, n=3):
            hint = f"did you mean {' or '.join(map(repr, near))}?"
        else:
            hint = "the embedder's summary() lists all"
        raise ValueError(
            f"layer={name!r} is not a layer of {self.title}: {hint} "
            f"(there are {len(names)}, from {names[0]!r} to {names[-1]!r})."
        )


def _with_bias(layer: Layer, filters: Arrays) -> Arrays:
    return filters if len(filters) > 1 else (*filters, np.zeros(layer.channels, "f4"))

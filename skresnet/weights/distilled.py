"""The weights of ResNet50 that come with this package.

Kernels, which are nearly all of the weights, are integers with a float32 scale for
each output channel; biases and what normalisations have are float32. The file is an
``.npz`` of three arrays, each the weights of all layers one after the other:

kernels : uint8 of shape (2, n)
    The integers of 16 bits, first the low bytes of all, then the high ones: apart, they
    compress better. Integers of b bits are stored times ``2 ** (16 - b)``.
scales : float32
    What the integers are multiplied with, for each output channel of each kernel.
vectors : float32
    Biases, and gamma, beta, moving mean and moving variance.
"""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skresnet.networks import RESNET50, Arrays
from skresnet.weights.files import check_installed

# Both are written by tools/distill/pack.py.
FILE_NAME = "distilled.npz"
SHA256 = "d34e9982b2f2cb8b171a8a7db3e8578907bc8753354527969c27e8b4ac523ed9"


def distilled_path() -> Path:
    """Return where the weights lie in this installation."""
    return Path(__file__).with_name(FILE_NAME)


def find_distilled() -> Path:
    """Return the verified weights.

    Raises
    ------
    WeightsUnavailableError
        If the file is missing or damaged.
    """
    path = distilled_path()
    check_installed("distilled", path, SHA256, "skresnet")
    return path


def read_packed(path: Path) -> dict[str, Arrays]:
    """Read weights in packed form.

    Parameters
    ----------
    path : pathlib.Path
        A packed file, of which the digest has been verified.

    Returns
    -------
    weights : dict of tuple of ndarray
        float32 arrays by name of layer, of the shapes that ResNet50's have.
    """
    with np.load(path) as file:
        planes, scales, vectors = file["kernels"], file["scales"], file["vectors"]
    integers = np.ascontiguousarray(planes.T).view("<i2").ravel()
    kernel_shapes, vector_shapes = _shapes_by_rank()
    channels = [shape[-1:] for shape in kernel_shapes]
    kernels = (
        values * scale
        for values, scale in zip(
            _cut(integers, kernel_shapes), _cut(scales, channels), strict=True
        )
    )
    others = _cut(vectors, vector_shapes)
    return {
        layer: tuple(next(kernels if len(s) == 4 else others) for s in shapes)
        for layer, shapes in RESNET50.weight_shapes.items()
    }


def _shapes_by_rank() -> tuple[list[tuple[int, ...]], list[tuple[int, ...]]]:
    """Return the shapes of all kernels and of all vectors, in the order of the file."""
    shapes = [shape for layer in RESNET50.weight_shapes.values() for shape in layer]
    return [s for s in shapes if len(s) == 4], [s for s in shapes if len(s) == 1]


def _cut(flat: NDArray[Any], shapes: list[tuple[int, ...]]) -> Iterator[NDArray[Any]]:
    """Cut an array into arrays of the shapes, which it has to fill."""
    ends = np.cumsum([math.prod(shape) for shape in shapes])
    parts = np.split(flat, ends[:-1])
    return (part.reshape(s) for part, s in zip(parts, shapes, strict=True))

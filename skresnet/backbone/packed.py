"""ResNet50's weights in the form in which a package can carry them.

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

from skresnet.backbone.architecture import Arrays, weight_shapes


def read_packed(path: Path) -> dict[str, Arrays]:
    """Read weights in packed form.

    Parameters
    ----------
    path : pathlib.Path
        A packed file, of which the digest has been verified.

    Returns
    -------
    weights : dict of tuple of ndarray
        float32 arrays by name of layer, of the shapes of ``weight_shapes()``.
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
        for layer, shapes in weight_shapes().items()
    }


def _shapes_by_rank() -> tuple[list[tuple[int, ...]], list[tuple[int, ...]]]:
    """Return the shapes of all kernels and of all vectors, in the order of the file."""
    shapes = [shape for layer in weight_shapes().values() for shape in layer]
    return [s for s in shapes if len(s) == 4], [s for s in shapes if len(s) == 1]


def _cut(flat: NDArray[Any], shapes: list[tuple[int, ...]]) -> Iterator[NDArray[Any]]:
    """Cut an array into arrays of the shapes, which it has to fill."""
    ends = np.cumsum([math.prod(shape) for shape in shapes])
    parts = np.split(flat, ends[:-1])
    return (part.reshape(s) for part, s in zip(parts, shapes, strict=True))

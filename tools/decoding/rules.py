"""The colour rules of the documentation, once more, in numpy and nothing else.

What a picture should look like is told from an array that another decoder made, so
that neither Pillow nor the package has a part in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

HEIGHT, WIDTH = 37, 53


@dataclass(frozen=True)
class Case:
    """One file, and the picture that it shows.

    Attributes
    ----------
    name : str
        What it is.
    data : bytes
        The file.
    expected : ndarray of shape (height, width, 3), float
        RGB on the 0 to 255 scale; None where no decoder at hand reads it, and reading
        it at all would have to be looked at.
    tolerance : float
        Largest difference of a value that counts as right.
    """

    name: str
    data: bytes
    expected: NDArray[Any] | None
    tolerance: float = 1.01


def fractions(channels: int) -> NDArray[np.float64]:
    """Make a picture in which no two directions, channels or halves look the same.

    Returns
    -------
    ndarray of shape (HEIGHT, WIDTH, channels)
        Values from 0 to 1.
    """
    y, x = np.mgrid[0 : 1 : HEIGHT * 1j, 0 : 1 : WIDTH * 1j]
    planes = [x, y, x * y, 1 - x * 0.6, (x + y) / 2, 1 - y]
    picture = np.stack(planes[:channels], axis=-1)
    picture[5:9, 7:12] = (0.9, 0.1, 0.3, 0.7, 0.5, 0.2)[:channels]
    picture[30:, 40:45] = (0.1, 0.8, 0.6, 0.4, 0.9, 0.3)[:channels]
    return picture


def values(channels: int, dtype: str, bits: int | None = None) -> NDArray[Any]:
    """Make that picture of whole numbers over all of their bits, or floats to 255."""
    kind = np.dtype(dtype)
    if kind.kind in "fc":
        return (fractions(channels) * 255).astype(kind)
    if kind.kind == "i" or kind.itemsize > 2:
        # Only values within 0 to 255 are pixels where the scale is not certain.
        most = min(255, np.iinfo(kind).max)
    else:
        most = 2 ** (bits or kind.itemsize * 8) - 1
    return np.rint(fractions(channels) * most).astype(kind)


def grey(array: NDArray[Any], most: float = 255, *, inverted: bool = False) -> Any:
    """Show one channel, of which ``most`` is white."""
    shown = array.reshape(array.shape[0], array.shape[1]).astype(float) * 255 / most
    return np.repeat((255 - shown if inverted else shown)[..., None], 3, axis=-1)


def rgb(array: NDArray[Any], most: float = 255) -> Any:
    """Show three channels."""
    return array[..., :3].astype(float) * 255 / most


def on_white(shown: Any, alpha: NDArray[Any], most: float = 255) -> Any:
    """Lay a picture on white."""
    weight = alpha[..., None].astype(float) / most
    return shown * weight + 255 * (1 - weight)


def cmyk(array: NDArray[Any], most: float = 255) -> Any:
    """Show four inks."""
    inks = array.astype(float) / most
    return 255 * (1 - inks[..., :3]) * (1 - inks[..., 3:])

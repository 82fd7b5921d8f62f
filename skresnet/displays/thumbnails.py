"""Small upright versions of pictures, for people to look at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from skresnet.reading import Failure, Picture, PictureError, Resizing, failure_of


def thumbnails(
    pictures: Iterable[Picture], side: int, resizing: Resizing | None = None
) -> list[Image.Image | Failure]:
    """Make small versions of pictures, read as the embedder reads them.

    Parameters
    ----------
    pictures : iterable of Picture
        What to show.

    side : int
        Pixels of the longer side, at most where ``resizing`` is given.

    resizing : Resizing, default=None
        How the network sees them, to be shown so. None shows the whole picture in its
        own shape.

    Returns
    -------
    made : list of PIL.Image.Image or Failure
        An RGB image each, or why there is none.
    """
    own_shape = resizing is None
    if resizing is None:
        resizing = Resizing((side, side), interpolation="lanczos", aspect="pad")
    elif (larger := max(resizing.input_size) / side) > 1:
        height, width = (max(1, round(n / larger)) for n in resizing.input_size)
        resizing = replace(resizing, input_size=(height, width))
    return [_thumbnail(picture, resizing, own_shape) for picture in pictures]


def _thumbnail(
    picture: Picture, resizing: Resizing, own_shape: bool
) -> Image.Image | Failure:
    try:
        pixels = picture.load().pixels(resizing)
    except PictureError as error:
        return failure_of(picture, error)
    pixels = np.rint(pixels).clip(0, 255).astype(np.uint8)
    if own_shape:
        pixels = _without_bars(_without_bars(pixels).swapaxes(0, 1)).swapaxes(0, 1)
    return Image.fromarray(pixels)


def _without_bars(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Cut off the black rows that padding put above and below a picture alike."""
    filled = np.flatnonzero(pixels.any(axis=(1, 2)))
    if filled.size == 0:
        return pixels
    top, bottom = filled[0], len(pixels) - 1 - filled[-1]
    top = min(top, bottom)
    # Of an odd number of rows, padding puts the odd one below.
    return pixels[top : len(pixels) - min(bottom, top + 1)]

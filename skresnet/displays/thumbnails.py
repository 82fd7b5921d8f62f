"""Small upright versions of pictures, for people to look at."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from skresnet.reading import Failure, Picture, PictureError, Resizing, failure_of


def thumbnails(
    pictures: Iterable[Picture], side: int, *, square: bool = False
) -> list[Image.Image | Failure]:
    """Make small versions of pictures, read as the embedder reads them.

    Parameters
    ----------
    pictures : iterable of Picture
        What to show.

    side : int
        Pixels of the longer side.

    square : bool, default=False
        Cut to the centre, instead of showing the whole picture.

    Returns
    -------
    made : list of PIL.Image.Image or Failure
        An RGB image each, or why there is none.
    """
    resizing = Resizing(
        (side, side), interpolation="lanczos", aspect="crop" if square else "pad"
    )
    return [_thumbnail(picture, resizing) for picture in pictures]


def _thumbnail(picture: Picture, resizing: Resizing) -> Image.Image | Failure:
    try:
        pixels = picture.load().pixels(resizing)
    except PictureError as error:
        return failure_of(picture, error)
    pixels = np.rint(pixels).clip(0, 255).astype(np.uint8)
    if resizing.aspect == "pad":
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

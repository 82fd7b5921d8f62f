"""The surface that everything but plots is drawn on."""

from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.transforms import Affine2D
from PIL import Image


class Sheet:
    """A figure to draw on directly, in units of its shorter side, origin bottom left.

    Axes would do the same, but making and drawing them takes longer than all the rest
    of a small figure.
    """

    def __init__(self, figure: Figure) -> None:
        inches = figure.get_size_inches()
        self.width, self.height = (float(side) for side in inches / inches.min())
        self.points = float(inches.min() * 72)
        self._pixels = float(inches.min() * figure.dpi)
        self._figure = figure

    def add(self, artist: Artist) -> None:
        """Add a patch or a collection of lines."""
        artist.set_transform(Affine2D().scale(self._pixels))
        self._figure.add_artist(artist)

    def write(self, x: float, y: float, text: str, **look: Any) -> None:
        """Write a text at a place."""
        place = Affine2D().scale(self._pixels)
        self._figure.text(x, y, text, transform=place, **look)

    def paste(
        self, image: Image.Image, x: float, y: float, width: float, height: float
    ) -> None:
        """Fit an image into a rectangle, given by its lower left corner and size."""
        size = (round(width * self._pixels), round(height * self._pixels))
        fitted = np.asarray(image.resize(size, Image.Resampling.BICUBIC))
        left, bottom = round(x * self._pixels), round(y * self._pixels)
        self._figure.figimage(fitted, left, bottom, origin="upper")

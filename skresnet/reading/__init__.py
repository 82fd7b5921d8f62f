"""What X may be, and the way from each picture to its pixels.

``as_pictures(X)`` says what the samples are without opening any of them, ``load()``
takes one into memory and ``pixels(resizing)`` makes it the array the network sees.
"""

from skresnet.reading.errors import (
    Failure,
    PictureError,
    UnreadableImageError,
)
from skresnet.reading.pictures import Picture, failure_of, read_all
from skresnet.reading.resizing import ASPECTS, INTERPOLATIONS, Resizing, layout
from skresnet.reading.sources import as_pictures

__all__ = [
    "ASPECTS",
    "INTERPOLATIONS",
    "Failure",
    "Picture",
    "PictureError",
    "Resizing",
    "UnreadableImageError",
    "as_pictures",
    "failure_of",
    "layout",
    "read_all",
]

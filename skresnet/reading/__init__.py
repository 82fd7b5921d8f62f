"""What X may be, and the way from each picture to its pixels.

``as_pictures(X)`` says what the samples are without opening any of them, ``load()``
takes one into memory and ``pixels(treatment)`` makes it the array the network sees.
"""

from skresnet.reading.contents import Content
from skresnet.reading.errors import Failure, UnreadableImageError
from skresnet.reading.pictures import Picture
from skresnet.reading.resizing import ASPECTS, INTERPOLATIONS, Treatment
from skresnet.reading.sources import as_pictures

__all__ = [
    "ASPECTS",
    "INTERPOLATIONS",
    "Content",
    "Failure",
    "Picture",
    "Treatment",
    "UnreadableImageError",
    "as_pictures",
]

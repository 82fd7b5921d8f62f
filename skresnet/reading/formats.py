"""The one list of image formats that this package reads."""

from typing import Final

# JPEG includes MPO, the JPEG with a second picture inside that many phones write:
# Pillow opens it as a JPEG, and knows no format to open by that name.
DECODERS: Final[tuple[str, ...]] = ("JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF")
"""Pillow's names of the formats, for ``Image.open(path, formats=DECODERS)``."""

EXTENSIONS: Final[frozenset[str]] = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff"}
)
"""File name endings taken for images, in lower case with their dot."""

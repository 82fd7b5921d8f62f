"""The colour rules: how every kind of picture becomes 8-bit RGB.

===================================  ==================================================
what is found                        what becomes of it
===================================  ==================================================
RGB, 8 bits                          nothing
grey, 8 bits or 1 bit                three equal channels
palette                              its colours
transparency: RGBA, grey + alpha,    composited on white
a palette's or a PNG's transparent
colour
16-bit grey, uint16 arrays           divided by 257 and rounded: 65535 becomes 255
16-bit RGB files                     the high byte, as Pillow decodes them
other integers                       as they are if all within 0 to 255, else refused
floating-point TIFF and PIL images   rounded if all within 0 to 255, else refused; so
(mode F)                             too if none exceeds 1, which would all be black
bool arrays                          False is 0, True is 255
CMYK, YCCK                           Pillow's conversion, Adobe's inversion undone
YCbCr, HSV, LAB                      Pillow's conversion
embedded colour profile              ignored: pixel values are taken for sRGB
===================================  ==================================================
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from skresnet.reading.errors import PictureError

_BAND_PIXELS: Final = 2**20
_SIXTEEN_TO_EIGHT_BITS: Final = ((np.arange(2**16) + 128) // 257).astype(np.uint8)


def to_rgb(image: Image.Image) -> Image.Image:
    """Apply the colour rules to a loaded picture."""
    if image.mode.startswith("I"):
        image = _from_integers(image)
    elif image.mode == "F":
        image = Image.fromarray(floats_to_bytes(np.asarray(image)))
    if image.has_transparency_data:
        return _on_white(image)
    return image if image.mode == "RGB" else image.convert("RGB")


def to_bytes(array: NDArray[Any]) -> NDArray[np.uint8]:
    """Apply the rules for integers and bools to an array."""
    if array.dtype == np.uint8:
        return array
    if array.dtype.kind == "b":
        return array.astype(np.uint8) * np.uint8(255)
    if array.dtype.kind == "u" and array.dtype.itemsize == 2:
        return sixteen_to_eight_bits(array)
    low, high = int(array.min()), int(array.max())
    if low < 0 or high > 255:
        raise PictureError(
            f"{array.dtype} values run from {low} to {high}, outside 0 to 255; "
            "scale them to 0 to 255 (only uint16 is scaled here)"
        )
    return array.astype(np.uint8)


def sixteen_to_eight_bits(values: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """Divide by 257 and round."""
    return _SIXTEEN_TO_EIGHT_BITS[values]


def floats_to_bytes(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Apply the rule for the floating-point numbers of files and images."""
    low, high = float(values.min()), float(values.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise PictureError("floating-point pixels hold NaN or infinity")
    if low < 0 or high > 255 or 0 < high <= 1:
        raise PictureError(
            f"floating-point pixels run from {low:g} to {high:g}; expected the 0 to "
            "255 scale: read it as an array, scale that and pass the array"
        )
    return np.rint(values).astype(np.uint8)


def remark_on_depth(image: Image.Image) -> str | None:
    """Say so if values of 16 bits are so low that fewer bits must be meant.

    Parameters
    ----------
    image : PIL.Image.Image
        A loaded picture out of a file with 16 bits a value, before the colour rules.
    """
    if image.mode.startswith("I"):
        return remark_on_values(int(np.asarray(image).max()))
    # Of colours, Pillow keeps the high bytes. Alpha does not count.
    bands = image.getbands()
    ranges: Any = image.getextrema() if len(bands) > 1 else [image.getextrema()]
    highs = [
        int(high)
        for band, (_, high) in zip(bands, ranges, strict=True)
        if band not in "Aa"
    ]
    return remark_on_values(256 * max(highs) + 255)


def remark_on_values(high: int) -> str | None:
    """Say so if the highest of unsigned 16-bit values tells of fewer bits."""
    for bits in (8, 10, 12):
        if 0 < high < 2**bits:
            return (
                f"its 16-bit values do not exceed {high}, where 65535 is white and "
                f"this nearly black; if they have {bits} bits, multiply them by "
                f"{2 ** (16 - bits)} (as an array, numpy.asarray(PIL.Image.open(path)))"
            )
    return None


def on_white(array: NDArray[np.float32]) -> NDArray[np.float32]:
    """Composite a float picture of shape (height, width, 4) on white."""
    alpha = array[..., 3:] / np.float32(255)
    composited: NDArray[np.float32] = array[..., :3] * alpha + 255 * (1 - alpha)
    return composited


def _on_white(image: Image.Image) -> Image.Image:
    """Composite a picture with transparency on white, in bands to save memory."""
    width, height = image.size
    white = Image.new("RGB", image.size, "white")
    rows = max(1, _BAND_PIXELS // width)
    for top in range(0, height, rows):
        bottom = min(height, top + rows)
        box = (0, top, width, bottom)
        band = image.resize((width, bottom - top), Image.Resampling.NEAREST, box)
        band.info = image.info
        band = band.convert("RGBA")
        white.paste(band, (0, top), band)
    return white


def _from_integers(image: Image.Image) -> Image.Image:
    """Make a grey picture of more than 8 bits one of 8."""
    values = np.asarray(image)
    grey = to_bytes(values)
    transparent = image.info.get("transparency")
    if transparent is not None:
        grey = np.where(values == transparent, np.uint8(255), grey)
    return Image.fromarray(grey)

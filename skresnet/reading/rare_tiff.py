"""TIFF of the kinds that Pillow does not read, or wrongly, by tifffile."""

import importlib.util
from io import BytesIO
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from skresnet.reading.colour import (
    floats_to_bytes,
    remark_on_values,
    sixteen_to_eight_bits,
    to_bytes,
)

MODES: Final = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}


def is_installed() -> bool:
    """Tell whether tifffile, and the codecs that it needs, are there."""
    return all(importlib.util.find_spec(name) for name in ("tifffile", "imagecodecs"))


def read(
    data: bytes, bits: int, *, is_inverted: bool, extra: int | None
) -> tuple[Image.Image, str | None]:
    """Decode the first page.

    Parameters
    ----------
    data : bytes
        The whole file, within limits.
    bits : int
        Bits of each value.
    is_inverted : bool
        Whether 0 is white.
    extra : int or None
        What TIFF says of a channel more than colours: 0 is nothing, 1 alpha that
        colours are multiplied with, 2 alpha.

    Returns
    -------
    image : PIL.Image.Image
        Of 8 bits a channel.
    remark : str or None
        What looks like a mistake about the values.
    """
    from tifffile import TiffFile

    with TiffFile(BytesIO(data)) as file:
        page: Any = file.pages[0]
        array: NDArray[Any] = page.asarray(maxworkers=1)
        if page.planarconfig == 2 and array.ndim == 3:
            array = np.moveaxis(array, 0, -1)
    remark = None
    if bits == 16 and array.dtype.kind == "u":
        remark = remark_on_values(int(array.max()))
    shown = _eight_bits(array, bits)
    if is_inverted:
        shown = 255 - shown
    if shown.ndim == 2:
        return Image.fromarray(shown), remark
    if extra == 0:
        shown = shown[..., :-1]
    shown = np.ascontiguousarray(shown)
    height, width, channels = shown.shape
    mode = MODES[channels]
    raw = {"RGBA": "RGBa", "LA": "La"}[mode] if extra == 1 else mode
    image = Image.frombuffer(raw, (width, height), shown, "raw", raw, 0, 1)
    return (image if raw == mode else image.convert(mode)), remark


def _eight_bits(array: NDArray[Any], bits: int) -> NDArray[np.uint8]:
    """Bring values of any kind to 8 bits, by the colour rules."""
    if array.dtype.kind == "f":
        return floats_to_bytes(array)
    if array.dtype.kind == "u" and bits == 16:
        return sixteen_to_eight_bits(array)
    if array.dtype.kind == "u" and bits < 16 and bits != 8:
        table = np.rint(np.arange(2**bits) * 255 / (2**bits - 1)).astype(np.uint8)
        return table[array]
    return to_bytes(array)

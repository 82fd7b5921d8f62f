"""JPEG files of every kind that imagecodecs and OpenCV write, read by both."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import cv2
import imagecodecs
import numpy as np
from numpy.typing import NDArray

from decoding.rules import Case, grey, rgb, values

# Two decoders round the conversion of colours, and smooth halved ones, differently.
_TOLERANCE = 4


def cases() -> Iterator[Case]:
    """Make the files."""
    for channels, sampling, quality, optimized in itertools.product(
        (1, 3), ("444", "422", "420", "411", "440"), (100, 60), (False, True)
    ):
        array = values(channels, "u1")
        data = imagecodecs.jpeg8_encode(
            array if channels == 3 else array[..., 0],
            level=quality,
            subsampling=sampling if channels == 3 else None,
            optimize=optimized,
        )
        name = f"JPEG {channels} x 8 bits {sampling} {quality} {optimized}"
        yield Case(name, data, _shown(data), _TOLERANCE)
    for options, what in (
        ({cv2.IMWRITE_JPEG_PROGRESSIVE: 1}, "progressive"),
        ({cv2.IMWRITE_JPEG_RST_INTERVAL: 2}, "with restarts"),
        ({cv2.IMWRITE_JPEG_PROGRESSIVE: 1, cv2.IMWRITE_JPEG_RST_INTERVAL: 1}, "both"),
        ({cv2.IMWRITE_JPEG_SAMPLING_FACTOR: 0x111111}, "444"),
        ({cv2.IMWRITE_JPEG_SAMPLING_FACTOR: 0x411111}, "411"),
    ):
        for channels in (1, 3):
            array = values(channels, "u1")[..., ::-1]
            flat = [number for pair in options.items() for number in pair]
            _, encoded = cv2.imencode(".jpg", array, flat)
            data = encoded.tobytes()
            name = f"JPEG {channels} x 8 bits of OpenCV, {what}"
            yield Case(name, data, _shown(data), _TOLERANCE)
    array = values(3, "u1")
    for space in ("RGB",):
        data = imagecodecs.jpeg8_encode(array, outcolorspace=space, level=100)
        yield Case(f"JPEG stored as {space}", data, rgb(array), _TOLERANCE)
    inks = values(4, "u1")
    data = imagecodecs.jpeg8_encode(
        inks, colorspace="CMYK", outcolorspace="CMYK", level=100
    )
    yield Case("JPEG CMYK", data, _of_inks(data), _TOLERANCE)
    data = imagecodecs.jpeg8_encode(
        inks, colorspace="CMYK", outcolorspace="YCCK", level=100, subsampling="444"
    )
    yield Case("JPEG YCCK", data, _of_inks(data), _TOLERANCE)
    deep = values(3, "u2", 12)
    data = imagecodecs.jpeg8_encode(deep, bitspersample=12, level=95)
    yield Case("JPEG of 12 bits", data, rgb(deep, 4095), _TOLERANCE)
    data = imagecodecs.jpeg8_encode(array, lossless=True)
    yield Case("lossless JPEG of colours", data, rgb(array), _TOLERANCE)
    grey_ = values(1, "u1")[..., 0]
    for name, encode in (
        ("lossless JPEG", imagecodecs.ljpeg_encode),
        ("JPEG-LS", imagecodecs.jpegls_encode),
        ("JPEG XL", imagecodecs.jpegxl_encode),
        ("JPEG XR", imagecodecs.jpegxr_encode),
    ):
        yield Case(name, encode(grey_), grey(grey_), 2)


def _of_inks(data: bytes) -> NDArray[Any]:
    """Show inks that are stored inverted, as all programs store them."""
    light = imagecodecs.jpeg8_decode(data, outcolorspace="CMYK").astype(float) / 255
    shown: NDArray[Any] = 255 * light[..., :3] * light[..., 3:]
    return shown


def _shown(data: bytes) -> NDArray[Any]:
    one, other = (
        imagecodecs.jpeg8_decode(data),
        cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED),
    )
    shown = rgb(one) if one.ndim == 3 else grey(one)
    second = rgb(other[..., ::-1]) if other.ndim == 3 else grey(other)
    if np.abs(shown - second).mean() > 1:
        raise AssertionError("OpenCV and imagecodecs read a JPEG differently")
    return shown

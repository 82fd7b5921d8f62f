"""GIF, WebP, AVIF, JPEG 2000 and HEIC files, read by imagecodecs and pillow-heif."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from pillow_heif import from_bytes, open_heif

from decoding.rules import Case, grey, on_white, rgb, values


def cases() -> Iterator[Case]:
    """Make the files."""
    yield from _gif()
    yield from _webp()
    yield from _avif()
    yield from _jpeg_2000()
    yield from _heic()


def _shown(array: NDArray[Any], most: float = 255) -> Any:
    if array.ndim == 2:
        return grey(array, most)
    channels = array.shape[2]
    picture = rgb(array, most) if channels > 2 else grey(array[..., 0], most)
    if channels in (2, 4):
        return on_white(picture, array[..., -1], most)
    return picture


def _gif() -> Iterator[Case]:
    indices = values(1, "u1")[..., 0]
    colours = np.random.default_rng(0).integers(0, 256, (256, 3), np.uint8)
    data = imagecodecs.gif_encode(indices, colormap=colours)
    yield Case("GIF", data, rgb(imagecodecs.gif_decode(data)))


def _webp() -> Iterator[Case]:
    for channels, lossless in itertools.product((3, 4), (False, True)):
        array = values(channels, "u1")
        data = imagecodecs.webp_encode(array, level=90, lossless=lossless)
        name = f"WebP {channels} channels{' lossless' if lossless else ''}"
        yield Case(name, data, _shown(imagecodecs.webp_decode(data)), 3)


def _avif() -> Iterator[Case]:
    for channels, bits, level in itertools.product((1, 3, 4), (8, 10, 12), (60, 100)):
        array = values(channels, "u1" if bits == 8 else "u2", bits)
        array = array[..., 0] if channels == 1 else array
        options = {"level": level, "bitspersample": bits}
        data = imagecodecs.avif_encode(array, **options)
        decoded = imagecodecs.avif_decode(data)
        expected = _shown(decoded, 2**bits - 1)
        yield Case(f"AVIF {channels} x {bits} bits {level}", data, expected, 4)


def _jpeg_2000() -> Iterator[Case]:
    codecs: tuple[str, ...] = ("jp2", "j2k")
    for channels, (bits, dtype), codec, lossless in itertools.product(
        (1, 2, 3, 4),
        ((8, "u1"), (10, "u2"), (12, "u2"), (16, "u2"), (8, "i1"), (16, "i2")),
        codecs,
        (False, True),
    ):
        array = values(channels, dtype, bits)
        array = array[..., 0] if channels == 1 else array
        try:
            data = imagecodecs.jpeg2k_encode(
                array,
                codecformat=codec,
                bitspersample=bits if dtype[0] == "u" else None,
                level=0 if lossless else 60,
                reversible=lossless,
            )
            decoded = imagecodecs.jpeg2k_decode(data)
        except Exception as error:
            print(f"  (no {codec} of {channels} x {dtype}: {error})")
            continue
        name = f"JPEG 2000 {codec} {channels} x {bits} bits {dtype} {lossless}"
        most = 2**bits - 1 if dtype[0] == "u" else 255
        yield Case(name, data, _shown(decoded, most), 3)


def _heic() -> Iterator[Case]:
    for mode, channels in (("RGB", 3), ("RGBA", 4), ("L", 1)):
        array = values(channels, "u1")
        height, width = array.shape[:2]
        file = BytesIO()
        from_bytes(mode, (width, height), array.tobytes()).save(file, quality=90)
        data = file.getvalue()
        decoded: Callable[[Any], Any] = np.array  # copied: the file goes
        yield Case(f"HEIC {mode}", data, _shown(decoded(open_heif(data))), 4)

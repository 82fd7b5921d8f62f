"""Damaged files end as a picture or as an UnreadableImageError, and nothing else.

The environment variable SKRESNET_FUZZ asks for more damaged files than `MUTATIONS`.
"""

import os
import random
import warnings

import numpy as np
import pytest
from bad_pictures import (
    animated,
    encoded,
    grey_16_bits,
    noise,
    palette_with_transparency,
    with_orientation,
    ycck,
)

from skresnet.reading import Treatment, UnreadableImageError
from skresnet.reading.contents import FileContent

MUTATIONS = 1_000

ORIGINALS = {
    "JPEG": encoded(noise(), "JPEG"),
    "JPEG, progressive": encoded(noise(), "JPEG", progressive=True),
    "JPEG, turned": with_orientation(noise(), 6, "JPEG"),
    "JPEG, YCCK": ycck(),
    "PNG": encoded(noise(20, 30), "PNG"),
    "PNG, palette": palette_with_transparency(),
    "PNG, 16 bits": grey_16_bits(1000, "PNG"),
    "GIF": animated("GIF"),
    "WebP": encoded(noise(), "WEBP"),
    "WebP, animated": animated("WEBP", lossless=True),
    "TIFF": encoded(noise(20, 30), "TIFF"),
    "TIFF, LZW": encoded(noise(20, 30), "TIFF", compression="tiff_lzw"),
    "BMP": encoded(noise(20, 30), "BMP"),
}

TREATMENT = Treatment(input_size=(32, 48))


def flip(data, dice):
    """Change a few bytes, as often as not in the header."""
    damaged = bytearray(data)
    reach = dice.choice([len(data), min(len(data), 200)])
    for _ in range(dice.choice([1, 2, 5, 20])):
        damaged[dice.randrange(reach)] = dice.randrange(256)
    return bytes(damaged)


def cut(data, dice):
    """End early, or lose a piece."""
    start, end = sorted(dice.randrange(len(data)) for _ in range(2))
    return data[:start] + dice.choice([b"", data[end:]])


def splice(data, dice):
    """Go on as another file, or repeat a piece."""
    other = dice.choice([data, *ORIGINALS.values()])
    return data[: dice.randrange(len(data))] + other[dice.randrange(len(other)) :]


def mutations(name):
    count = int(os.environ.get("SKRESNET_FUZZ", MUTATIONS)) // len(ORIGINALS) + 1
    dice = random.Random(name)
    for _ in range(count):
        yield dice.choice([flip, cut, splice])(ORIGINALS[name], dice)


@pytest.mark.parametrize("name", ORIGINALS)
def test_the_undamaged_file_is_read(name):
    assert FileContent(0, name, ORIGINALS[name]).pixels(TREATMENT).shape == (32, 48, 3)


@pytest.mark.parametrize("name", ORIGINALS)
def test_a_damaged_file_is_a_picture_or_unreadable(name):
    causes = []
    with warnings.catch_warnings():
        # What Pillow remarks about damaged metadata.
        warnings.filterwarnings("ignore", module="PIL")
        for damaged in mutations(name):
            try:
                pixels = FileContent(0, name, damaged).pixels(TREATMENT)
            except UnreadableImageError as error:
                causes += [failure.cause for failure in error.failures]
            else:
                assert pixels.shape == (32, 48, 3)
                assert pixels.dtype == np.uint8
    assert causes
    assert all(causes)

"""Whole files of every format, and ways to damage them by chance."""

import random
from io import BytesIO

from bad_pictures import (
    animated,
    encoded,
    grey_16_bits,
    noise,
    palette_with_transparency,
    tiff_of,
    tiff_tags,
    with_orientation,
    ycck,
)

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
    "TIFF in planes": tiff_of(
        tiff_tags(20, 30, [8] * 3, 2, [600] * 3, planar=2),
        noise(20, 30).tobytes(),
    ),
    "BigTIFF": tiff_of(
        tiff_tags(20, 30, [16], 0, [1200]), bytes(range(240)) * 5, "big", big=True
    ),
    "BMP": encoded(noise(20, 30), "BMP"),
    "BMP, palette": encoded(noise(20, 30).convert("P"), "BMP"),
    "AVIF": encoded(noise(20, 30), "AVIF"),
    "AVIF, turned": with_orientation(noise(20, 30), 6, "AVIF"),
    "JPEG 2000": encoded(noise(20, 30), "JPEG2000"),
    "JPEG 2000, tiles": encoded(noise(40, 50), "JPEG2000", tile_size=(16, 16)),
}

try:
    from pillow_heif import from_pillow
except ImportError:
    pass
else:
    file = BytesIO()
    from_pillow(noise(64, 64)).save(file)
    ORIGINALS["HEIC"] = file.getvalue()


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


def mutations(name, count):
    """Damaged forms of a file, the same ones each time."""
    dice = random.Random(name)
    for _ in range(count):
        yield dice.choice([flip, cut, splice])(ORIGINALS[name], dice)

"""Turn encoded bytes into pixels at the sizes that are packed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import Image, ImageOps

from tools.distill.containers import Candidate

LEAST_SIDE = 96
LARGE_SIDE = 512
SMALL_SIDE = 256
LONGEST_SIDE = 1536
TILED_SIDE = 1500
# Standard deviation of the thumbnail's values under which a picture shows nothing.
LEAST_DEVIATION = 6.0


@dataclass(frozen=True)
class Prepared:
    """A picture ready to be packed; pictures with equal `key` look the same."""

    name: str
    key: bytes
    levels: tuple[np.ndarray, ...]


def prepare(candidate: Candidate) -> list[Prepared]:
    """Return the picture and, of a very large one, its tiles; nothing if it is no use.

    The levels are uint8 RGB of shape (height, width, 3), the largest first.
    """
    try:
        picture = _decode(candidate.read())
    except Exception:  # a broken file may raise anything in a decoder
        return []
    if picture is None:
        return []
    prepared = [_prepared(candidate.name, picture)]
    if picture.info["short side in the file"] >= TILED_SIDE:
        prepared += [
            _prepared(f"{candidate.name}#{number}", tile)
            for number, tile in enumerate(_tiles(picture))
        ]
    return [one for one in prepared if one is not None]


def _decode(data: bytes) -> Image.Image | None:
    """Return the picture upright in RGB, or None if it is too small."""
    image: Image.Image = Image.open(BytesIO(data))
    short = min(image.size)
    if short < LEAST_SIDE or image.mode[0] in "IF":
        return None
    # A tile is half as high as the picture and is to keep its own 512 pixels.
    factor = 2 if short >= TILED_SIDE else 1
    scale = min(1.0, factor * LARGE_SIDE / short)
    image.draft("RGB", (int(image.width * scale), int(image.height * scale)))
    image = _opaque(ImageOps.exif_transpose(image))
    image.info = {"short side in the file": short}
    return image


def _opaque(image: Image.Image) -> Image.Image:
    """Lay a transparent picture onto white or, every other one, onto a plain colour."""
    if not image.has_transparency_data:
        return image.convert("RGB")
    image = image.convert("RGBA")
    drawn = hashlib.sha256(image.tobytes()).digest()
    colour = (255, 255, 255) if drawn[0] < 128 else tuple(drawn[1:4])
    ground = Image.new("RGBA", image.size, (*colour, 255))
    return Image.alpha_composite(ground, image).convert("RGB")


def _tiles(picture: Image.Image) -> Iterator[Image.Image]:
    """Cut the longer side into three and the shorter into two."""
    columns, rows = (3, 2) if picture.width >= picture.height else (2, 3)
    xs = [picture.width * i // columns for i in range(columns + 1)]
    ys = [picture.height * i // rows for i in range(rows + 1)]
    for row in range(rows):
        for column in range(columns):
            yield picture.crop((xs[column], ys[row], xs[column + 1], ys[row + 1]))


def _prepared(name: str, picture: Image.Image) -> Prepared | None:
    """Make the levels, or return None for a picture that shows nothing."""
    short, long = sorted(picture.size)
    large = _resized(picture, min(1.0, LARGE_SIDE / short, LONGEST_SIDE / long))
    thumbnail = np.asarray(large.resize((16, 16), Image.Resampling.BOX))
    if min(large.size) < LEAST_SIDE or thumbnail.std(axis=(0, 1)).max() < (
        LEAST_DEVIATION
    ):
        return None
    images = [large]
    if min(large.size) > 1.3 * SMALL_SIDE:
        images.append(_resized(large, SMALL_SIDE / min(large.size)))
    # Four bits a value: a copy that was compressed anew is the same picture mostly.
    key = hashlib.sha256((thumbnail >> 4).tobytes()).digest()
    return Prepared(name, key, tuple(np.asarray(image) for image in images))


def _resized(image: Image.Image, scale: float) -> Image.Image:
    if scale == 1.0:
        return image
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)

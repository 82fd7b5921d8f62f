"""PNG files of every kind, written by pypng and read back by pypng."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import numpy as np
import png
from numpy.typing import NDArray

from decoding.rules import HEIGHT, WIDTH, Case, grey, on_white, rgb, values


def cases() -> Iterator[Case]:
    """Make the files."""
    for (channels, depths), interlaced in itertools.product(
        (
            (1, (1, 2, 4, 8, 16)),
            (2, (8, 16)),
            (3, (8, 16)),
            (4, (8, 16)),
        ),
        (False, True),
    ):
        for depth in depths:
            yield from _of(channels, depth, interlaced)
    for depth, interlaced, transparent in itertools.product(
        (1, 2, 4, 8), (False, True), (False, True)
    ):
        yield _palette(depth, interlaced, transparent)


def _of(channels: int, depth: int, interlaced: bool) -> Iterator[Case]:
    array = values(channels, "u2" if depth > 8 else "u1", depth)
    most = 2**depth - 1
    options: dict[str, Any] = {"greyscale": channels < 3, "alpha": channels in (2, 4)}
    name = f"PNG {channels} x {depth} bits{' interlaced' if interlaced else ''}"
    for further, what in (
        ({}, ""),
        ({"gamma": 0.45455}, " with a gamma"),
        ({"chunk_limit": 100}, " in many chunks"),
        ({"compression": 0}, " not compressed"),
    ):
        data = _written(array, depth, interlaced, **options, **further)
        yield Case(name + what, data, _shown(_read(data, channels), most), 3)
    if channels in (1, 3):
        for place in ((7, 9), (0, 0), (20, 20)):
            colour = tuple(int(value) for value in array[place])
            transparent = colour[0] if channels == 1 else colour
            further = {"transparent": transparent}
            data = _written(array, depth, interlaced, **further, **options)
            expected = _shown(array, most)
            expected[(array == array[place]).all(axis=-1)] = 255
            what = f" with the colour at {place} transparent"
            yield Case(name + what, data, expected, 1.01)


def _shown(array: NDArray[Any], most: int) -> Any:
    colours = array[..., : array.shape[2] - (array.shape[2] + 1) % 2]
    picture = (
        rgb(colours, most) if colours.shape[2] == 3 else grey(colours[..., 0], most)
    )
    if array.shape[2] % 2 == 0:
        return on_white(picture, array[..., -1], most)
    return picture


def _palette(depth: int, interlaced: bool, transparent: bool) -> Case:
    indices = values(1, "u1", depth)
    dice = np.random.default_rng(depth)
    colours = dice.integers(0, 256, (2**depth, 4 if transparent else 3))
    palette = [tuple(int(value) for value in colour) for colour in colours]
    data = _written(indices, depth, interlaced, palette=palette)
    found = colours[indices[..., 0]]
    expected = rgb(found)
    if transparent:
        expected = on_white(expected, found[..., 3])
    name = f"PNG palette {depth} bits{' transparent' if transparent else ''}"
    return Case(name + (" interlaced" if interlaced else ""), data, expected, 2)


def _written(
    array: NDArray[Any], depth: int, interlaced: bool, **options: Any
) -> bytes:
    file = BytesIO()
    writer = png.Writer(WIDTH, HEIGHT, bitdepth=depth, interlace=interlaced, **options)
    rows = array.reshape(HEIGHT, -1).tolist()
    if interlaced:
        writer.write_array(file, list(itertools.chain.from_iterable(rows)))
    else:
        writer.write(file, rows)
    return file.getvalue()


def _read(data: bytes, channels: int) -> NDArray[Any]:
    _, _, rows, _ = png.Reader(bytes=data).read()
    return np.array([list(row) for row in rows]).reshape(HEIGHT, WIDTH, channels)

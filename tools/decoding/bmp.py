"""BMP files of every kind, read by OpenCV."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from decoding.rules import HEIGHT, WIDTH, Case, on_white, rgb, values

MASKS = {
    (16, "555"): (0x7C00, 0x3E0, 0x1F, 0),
    (16, "565"): (0xF800, 0x7E0, 0x1F, 0),
    (16, "444"): (0xF00, 0xF0, 0xF, 0),
    (32, "BGRX"): (0xFF0000, 0xFF00, 0xFF, 0),
    (32, "RGBX"): (0xFF, 0xFF00, 0xFF0000, 0),
    (32, "BGRA"): (0xFF0000, 0xFF00, 0xFF, 0xFF000000),
    (32, "10 bits"): (0x3FF00000, 0xFFC00, 0x3FF, 0),
}
HEADERS = (12, 40, 52, 56, 64, 108, 124)


def cases() -> Iterator[Case]:
    """Make the files."""
    for bits, header, upwards, colours in itertools.product(
        (1, 2, 4, 8), HEADERS, (True, False), ("grey", "colours", "few", "reversed")
    ):
        if header == 12 and (not upwards or colours == "few"):
            continue
        yield _indexed(bits, header, upwards, colours)
    for bits, header, upwards in itertools.product(
        (16, 24, 32), HEADERS, (True, False)
    ):
        if header == 12 and not upwards:
            continue
        yield _direct(bits, header, upwards)
    for (bits, name), header in itertools.product(MASKS, (40, 52, 56, 108, 124)):
        if MASKS[bits, name][3] and header in (40, 52):
            continue
        yield _masked(bits, name, header)
    for bits, kind in itertools.product((4, 8), ("runs", "absolute", "empty lines")):
        yield _run_lengths(bits, kind)


def _file(
    header: int,
    bits: int,
    compression: int,
    upwards: bool,
    palette: bytes,
    masks: tuple[int, ...],
    data: bytes,
    colours: int = 0,
) -> bytes:
    """Put a header before the rows."""
    height = HEIGHT if upwards else -HEIGHT
    if header == 12:
        info = struct.pack("<IHHHH", 12, WIDTH, HEIGHT, 1, bits)
    else:
        info = struct.pack(
            "<IiiHHIIiiII",
            *(header, WIDTH, height, 1, bits, compression, len(data), 2835, 2835),
            *(colours, 0),
        )
        fields = masks if header >= 56 else masks[:3]
        if header == 64:
            fields = ()
        if header >= 52:
            info += struct.pack(f"<{len(fields)}I", *fields)
        info = info.ljust(header, b"\0")
        if header == 40 and compression == 3:
            info += struct.pack("<3I", *masks[:3])
    offset = 14 + len(info) + len(palette)
    start = struct.pack("<2sIHHI", b"BM", offset + len(data), 0, 0, offset)
    return start + info + palette + data


def _rows(lines: list[bytes], upwards: bool) -> bytes:
    padded = [line.ljust(-(-len(line) // 4) * 4, b"\0") for line in lines]
    return b"".join(reversed(padded) if upwards else padded)


def _indexed(bits: int, header: int, upwards: bool, kind: str) -> Case:
    count = 2**bits
    indices = values(1, "u1", bits)[..., 0]
    if kind == "few":
        count = max(2, count * 3 // 4)
        indices = np.minimum(indices, count - 1)
    if kind == "grey":
        table = np.repeat(np.linspace(0, 255, count).astype(np.uint8)[:, None], 3, 1)
    elif kind == "reversed":
        table = np.repeat(np.linspace(255, 0, count).astype(np.uint8)[:, None], 3, 1)
    else:
        table = np.random.default_rng(bits).integers(0, 256, (count, 3), np.uint8)
    padding = b"" if header == 12 else b"\0"
    palette = b"".join(bytes(colour[::-1]) + padding for colour in table)
    planes = [(indices >> shift) & 1 for shift in reversed(range(bits))]
    packed = np.packbits(np.stack(planes, -1).reshape(HEIGHT, -1), axis=1)
    data = _rows([row.tobytes() for row in packed], upwards)
    colours = count if kind == "few" else 0
    whole = _file(header, bits, 0, upwards, palette, (0, 0, 0, 0), data, colours)
    name = f"BMP {bits} bits {kind} header {header} {'up' if upwards else 'down'}"
    return Case(name, whole, _agreed(whole, table[indices].astype(float)))


def _direct(bits: int, header: int, upwards: bool) -> Case:
    array = values(3, "u1")
    if bits == 16:
        five = array.astype(np.uint16) >> 3
        words = five[..., 0] << 10 | five[..., 1] << 5 | five[..., 2]
        lines = [row.astype("<u2").tobytes() for row in words]
        expected = five * 255 / 31
    else:
        bands = array[..., ::-1]
        if bits == 32:
            bands = np.dstack([bands, np.zeros((HEIGHT, WIDTH), np.uint8)])
        lines = [row.tobytes() for row in bands]
        expected = rgb(array)
    data = _rows(lines, upwards)
    whole = _file(header, bits, 0, upwards, b"", (0, 0, 0, 0), data)
    name = f"BMP {bits} bits header {header} {'up' if upwards else 'down'}"
    return Case(name, whole, expected, 5 if bits == 16 else 1)


def _masked(bits: int, name: str, header: int) -> Case:
    masks = MASKS[bits, name]
    fractions = values(4, "u1").astype(float) / 255
    words = np.zeros((HEIGHT, WIDTH), np.uint64)
    shown = np.zeros((HEIGHT, WIDTH, 4))
    for channel, mask in enumerate(masks):
        if mask:
            shift = (mask & -mask).bit_length() - 1
            most = mask >> shift
            level = np.rint(fractions[..., channel] * most).astype(np.uint64)
            words |= level << np.uint64(shift)
            shown[..., channel] = level * 255 / most
    lines = [row.astype(f"<u{bits // 8}").tobytes() for row in words]
    whole = _file(header, bits, 3, True, b"", masks, _rows(lines, True))
    expected = on_white(shown[..., :3], shown[..., 3]) if masks[3] else shown[..., :3]
    return Case(f"BMP {bits} bits {name} header {header}", whole, expected, 5)


def _run_lengths(bits: int, kind: str) -> Case:
    indices = values(1, "u1", bits)[..., 0].copy()
    if kind == "empty lines":
        indices[10:14] = 0
    table = np.random.default_rng(bits).integers(0, 256, (2**bits, 3), np.uint8)
    palette = b"".join(bytes(colour[::-1]) + b"\0" for colour in table)
    data = b""
    for row in indices[::-1]:
        if kind == "empty lines" and not row.any():
            data += b"\0\0"
        elif kind == "absolute":
            body = (
                row.tobytes()
                if bits == 8
                else bytes(
                    int(a) << 4 | int(b)
                    for a, b in zip(row[::2], [*row[1::2], 0], strict=True)
                )
            )
            data += bytes([0, len(row)]) + body + b"\0" * (len(body) % 2) + b"\0\0"
        else:
            for value in row:
                data += bytes([1, int(value) if bits == 8 else int(value) << 4])
            data += b"\0\0"
    data += b"\0\1"
    whole = _file(40, bits, 1 if bits == 8 else 2, True, palette, (0,) * 4, data)
    return Case(f"BMP run lengths {bits} bits {kind}", whole, table[indices] * 1.0)


def _agreed(data: bytes, expected: NDArray[Any]) -> NDArray[Any] | None:
    """Ask OpenCV, where it reads the file at all, whether it sees the same."""
    seen = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if seen is not None and np.abs(seen[..., ::-1] - expected).max() > 1:
        return None
    return expected

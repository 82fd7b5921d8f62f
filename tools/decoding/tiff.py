"""TIFF files of every kind that tifffile writes, read back by tifffile."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from decoding.rules import Case, cmyk, grey, on_white, rgb, values

LOSSLESS = (None, "lzw", "zlib", "deflate", "packbits", "zstd", "lzma")
LOSSY = {"jpeg": 24, "webp": 0, "jpegxl": 0, "jpeg2000": 0, "lerc": 0, "png": 0}


def cases() -> Iterator[Case]:
    """Make the files."""
    yield from _grid()
    yield from _packed()
    yield from _palettes()
    yield from _two_levels()
    yield from _compressed_otherwise()
    yield from _layouts()


def written(array: NDArray[Any], **options: Any) -> bytes:
    """Write a TIFF."""
    file = BytesIO()
    tifffile.imwrite(file, array, metadata=None, **options)
    return file.getvalue()


def read(data: bytes) -> NDArray[Any]:
    """Read the first page, channels last."""
    with tifffile.TiffFile(BytesIO(data)) as file:
        page = file.pages[0]
        array = page.asarray()
        if page.planarconfig == 2 and array.ndim == 3:
            array = np.moveaxis(array, 0, -1)
    return array


def shown(array: NDArray[Any], photometric: str, bits: int | None = None) -> Any:
    """Apply the colour rules to what was read."""
    most = 255.0
    if array.dtype.kind == "u" and array.dtype.itemsize <= 2:
        most = 2.0 ** (bits or array.dtype.itemsize * 8) - 1
    if array.ndim == 2:
        array = array[..., None]
    if photometric == "separated":
        return cmyk(array, most)
    if photometric == "rgb":
        picture = rgb(array, most)
        return on_white(picture, array[..., 3], most) if array.shape[2] > 3 else picture
    picture = grey(array[..., 0], most, inverted=photometric == "miniswhite")
    return on_white(picture, array[..., 1], most) if array.shape[2] > 1 else picture


def _grid() -> Iterator[Case]:
    """Vary type, channels, photometric, order of planes and bytes, and compression."""
    dtypes = ("u1", "u2", "u4", "u8", "i1", "i2", "i4", "f2", "f4", "f8")
    kinds = (
        ("minisblack", 1),
        ("miniswhite", 1),
        ("minisblack", 2),
        ("rgb", 3),
        ("rgb", 4),
        ("separated", 4),
    )
    layouts: tuple[dict[str, Any], ...] = ({}, {"tile": (16, 32)}, {"rowsperstrip": 7})
    for dtype, (
        photometric,
        channels,
    ), plane, order, compression, layout in itertools.product(
        dtypes, kinds, ("contig", "separate"), "<>", LOSSLESS, layouts
    ):
        if channels == 1 and plane == "separate":
            continue
        if layout and compression not in (None, "lzw", "zlib"):
            continue
        if photometric == "miniswhite" and dtype[0] != "u":
            continue  # what zero and white are is not defined
        options = {"planarconfig": plane} if channels > 1 else {}
        if (photometric, channels) in (("minisblack", 2), ("rgb", 4)):
            options["extrasamples"] = ("unassalpha",)
        for predictor in (False, True):
            if predictor and (
                compression not in ("lzw", "zlib") or layout or dtype in ("u8", "f2")
            ):
                continue
            array = values(channels, dtype)
            if photometric == "miniswhite" and np.dtype(dtype).itemsize > 2:
                continue
            if plane == "separate":
                array = np.moveaxis(array, -1, 0)
            elif channels == 1:
                array = array[..., 0]
            data = written(
                array,
                photometric=photometric,
                byteorder=order,
                compression=compression,
                predictor=predictor,
                **options,
                **layout,
            )
            name = (
                f"TIFF {photometric} {channels} x {dtype} {plane} {order} "
                f"{compression}{' predicted' if predictor else ''} {layout or ''}"
            )
            decoded = read(data)
            if not np.array_equal(decoded.squeeze(), _chunky(array, plane).squeeze()):
                raise AssertionError(f"tifffile does not read what it wrote: {name}")
            tolerance = 3 if channels in (2, 4) else 1.01
            yield Case(name, data, shown(decoded, photometric), tolerance)


def _chunky(array: NDArray[Any], plane: str) -> NDArray[Any]:
    return np.moveaxis(array, 0, -1) if plane == "separate" else array


def _packed() -> Iterator[Case]:
    """Vary the bits a value, whatever number of bytes they fill."""
    for bits, (photometric, channels), order, plane in itertools.product(
        (2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15),
        (("minisblack", 1), ("miniswhite", 1), ("rgb", 3)),
        "<>",
        ("contig", "separate"),
    ):
        if channels == 1 and plane == "separate":
            continue
        if channels == 3 and bits == 5:
            continue  # tifffile reads 5 bits as 5, 6 and 5
        array = values(channels, "u1" if bits < 8 else "u2", bits)
        data = _with_bits(array, bits, photometric, order, plane)
        yield Case(
            f"TIFF {photometric} {channels} x {bits} bits {plane} {order}",
            data,
            shown(array, photometric, bits),
            1.6,
        )


def _with_bits(
    array: NDArray[Any],
    bits: int,
    photometric: str,
    order: str,
    plane: str,
    further: dict[int, tuple[int, list[int]]] | None = None,
) -> bytes:
    """Pack values, and write a TIFF of one strip a plane about them."""
    planes = np.moveaxis(array, -1, 0) if plane == "separate" else array[None]
    strips = [b"".join(_packed_row(row, bits) for row in one) for one in planes]
    channels = array.shape[-1]
    short, long = 3, 4
    offsets, place = [], 8
    for strip in strips:
        offsets.append(place)
        place += len(strip)
    tags = {
        256: (long, [array.shape[1]]),
        257: (long, [array.shape[0]]),
        258: (short, [bits] * channels),
        259: (short, [1]),
        262: (short, [{"miniswhite": 0, "minisblack": 1, "rgb": 2}[photometric]]),
        273: (long, offsets),
        277: (short, [channels]),
        278: (long, [array.shape[0]]),
        279: (long, [len(strip) for strip in strips]),
        284: (short, [2 if plane == "separate" else 1]),
        **(further or {}),
    }
    endian = "little" if order == "<" else "big"
    sizes = {short: 2, long: 4}
    directory, beyond = b"", b""
    start = place + 2 + 12 * len(tags) + 4
    for tag, (kind, numbers) in sorted(tags.items()):
        field = b"".join(number.to_bytes(sizes[kind], endian) for number in numbers)
        if len(field) > 4:
            field, beyond = (
                (start + len(beyond)).to_bytes(4, endian),
                beyond + field,
            )
        directory += tag.to_bytes(2, endian) + kind.to_bytes(2, endian)
        directory += len(numbers).to_bytes(4, endian) + field.ljust(4, b"\0")
    header = (b"II" if order == "<" else b"MM") + (42).to_bytes(2, endian)
    header += place.to_bytes(4, endian)
    count = len(tags).to_bytes(2, endian)
    return header + b"".join(strips) + count + directory + bytes(4) + beyond


def _packed_row(row: NDArray[Any], bits: int) -> bytes:
    planes = [(row.ravel() >> shift) & 1 for shift in reversed(range(bits))]
    return np.packbits(np.stack(planes, axis=-1).astype(np.uint8).ravel()).tobytes()


def _palettes() -> Iterator[Case]:
    """Look colours up in a palette."""
    for bits, order, compression in itertools.product(
        (2, 4, 8), "<>", (None, "lzw", "zlib")
    ):
        indices = values(1, "u1", bits)[..., 0]
        dice = np.random.default_rng(bits)
        colours = dice.integers(0, 256, (3, 2**bits), np.uint16)
        options = {"bitspersample": bits} if bits < 8 else {}
        if bits < 8 and compression:
            continue
        if bits < 8:
            data = _palette_of(indices, bits, colours, order)
        else:
            data = written(
                indices,
                photometric="palette",
                colormap=colours * 257,
                byteorder=order,
                compression=compression,
                **options,
            )
        picture = np.moveaxis(colours, 0, -1)[indices].astype(float)
        yield Case(f"TIFF palette {bits} bits {order} {compression}", data, picture)


def _palette_of(
    indices: NDArray[Any], bits: int, colours: NDArray[Any], order: str
) -> bytes:
    """Add a palette to a packed grey file."""
    data = _with_bits(indices[..., None], bits, "minisblack", order, "contig")
    endian = "little" if order == "<" else "big"
    place = int.from_bytes(data[4:8], endian)
    count = int.from_bytes(data[place : place + 2], endian)
    entries = [data[place + 2 + 12 * i : place + 14 + 12 * i] for i in range(count)]
    entries[4] = entries[4][:8] + (3).to_bytes(2, endian) + bytes(2)
    where = len(data) + 2 + 12 * (count + 1) + 4
    palette = (320).to_bytes(2, endian) + (3).to_bytes(2, endian)
    palette += colours.size.to_bytes(4, endian) + where.to_bytes(4, endian)
    directory = (count + 1).to_bytes(2, endian) + b"".join([*entries, palette])
    map_ = (colours * 257).astype(f"{order}u2").tobytes()
    header = data[:4] + len(data).to_bytes(4, endian)
    return header + data[8:] + directory + bytes(4) + map_


def _two_levels() -> Iterator[Case]:
    """Write black and white, one bit each."""
    bits = values(1, "u1", 1)[..., 0].astype(bool)
    for photometric, compression, order in itertools.product(
        ("minisblack", "miniswhite"),
        (None, "packbits", "lzw", "zlib", "ccittrle", "ccitt_t4", "ccitt_t6"),
        "<>",
    ):
        options: dict[str, Any] = {}
        try:
            data = written(
                bits,
                photometric=photometric,
                compression=compression,
                byteorder=order,
                **options,
            )
        except (ValueError, NotImplementedError):
            continue  # tifffile reads fax codes, and writes none
        inverted = photometric == "miniswhite"
        picture = grey(bits.astype(float), 1, inverted=inverted)
        yield Case(f"TIFF {photometric} 1 bit {compression} {order}", data, picture)


def _compressed_otherwise() -> Iterator[Case]:
    """Use the codecs made for pictures."""
    for compression, (photometric, channels), dtype, order in itertools.product(
        LOSSY,
        (("minisblack", 1), ("rgb", 3), ("ycbcr", 3), ("separated", 4)),
        ("u1", "u2", "f4"),
        "<>",
    ):
        array = values(channels, dtype)
        if channels == 1:
            array = array[..., 0]
        if photometric == "ycbcr" and compression != "jpeg":
            continue
        try:
            data = written(
                array, photometric=photometric, compression=compression, byteorder=order
            )
            decoded = read(data)
        except Exception as error:  # what the codec has no form for
            if type(error).__module__ == "builtins" or "imagecodecs" in str(
                type(error)
            ):
                continue
            raise
        name = f"TIFF {photometric} {channels} x {dtype} {compression} {order}"
        kind = "rgb" if photometric == "ycbcr" else photometric
        yield Case(name, data, shown(decoded, kind), LOSSY[compression] or 2)


def _layouts() -> Iterator[Case]:
    """Vary what surrounds the pixels."""
    array = values(3, "u1")
    alpha = values(4, "u1")
    premultiplied = alpha.copy()
    premultiplied[..., :3] = np.rint(
        alpha[..., :3].astype(float) * alpha[..., 3:] / 255
    )
    picture = rgb(array)
    yield Case("BigTIFF", written(array, photometric="rgb", bigtiff=True), picture)
    yield Case(
        "BigTIFF >",
        written(array, photometric="rgb", bigtiff=True, byteorder=">"),
        picture,
    )
    pages = np.stack([array, 255 - array])
    yield Case("TIFF of two pages", written(pages, photometric="rgb"), picture)
    yield Case(
        "TIFF with a fourth channel of no meaning",
        written(alpha, photometric="rgb", extrasamples=("unspecified",)),
        rgb(alpha),
    )
    yield Case(
        "TIFF with a premultiplied alpha channel",
        written(premultiplied, photometric="rgb", extrasamples=("assocalpha",)),
        on_white(rgb(alpha), alpha[..., 3]),
        3,
    )
    yield Case(
        "TIFF of five channels", written(values(5, "u1"), photometric="rgb"), None
    )
    yield Case(
        "TIFF of complex numbers",
        written(values(1, "c8")[..., 0], photometric="minisblack"),
        None,
    )
    for orientation in range(1, 9):
        data = written(
            array,
            photometric="rgb",
            extratags=[(274, 3, 1, orientation, True)],
        )
        yield Case(f"TIFF turned {orientation}", data, _turned(picture, orientation))
    reverse = np.array([int(f"{i:08b}"[::-1], 2) for i in range(256)], np.uint8)
    backwards = {266: (3, [2])}
    for order in "<>":
        data = _with_bits(reverse[array], 8, "rgb", order, "contig", backwards)
        yield Case(f"TIFF with reversed bits {order}", data, picture)
        grey_ = values(1, "u1")
        data = _with_bits(reverse[grey_], 8, "minisblack", order, "contig", backwards)
        yield Case(f"grey TIFF with reversed bits {order}", data, grey(grey_))


def _turned(picture: Any, orientation: int) -> Any:
    """Turn a picture upright, as Exif 2.32 says of the tag."""
    return {
        1: lambda p: p,
        2: lambda p: p[:, ::-1],
        3: lambda p: p[::-1, ::-1],
        4: lambda p: p[::-1],
        5: lambda p: p.swapaxes(0, 1),
        6: lambda p: p[::-1].swapaxes(0, 1),
        7: lambda p: p[::-1, ::-1].swapaxes(0, 1),
        8: lambda p: p[:, ::-1].swapaxes(0, 1),
    }[orientation](picture)

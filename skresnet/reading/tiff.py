"""TIFF: its tags, the kinds of it that are read, and their pixels.

Pillow reads many kinds of TIFF and some of them wrongly, without a word. What is given
to it here is one page with nothing but the tags that decide pixels, of kinds of which
`tools/check_decoding.py` has seen that they are read rightly. Planes that lie one after
the other are given to it as one grey picture each.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from io import BytesIO
from typing import IO, Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from skresnet.reading.colour import remark_on_values, sixteen_to_eight_bits
from skresnet.reading.errors import PictureError
from skresnet.reading.rare_tiff import is_installed, read
from skresnet.reading.tags import SIZES, Tags

_SHORT, _LONG, _LONG8 = 3, 4, 16
_WIDTH, _LENGTH, _BITS, _COMPRESSION, _PHOTOMETRIC = 256, 257, 258, 259, 262
_FILL_ORDER, _STRIP_OFFSETS, _ORIENTATION, _SAMPLES = 266, 273, 274, 277
_STRIP_BYTES, _PLANAR, _TILE_WIDTH, _TILE_LENGTH = 279, 284, 322, 323
_TILE_OFFSETS, _TILE_BYTES, _EXTRA, _FORMAT = 324, 325, 338, 339
_SUBFILE_TYPE, _DNG_VERSION = 254, 50706
_DECISIVE: Final = {
    *(_WIDTH, _LENGTH, _BITS, _COMPRESSION, _PHOTOMETRIC, _FILL_ORDER, _STRIP_OFFSETS),
    *(_SAMPLES, _STRIP_BYTES, _TILE_WIDTH, _TILE_LENGTH, _TILE_OFFSETS),
    *(_TILE_BYTES, _EXTRA, _FORMAT),
    *(278, 292, 293, 317, 320, 347, 529, 530, 532),
}
_BY_PLANE: Final = (_STRIP_OFFSETS, _STRIP_BYTES, _TILE_OFFSETS, _TILE_BYTES)

_MOST_PIECES: Final = 100_000

_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE = 0, 1, 2, 3
_CMYK, _YCBCR, _LAB = 5, 6, 8
_COLOURS: Final = {
    _WHITE_IS_ZERO: ("grey", 1),
    _BLACK_IS_ZERO: ("grey", 1),
    _RGB: ("RGB", 3),
    _PALETTE: ("palette", 1),
    4: ("a mask", 1),
    _CMYK: ("CMYK", 4),
    _YCBCR: ("YCbCr", 3),
    _LAB: ("CIELAB", 3),
    9: ("ICC LAB", 3),
    10: ("ITU LAB", 3),
    32803: ("the raw mosaic of a camera", 1),
    34892: ("the linear raw data of a camera", 3),
    32844: ("LogL", 1),
    32845: ("LogLuv", 3),
}
_JPEG: Final = 7
_COMPRESSIONS: Final = {
    1: "none",
    2: "CCITT RLE",
    3: "CCITT fax 3",
    4: "CCITT fax 4",
    5: "LZW",
    _JPEG: "JPEG",
    8: "deflate",
    32773: "PackBits",
    32946: "deflate",
    34925: "LZMA",
    50000: "Zstandard",
    6: "old JPEG",
    33003: "JPEG 2000",
    33005: "JPEG 2000",
    34712: "JPEG 2000",
    34887: "LERC",
    50001: "WebP",
    50002: "JPEG XL",
    52546: "JPEG XL",
    22610: "JPEG XR",
    34934: "JPEG XR",
    34933: "PNG",
    34661: "JBIG",
    32809: "ThunderScan",
    34892: "lossy JPEG",
}
_LOSSLESS: Final = {1, 5, 8, 32773, 32946, 34925, 50000}
_FAX: Final = {2, 3, 4}
_FORMATS: Final = {1: "unsigned", 2: "signed", 3: "floating-point", 6: "complex"}


@dataclass(frozen=True)
class _Kind:
    """What decides how values are to be understood."""

    photometric: int
    compression: int
    bits: tuple[int, ...]
    formats: tuple[int, ...]
    samples: int
    extra: tuple[int, ...]
    is_planar: bool
    is_reversed: bool
    order: str

    def is_read(self) -> bool:
        """Tell whether Pillow reads it, and rightly."""
        _, colours = _COLOURS.get(self.photometric, ("", 0))
        if self.is_planar:
            one = replace(
                self,
                photometric=_BLACK_IS_ZERO,
                bits=self.bits[:1],
                formats=self.formats[:1],
                samples=1,
                extra=(),
                is_planar=False,
            )
            return (
                len(set(self.bits)) == len(set(self.formats)) == 1
                and self.photometric in (_BLACK_IS_ZERO, _RGB, _CMYK)
                and self.samples == colours + len(self.extra)
                and len(self.extra) <= 1
                and self.compression in _LOSSLESS
                and self.formats[0] == 1
                and self.bits[0] in (8, 16)
                and one.is_read()
            )
        if self.samples != colours + len(self.extra) or len(self.extra) > 1:
            return False
        if self.is_reversed and self.bits != (1,):
            return False
        bits, format_ = set(self.bits), set(self.formats)
        if self.compression in _FAX:
            return self.bits == (1,) and self.photometric in (0, 1)
        if self.compression == _JPEG:
            return bits == {8} and (self.photometric, self.samples) in {
                (_BLACK_IS_ZERO, 1),
                (_RGB, 3),
                (_YCBCR, 3),
            }
        if self.compression not in _LOSSLESS or len(bits) != 1 or len(format_) != 1:
            return False
        (depth,), (kind,) = bits, format_
        if kind != 1:
            return (
                (kind, depth) in {(2, 16), (2, 32), (3, 32)}
                and (self.photometric, self.samples) == (_BLACK_IS_ZERO, 1)
                and (self.order == "little" or self.compression == 1)
            )
        if self.photometric in (_WHITE_IS_ZERO, _BLACK_IS_ZERO):
            if self.samples == 2:
                return depth == 8 and self.photometric == _BLACK_IS_ZERO
            return depth in (1, 2, 4, 8, 16)
        if self.photometric == _PALETTE:
            return depth in (1, 2, 4, 8) and not self.extra
        if self.photometric == _RGB:
            return depth in (8, 16)
        if self.photometric == _CMYK:
            return depth in (8, 16) and not self.extra
        return self.photometric == _LAB and depth == 8 and not self.extra

    def is_rare(self) -> bool:
        """Tell whether tifffile reads it, in time and memory that are known before."""
        colours = {_WHITE_IS_ZERO: 1, _BLACK_IS_ZERO: 1, _RGB: 3}.get(self.photometric)
        if colours is None or self.samples != colours + len(self.extra):
            return False
        if len(set(self.bits)) > 1 or len(set(self.formats)) > 1 or len(self.extra) > 1:
            return False
        depth, format_ = self.bits[0], self.formats[0]
        if format_ == 1:
            is_known = depth <= 16 or depth in (32, 64)
        else:
            is_known = format_ in (2, 3) and depth in (8, 16, 32, 64)
            # Of such values, nothing says what is white or opaque.
            is_known &= self.photometric != _WHITE_IS_ZERO and not self.extra
        if self.photometric == _WHITE_IS_ZERO and (depth > 16 or self.extra):
            return False
        if self.extra and depth > 16:
            return False
        return is_known and self.compression in _LOSSLESS

    def __str__(self) -> str:
        colours, _ = _COLOURS.get(self.photometric, ("colours of no known kind", 0))
        bits = ", ".join(str(depth) for depth in sorted(set(self.bits)))
        formats = " and ".join(
            _FORMATS.get(format_, "undefined") for format_ in sorted(set(self.formats))
        )
        parts = [colours, f"{self.samples} x {bits} bits {formats}"]
        if self.is_planar:
            parts.append("in separate planes")
        if self.is_reversed:
            parts.append("with reversed bits")
        if self.order == "big":
            parts.append("big-endian")
        if self.compression != 1:
            name = _COMPRESSIONS.get(self.compression)
            parts.append(f"compressed by {name}" if name else "of unknown compression")
        return ", ".join(parts)


class Tiff:
    """The first page of a TIFF.

    Parameters
    ----------
    file : binary file
        Where its tags are read.

    Attributes
    ----------
    size : tuple of int
        Width and height as stored.
    orientation : int
        As of EXIF.
    """

    name = "TIFF"
    max_pixels: int | None = None

    def __init__(self, file: IO[bytes]) -> None:
        self._remark: str | None = None
        tags = self._tags = Tags(file)
        self.size = (tags.number(_WIDTH, 0), tags.number(_LENGTH, 0))
        self.orientation = tags.number(_ORIENTATION, 1)
        samples = tags.number(_SAMPLES, 1)
        bits = tags.numbers(_BITS, (1,))
        formats = tags.numbers(_FORMAT, (1,))
        self._kind = _Kind(
            photometric=tags.number(_PHOTOMETRIC, -1),
            compression=tags.number(_COMPRESSION, 1),
            bits=bits if len(bits) == samples else bits[:1] * min(samples, 99),
            formats=tuple(1 if format_ == 4 else format_ for format_ in formats[:99]),
            samples=samples,
            extra=tags.numbers(_EXTRA),
            is_planar=tags.number(_PLANAR, 1) == 2 and samples > 1,
            is_reversed=tags.number(_FILL_ORDER, 1) == 2,
            order=tags.order,
        )
        self._refuse_what_is_no_picture()

    @property
    def depth(self) -> int:
        """Bits of the value of a channel."""
        return self._kind.bits[0]

    @property
    def decoded_pixels(self) -> int:
        """How many pixels are decoded at least, be they in the picture or not."""
        tile = self._tags.number(_TILE_WIDTH, 0) * self._tags.number(_TILE_LENGTH, 0)
        return max(self.size[0] * self.size[1], tile)

    def bytes_at(self, scale: int) -> int:
        """Tell how much memory decoding needs."""
        stored = self._kind.samples * -(-max(self._kind.bits) // 8)
        per_pixel = 3 * stored + 12 if self._is_rare else stored + max(4, stored)
        return self.decoded_pixels * per_pixel

    @property
    def remark(self) -> str | None:
        """Say how many tags are damaged."""
        count = self._tags.n_damaged
        if self._remark or count == 0:
            return self._remark
        return f"{count} of its TIFF tags are damaged, and not looked at"

    def image(self, data: bytes, scale: int) -> Image.Image:
        """Decode the pixels.

        Parameters
        ----------
        data : bytes
            The whole file.
        scale : int
            1, as only JPEG is decoded at others.
        """
        kind = self._kind
        fields = {tag: self._tags.field(tag) for tag in _DECISIVE if tag in self._tags}
        if self._is_rare:
            image, self._remark = read(
                self._with_tags(data, fields | self._planar()),
                self.depth,
                is_inverted=kind.photometric == _WHITE_IS_ZERO,
                extra=next(iter(kind.extra), None),
            )
            return image
        if kind.is_planar:
            planes = [
                np.asarray(self._opened(data, plane)) for plane in self._planes(fields)
            ]
            if self.depth == 16:
                planes = [sixteen_to_eight_bits(plane) for plane in planes]
            return self._joined(planes)
        if kind.photometric == _WHITE_IS_ZERO and self.depth == 16:
            # Which Pillow takes for black.
            fields[_PHOTOMETRIC] = self._shorts(_BLACK_IS_ZERO)
            values = np.asarray(self._opened(data, fields))
            self._remark = remark_on_values(int(values.max()))
            return Image.fromarray(65535 - values)
        return self._opened(data, fields)

    def _refuse_what_is_no_picture(self) -> None:
        if _DNG_VERSION in self._tags or self._tags.number(_SUBFILE_TYPE, 0) & 1:
            raise PictureError(
                "TIFF files that begin with a thumbnail, as the raw files of cameras "
                "do, are not supported: save the picture as JPEG or PNG"
            )
        self._is_rare = not self._kind.is_read()
        if self._is_rare and not self._kind.is_rare():
            raise PictureError(
                f"TIFF files of this kind are not supported ({self._kind}): save it "
                "as PNG, or as TIFF with 8 bits a channel"
            )
        if self._is_rare and not is_installed():
            raise PictureError(
                "TIFF files of this kind are not supported without tifffile "
                f'({self._kind}): pip install "skresnet[tiff]", or save it as PNG'
            )
        pieces = max(
            len(self._tags.numbers(tag)) for tag in (_STRIP_OFFSETS, _TILE_OFFSETS)
        )
        if pieces == 0 or min(self.size) == 0:
            raise PictureError("its TIFF header is damaged: it says of no pixels")
        if pieces > _MOST_PIECES:
            raise PictureError(
                f"it is cut into {pieces:,} pieces, more than the limit of "
                f"{_MOST_PIECES:,}: save it anew"
            )

    def _planar(self) -> dict[int, tuple[int, int, bytes]]:
        return {_PLANAR: self._shorts(2)} if self._kind.is_planar else {}

    def _planes(
        self, fields: dict[int, tuple[int, int, bytes]]
    ) -> Iterable[dict[int, tuple[int, int, bytes]]]:
        """Make one grey picture of each plane."""
        count = self._kind.samples
        for index in range(count):
            plane = {
                tag: field
                for tag, field in fields.items()
                if tag not in (_EXTRA, _FORMAT)
            }
            plane[_SAMPLES] = self._shorts(1)
            plane[_BITS] = self._shorts(self.depth)
            plane[_PHOTOMETRIC] = self._shorts(_BLACK_IS_ZERO)
            for tag in _BY_PLANE:
                if tag in fields:
                    kind, number, field = fields[tag]
                    part = number // count
                    size = part * SIZES[kind]
                    plane[tag] = (kind, part, field[index * size : (index + 1) * size])
            yield plane

    def _joined(self, planes: list[NDArray[np.uint8]]) -> Image.Image:
        """Put planes together."""
        modes = {
            (_BLACK_IS_ZERO, 2): "LA",
            (_RGB, 3): "RGB",
            (_RGB, 4): "RGBA",
            (_CMYK, 4): "CMYK",
        }
        bands = [Image.fromarray(plane) for plane in planes]
        if self._kind.extra == (0,):
            bands = bands[:-1]
        if len(bands) == 1:
            return bands[0]
        mode = modes[self._kind.photometric, len(bands)]
        if self._kind.extra == (1,):
            mode = {"RGBA": "RGBa", "LA": "La"}[mode]
        return Image.merge(mode, bands)

    def _shorts(self, *numbers: int) -> tuple[int, int, bytes]:
        order: Any = self._kind.order
        return (
            _SHORT,
            len(numbers),
            b"".join(number.to_bytes(2, order) for number in numbers),
        )

    def _opened(
        self, data: bytes, fields: dict[int, tuple[int, int, bytes]]
    ) -> Image.Image:
        """Let Pillow read a file that has these tags and no others."""
        image = TiffImageFile(BytesIO(self._with_tags(data, fields)), "")
        image.load()
        return image

    def _with_tags(
        self, data: bytes, fields: dict[int, tuple[int, int, bytes]]
    ) -> bytes:
        """Append a directory of these tags, and point to it at the beginning."""
        order: Any = self._kind.order
        start = len(data) + len(data) % 2
        beyond = start + 2 + 12 * len(fields) + 4
        entries, values = [], b""
        for tag, (kind, count, field) in sorted(fields.items()):
            if kind == _LONG8:
                wide = np.frombuffer(field, "<u8" if order == "little" else ">u8")
                kind, field = _LONG, wide.astype(wide.dtype.str[0] + "u4").tobytes()
            if len(field) > 4:
                value = (beyond + len(values)).to_bytes(4, order)
                values += field + b"\0" * (len(field) % 2)
            else:
                value = field.ljust(4, b"\0")
            entries.append(
                tag.to_bytes(2, order)
                + kind.to_bytes(2, order)
                + count.to_bytes(4, order)
                + value
            )
        header = (b"II" if order == "little" else b"MM") + (42).to_bytes(2, order)
        return b"".join(
            [
                header + start.to_bytes(4, order),
                data[8:],
                b"\0" * (len(data) % 2),
                len(entries).to_bytes(2, order),
                *entries,
                bytes(4),
                values,
            ]
        )

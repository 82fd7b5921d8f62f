"""PNG: what of it decides pixels, and whether all of them are there."""

import zlib
from io import BytesIO
from typing import IO, Final

from PIL import Image
from PIL.PngImagePlugin import PngImageFile

from skresnet.reading.errors import PictureError

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_HEADER_BYTES: Final = 33

# Text, profiles and the frames of an animation are of no interest, however many.
_DECISIVE: Final = {b"IHDR", b"PLTE", b"tRNS"}

_MOST_CHUNKS: Final = 200_000
_MOST_TRANSPARENT_PIXELS: Final = 2**25
_STEP: Final = 2**20

# First column and row, and distance of columns and rows, of the passes of Adam7.
_ADAM7: Final = (
    *((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4)),
    *((0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)),
)
_GREY, _RGB, _PALETTE, _GREY_ALPHA, _RGBA = 0, 2, 3, 4, 6
_CHANNELS: Final = {_GREY: 1, _RGB: 3, _PALETTE: 1, _GREY_ALPHA: 2, _RGBA: 4}


class Png:
    """A PNG.

    Parameters
    ----------
    file : binary file
        Where its header is read.

    Attributes
    ----------
    size : tuple of int
        Width and height as stored.
    depth : int
        Bits of the value of a channel.
    exif : bytes
        Its EXIF data, known once it is decoded.
    """

    name = "PNG"
    exif = b""
    remark: str | None = None
    max_pixels: int | None = None

    def __init__(self, file: IO[bytes]) -> None:
        file.seek(0)
        header = file.read(_HEADER_BYTES)
        if header[12:16] == b"CgBI":
            raise PictureError(
                "PNG as Apple's tools rewrite it for apps (CgBI) is not supported: "
                "save it as usual PNG"
            )
        if len(header) < _HEADER_BYTES or header[12:16] != b"IHDR":
            raise PictureError("its PNG header is damaged or cut short")
        if zlib.crc32(header[12:29]) != int.from_bytes(header[29:33]):
            raise PictureError("its PNG header is damaged: the checksum is wrong")
        width, height = int.from_bytes(header[16:20]), int.from_bytes(header[20:24])
        self.size = (width, height)
        self.depth, self._colours, _, _, self._is_interlaced = header[24:29]
        if self._colours not in _CHANNELS or not self.depth:
            raise PictureError("its PNG header is damaged: there are no such colours")

    @property
    def decoded_pixels(self) -> int:
        """How many pixels are decoded."""
        return self.size[0] * self.size[1]

    def bytes_at(self, scale: int) -> int:
        """Tell how much memory decoding needs."""
        # What Pillow makes of it, and what RGB is made of that.
        per_pixel = {_GREY_ALPHA: 8, _RGBA: 8}.get(self._colours, 5)
        if self._colours == _GREY and self.depth == 16:
            per_pixel = 9
        return self.decoded_pixels * per_pixel

    def image(self, data: bytes, scale: int) -> Image.Image:
        """Decode the pixels.

        Parameters
        ----------
        data : bytes
            The whole file.
        scale : int
            1, as only JPEG is decoded at others.
        """
        others, compressed = self._taken_apart(data)
        is_transparent = any(chunk[4:8] == b"tRNS" for chunk in others)
        if is_transparent and self.decoded_pixels > _MOST_TRANSPARENT_PIXELS:
            raise PictureError(
                f"more than {_MOST_TRANSPARENT_PIXELS:,} pixels with a transparent "
                "colour are not read: make it smaller"
            )
        whole = b"".join(
            [
                *(_SIGNATURE, *others),
                *_chunk(b"IDAT", compressed),
                *_chunk(b"IEND", b""),
            ]
        )
        image = PngImageFile(BytesIO(whole), "")
        image.load()
        self._correct_transparency(image)
        if self._is_interlaced or _ends_in_zeros(image):
            self._refuse_unless_complete(compressed)
        return image

    def _correct_transparency(self, image: Image.Image) -> None:
        """Bring a transparent value to the scale of the pixels, which Pillow leaves."""
        transparent = image.info.get("transparency")
        if self._colours == _GREY and self.depth in (2, 4) and transparent is not None:
            image.info["transparency"] = transparent * (255 // (2**self.depth - 1))
        if self._colours == _RGB and self.depth == 16 and transparent is not None:
            raise PictureError(
                "PNG with 16 bits a channel and a transparent colour is not supported: "
                "save it with an alpha channel"
            )

    def _taken_apart(self, data: bytes) -> tuple[list[bytes], bytes]:
        """Find the chunks that decide pixels, and join those of the pixels."""
        others: list[bytes] = []
        pixels: list[memoryview] = []
        view, place = memoryview(data), len(_SIGNATURE)
        for _ in range(_MOST_CHUNKS):
            length = int.from_bytes(view[place : place + 4])
            name = bytes(view[place + 4 : place + 8])
            if name == b"IEND" or len(name) < 4:
                return others, b"".join(pixels)
            if name == b"IDAT":
                pixels.append(view[place + 8 : place + 8 + length])
            elif name == b"eXIf":
                self.exif = bytes(view[place + 8 : place + 8 + length])
            elif name in _DECISIVE and length < _STEP:
                others.append(bytes(view[place : place + 12 + length]))
            place += 12 + length
        raise PictureError(
            f"it is cut into more than {_MOST_CHUNKS:,} chunks: save it anew"
        )

    def _refuse_unless_complete(self, compressed: bytes) -> None:
        """Count what the stream holds, which Pillow does not."""
        width, height = self.size
        passes = _ADAM7 if self._is_interlaced else ((0, 0, 1, 1),)
        bits = self.depth * _CHANNELS[self._colours]
        expected = 0
        for left, top, across, down in passes:
            columns = -(-(width - left) // across)
            rows = -(-(height - top) // down)
            if columns > 0 and rows > 0:
                expected += rows * (1 + -(-columns * bits // 8))
        inflating, found = zlib.decompressobj(), 0
        while not inflating.eof and found < expected:
            step = len(inflating.decompress(compressed, _STEP))
            compressed = inflating.unconsumed_tail
            found += step
            if not step and not compressed:
                break
        if found < expected:
            raise PictureError(
                f"the file ends early: {found / expected:.0%} of its pixels are there"
            )


def _chunk(name: bytes, body: bytes) -> list[bytes]:
    checksum = zlib.crc32(body, zlib.crc32(name))
    return [len(body).to_bytes(4), name, body, checksum.to_bytes(4)]


def _ends_in_zeros(image: Image.Image) -> bool:
    """Tell whether the last row is what rows are before they are decoded."""
    width, height = image.size
    # Unlike crop, resize does not warn where a global limit of Pillow is below.
    box = (0, height - 1, width, height)
    row = image.resize((width, 1), Image.Resampling.NEAREST, box)
    return not any(row.tobytes())

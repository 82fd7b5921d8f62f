"""JPEG, decoded by libjpeg-turbo, which tells where data are missing or damaged.

Pillow decodes with the same library and the same result, and keeps to itself what the
library remarks: a file of which half was overwritten is grey below, without a word.
"""

import re
from typing import IO, Any, Final

import simplejpeg
from PIL import Image

from skresnet.reading.errors import PictureError

_BEGINNING: Final = 2**18  # bytes that hold nearly every header
_MOST_SEGMENTS: Final = 10_000

_NO_FILLING: Final = re.compile(rb"[^\xff]")
_START_OF_SCAN, _END_OF_IMAGE, _APP1, _APP14 = 0xDA, 0xD9, 0xE1, 0xEE
_ALONE: Final = {0x00, 0x01, *range(0xD0, 0xD9)}
_FRAMES: Final = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_SEQUENTIAL: Final = {0xC0, 0xC1, 0xC9}
_PROGRESSIVE: Final = {0xC2, 0xCA}
_LOSSLESS: Final = {0xC3, 0xCB, 0xF7}

_MODES: Final = {1: ("L", "GRAY"), 3: ("RGB", "RGB"), 4: ("CMYK", "CMYK")}

# What libjpeg remarks of files that are whole.
_HARMLESS: Final = ("Adobe", "SOS parameters", "JFIF", "thumbnail", "progression")
_EXTRANEOUS: Final = re.compile(r"(\d+) extraneous bytes before marker")
_FEW_BYTES: Final = 64
_XMP_ORIENTATION: Final = re.compile(rb"tiff:Orientation(?:=\"|>)([1-8])")


class _EndsEarlyError(Exception):
    """More bytes are needed."""


class Jpeg:
    """A JPEG.

    Parameters
    ----------
    file : binary file
        Where its header is read.

    Attributes
    ----------
    size : tuple of int
        Width and height as stored.
    is_held_in_full : bool
        Whether its decoder cannot go line by line.
    exif, xmp : bytes
        Its metadata, empty where there are none.
    remark : str or None
        What was odd about the data, though they were decoded.
    """

    name = "JPEG"
    depth = 8
    max_pixels: int | None = None
    exif = xmp = b""

    def __init__(self, file: IO[bytes]) -> None:
        file.seek(0)
        data = file.read(_BEGINNING)
        try:
            self._read_header(data)
        except _EndsEarlyError:
            try:
                self._read_header(data + file.read())
            except _EndsEarlyError:
                raise PictureError("its JPEG header is damaged or cut short") from None
        self.remark: str | None = None

    def _read_header(self, data: bytes) -> None:
        """Go through the segments up to the first scan."""
        place, self._channels = 2, 0
        for _ in range(_MOST_SEGMENTS):
            # Filling and rubbish between segments are skipped, as libjpeg does.
            start = data.find(b"\xff", place)
            found = _NO_FILLING.search(data, start) if start >= 0 else None
            if found is None:
                raise _EndsEarlyError
            marker, place = found[0][0], found.end()
            if marker in _ALONE:
                continue
            if marker == _END_OF_IMAGE:
                raise PictureError("its JPEG header is damaged: it holds no picture")
            end = place + int.from_bytes(data[place : place + 2])
            if end > len(data):
                raise _EndsEarlyError
            body = data[place + 2 : end]
            if marker in _FRAMES | _LOSSLESS and not self._channels:
                self._read_frame(marker, body)
            elif marker == _APP1 and body.startswith(b"Exif\0\0"):
                self.exif = self.exif or body[6:]
            elif marker == _APP1 and body.startswith(b"http://ns.adobe.com/xap/"):
                self.xmp = self.xmp or body
            elif marker == _START_OF_SCAN and body:
                if not self._channels:
                    raise PictureError("its JPEG header is damaged: it has no frame")
                self.is_held_in_full |= body[0] < self._channels
                return
            place = max(end, place + 2)
        raise PictureError(
            f"its header has more than {_MOST_SEGMENTS:,} segments: save it anew"
        )

    def _read_frame(self, marker: int, body: bytes) -> None:
        if len(body) < 6:
            raise PictureError("its JPEG header is damaged or cut short")
        self._channels = body[5]
        self.size = (int.from_bytes(body[3:5]), int.from_bytes(body[1:3]))
        self.is_held_in_full = marker in _PROGRESSIVE
        kind = ""
        if marker == 0xF7:
            kind = "JPEG-LS"
        elif marker in _LOSSLESS:
            kind = "lossless JPEG"
        elif marker not in _SEQUENTIAL | _PROGRESSIVE:
            kind = "hierarchical JPEG"
        elif body[0] != 8:
            kind = f"JPEG with {body[0]} bits a value"
        elif self._channels not in _MODES:
            kind = f"JPEG with {self._channels} channels"
        if kind:
            raise PictureError(f"{kind} is not supported: save it as PNG or usual JPEG")

    @property
    def xmp_orientation(self) -> int:
        """The orientation that XMP tells, 1 if none."""
        found = _XMP_ORIENTATION.search(self.xmp)
        return int(found[1]) if found else 1

    @property
    def decoded_pixels(self) -> int:
        """How many pixels are decoded."""
        return self.size[0] * self.size[1]

    def bytes_at(self, scale: int) -> int:
        """Tell how much memory decoding needs at a scale."""
        width, height = self.size
        # Coefficients of two bytes, where the library cannot go line by line.
        held = 2 * self._channels * width * height if self.is_held_in_full else 0
        return held + (self._channels + 4) * width * height // scale**2

    def n_scans(self, data: bytes) -> int:
        """Count how often the decoder goes over the picture."""
        return data.count(b"\xff\xda") if self.is_held_in_full else 1

    def image(self, data: bytes, scale: int) -> Image.Image:
        """Decode the pixels, at a fraction of the size.

        Parameters
        ----------
        data : bytes
            The whole file.
        scale : int
            1, 2, 4 or 8.
        """
        mode, colours = _MODES[self._channels]
        pixels = self._decoded(data, colours, scale)
        height, width = pixels.shape[:2]
        # Four inks are stored inverted, as Adobe does.
        raw = "CMYK;I" if mode == "CMYK" else mode
        return Image.frombuffer(mode, (width, height), pixels, "raw", raw, 0, 1)

    def _decoded(self, data: bytes, colours: str, scale: int) -> Any:
        width, height = self.size
        options = {"min_width": -(-width // scale), "min_height": -(-height // scale)}
        if scale == 1:
            options = {}
        try:
            return simplejpeg.decode_jpeg(data, colours, **options)
        except ValueError as error:
            text = str(error)
        if text.startswith("Premature end of JPEG file"):
            # Nothing but the mark of the end may be missing.
            try:
                return simplejpeg.decode_jpeg(data + b"\xff\xd9", colours, **options)
            except ValueError:
                raise PictureError("the file ends early") from None
        extraneous = _EXTRANEOUS.search(text)
        if extraneous or any(word in text for word in _HARMLESS):
            pixels = simplejpeg.decode_jpeg(data, colours, strict=False, **options)
            if extraneous and int(extraneous[1]) > _FEW_BYTES:
                self.remark = (
                    f"{extraneous[1]} bytes among its JPEG data belong to no pixel; a "
                    "part of the picture may be lost"
                )
            return pixels
        raise PictureError(_cause(text))


def _cause(text: str) -> str:
    """Say in words what the library complains of."""
    if "arithmetic" in text.lower() and "not" in text:
        return "JPEG with arithmetic coding is not supported: save it as usual JPEG"
    if "premature end" in text.lower():
        return "its JPEG data end early, or are damaged"
    return "its JPEG data are damaged"

"""BMP, GIF, WebP, AVIF, JPEG 2000 and HEIC, as Pillow and pillow-heif read them."""

from collections.abc import Callable
from io import BytesIO
from typing import IO, Any, Final

from PIL import Image
from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile
from PIL.WebPImagePlugin import WebPImageFile

from skresnet.reading.errors import PictureError

_MOST_GIF_BLOCKS: Final = 100_000


class Plugin:
    """A file read by one of Pillow's readers.

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
    bytes_per_pixel : int or None
        What a pixel needs in memory while it is decoded; None is as its mode needs.
    max_pixels : int or None
        A limit of its own, for the time that decoding takes.
    """

    name: str
    reader: Callable[[IO[bytes], str], ImageFile]
    depth = 8
    bytes_per_pixel: int | None = None
    max_pixels: int | None = None
    remark: str | None = None

    def __init__(self, file: IO[bytes]) -> None:
        file.seek(0)
        self._image = self._opened(file)
        self.size: tuple[int, int] = self._image.size

    def _opened(self, file: IO[bytes]) -> Image.Image:
        # Image.open does this too, but warns of large pictures, or refuses them, by a
        # global limit, and a warning cannot be silenced in one thread alone.
        return self.reader(file, "")

    @property
    def exif(self) -> bytes:
        """Its EXIF data."""
        exif: bytes = self._image.info.get("exif", b"")
        return exif.removeprefix(b"Exif\0\0")

    @property
    def decoded_pixels(self) -> int:
        """How many pixels are decoded."""
        return self.size[0] * self.size[1]

    def bytes_at(self, scale: int) -> int:
        """Tell how much memory decoding needs."""
        if self.bytes_per_pixel is not None:
            return self.decoded_pixels * self.bytes_per_pixel
        # What Pillow makes of it, and what RGB is made of that.
        has_alpha = self._image.mode in ("RGBA", "LA")
        return self.decoded_pixels * (8 if has_alpha else 5)

    def image(self, data: bytes, scale: int) -> Image.Image:
        """Decode the pixels.

        Parameters
        ----------
        data : bytes
            The whole file.
        scale : int
            1, as only JPEG is decoded at others.
        """
        self._image.load()
        return self._image


class Bmp(Plugin):
    """A bitmap of Windows or OS/2."""

    name = "BMP"
    reader = BmpImageFile

    def _opened(self, file: IO[bytes]) -> Image.Image:
        header = file.read(34)
        file.seek(0)
        if header[14] > 12 and header[30] in (1, 2, 4, 5):
            kind = {1: "run lengths", 2: "run lengths", 4: "JPEG", 5: "PNG"}[header[30]]
            raise PictureError(
                f"BMP files compressed by {kind} are not supported: save it as PNG"
            )
        return super()._opened(file)


class Gif(Plugin):
    """A GIF, of which the first frame counts."""

    name = "GIF"
    reader = GifImageFile

    def _opened(self, file: IO[bytes]) -> Image.Image:
        return super()._opened(BytesIO(_first_frame(file)))


class WebP(Plugin):
    """A WebP, of which the first frame counts."""

    name = "WEBP"
    reader = WebPImageFile
    bytes_per_pixel = 16  # the decoder of animations has a canvas, and a copy of it

    def __init__(self, file: IO[bytes]) -> None:
        file.seek(0)
        header = file.read(30)
        self.size = _webp_size(header)
        self._file = file

    def image(self, data: bytes, scale: int) -> Image.Image:
        """Decode the pixels."""
        super().__init__(self._file)
        return super().image(data, scale)


class Avif(Plugin):
    """An AVIF."""

    name = "AVIF"
    reader = AvifImageFile
    bytes_per_pixel = 16


class Jpeg2000(Plugin):
    """A JPEG 2000, which takes its decoder longer than any other."""

    name = "JPEG2000"
    reader = Jpeg2KImageFile
    bytes_per_pixel = 24
    max_pixels = 2**24

    def _opened(self, file: IO[bytes]) -> Image.Image:
        data = file.read()
        # Where the codestream says of its size, and of each channel the bits less one,
        # with 128 more if they are signed, and how far apart its values are.
        channels = data[max(0, data.find(b"\xff\x4f\xff\x51")) + 40 :]
        count = int.from_bytes(channels[:2])
        kinds = {channels[2 + 3 * i : 5 + 3 * i] for i in range(min(count, 8))}
        bits, *_ = kinds.pop() if len(kinds) == 1 else (-1,)
        if bits != 7 and not (7 < bits < 16 and count == 1):
            # Pillow makes black of the white of colours with more bits.
            raise PictureError(
                "JPEG 2000 with other than 8 bits a channel, or 9 to 16 of grey, all "
                "channels alike, is not supported: save it as PNG"
            )
        self.depth = bits + 1
        file.seek(0)
        return super()._opened(file)


class Heif(Plugin):
    """A HEIC, as phones write, which libheif turns upright itself."""

    name = "HEIC"
    bytes_per_pixel = 16
    exif = b""

    def _opened(self, file: IO[bytes]) -> Any:
        try:
            from pillow_heif import open_heif
        except ImportError:
            raise PictureError(
                "it is HEIC, as phones write; to read it, pip install "
                '"skresnet[heif]", or save it as JPEG'
            ) from None
        return open_heif(file, convert_hdr_to_8bit=True)

    def image(self, data: bytes, scale: int) -> Image.Image:
        """Decode the pixels."""
        file: Any = self._image
        image: Image.Image = file.to_pillow()
        return image


def _first_frame(file: IO[bytes]) -> bytes:
    """Leave out all of a GIF but its screen, colours and first picture."""
    parts = [file.read(13)]
    flags = parts[0][10]
    if flags & 0x80:
        parts.append(file.read(6 << (flags & 7)))
    control = b""
    for _ in range(_MOST_GIF_BLOCKS):
        introducer = file.read(1)
        if introducer == b"!":
            label = file.read(1)
            body = _sub_blocks(file)
            if label == b"\xf9":
                control = introducer + label + body
        elif introducer == b",":
            descriptor = file.read(9)
            parts += [control, introducer, descriptor]
            if descriptor[8] & 0x80:
                parts.append(file.read(6 << (descriptor[8] & 7)))
            parts += [file.read(1), _sub_blocks(file), b";"]
            return b"".join(parts)
        elif introducer in (b"", b";"):
            raise PictureError("its GIF header is damaged: it holds no picture")
    raise PictureError(_too_many_blocks())


def _sub_blocks(file: IO[bytes]) -> bytes:
    """Read data up to the empty block at their end."""
    parts = []
    for _ in range(_MOST_GIF_BLOCKS):
        size = file.read(1)
        parts.append(size)
        if size in (b"", b"\0"):
            return b"".join(parts)
        parts.append(file.read(size[0]))
    raise PictureError(_too_many_blocks())


def _too_many_blocks() -> str:
    return f"it is cut into more than {_MOST_GIF_BLOCKS:,} blocks: save it anew"


def _webp_size(header: bytes) -> tuple[int, int]:
    """Find the size without the decoder, which asks for all memory at once."""
    kind, data = header[12:16], header[20:]
    if len(header) < 30:
        raise PictureError("its WEBP header is damaged or cut short")
    if kind == b"VP8X":
        width, height = data[4:7], data[7:10]
        return int.from_bytes(width, "little") + 1, int.from_bytes(height, "little") + 1
    if kind == b"VP8L":
        bits = int.from_bytes(data[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    width, height = data[6:8], data[8:10]
    return (
        int.from_bytes(width, "little") & 0x3FFF,
        int.from_bytes(height, "little") & 0x3FFF,
    )

"""From the bytes of a file to an upright RGB picture, within limits.

What decoding will take is told from the header: files that would take too much are
refused before memory is asked for, and large ones are decoded one at a time, so that
the limits hold whatever ``n_jobs`` is.
"""

import ctypes
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import IO, Final, TypeAlias

from PIL import BmpImagePlugin, ExifTags, Image, ImageFile, TiffImagePlugin

from skresnet.reading.colour import remark_on_depth, to_rgb
from skresnet.reading.errors import PictureError
from skresnet.reading.jpeg import Jpeg
from skresnet.reading.plugins import Avif, Bmp, Gif, Heif, Jpeg2000, Plugin, WebP
from skresnet.reading.png import Png
from skresnet.reading.resizing import Resizing, decoding_scale, resized
from skresnet.reading.tags import Tags
from skresnet.reading.tiff import Tiff

_File: TypeAlias = Jpeg | Png | Tiff | Plugin

FORMATS: Final = (
    "JPEG, PNG, TIFF, WebP, GIF, BMP, AVIF and JPEG 2000, and HEIC with pillow-heif"
)
"""What is read, in words."""

MAX_MEMORY: Final = 2**29
"""Most bytes of memory that reading a picture may need, its file among them."""

MAX_PIXELS: Final = 89_478_485
"""Most pixels a picture may have when decoded.

The number from which Pillow warns of decompression bombs.
"""

MAX_SCALED_PIXELS: Final = 4 * MAX_PIXELS
"""Most pixels a baseline JPEG may have in its file.

Its decoder works line by line and shrinks as it goes, so that a wide panorama is read
in little memory. A JPEG that is progressive, or whose colours lie one after the other,
is held in full and counts as other formats do.
"""

MAX_SIDE: Final = 2**18
"""Most pixels a picture may be wide or high.

Pillow gathers the bytes of a row in steps of 64 KiB, in time that grows with the square
of the width: a made-up header of a few bytes can ask for half a minute.
"""

MAX_SCANNED_PIXELS: Final = 8 * MAX_PIXELS
"""Most pixels that the scans of a progressive JPEG may go over together."""

_PREFIX_BYTES: Final = 352  # of which the signatures of formats are within

_LARGE: Final = 2**26  # bytes of memory from which pictures are decoded one at a time
_BESIDES: Final = 2**24  # bytes for rows, tables and the picture in its new size

# Exif 2.32, tag 0x0112: what undoes each way of having held the camera.
_UNDOING: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

_SWITCHES: Final = (
    (ImageFile, "LOAD_TRUNCATED_IMAGES"),
    (BmpImagePlugin, "USE_RAW_ALPHA"),
    (TiffImagePlugin, "READ_LIBTIFF"),
)

_TRIM: Final = (
    getattr(ctypes.CDLL(None), "malloc_trim", None) if os.name == "posix" else None
)

# Loading and converting change a PIL image, which may stand at several places in X and
# so be met by two threads at once.
_CONVERTING: Final = threading.Lock()
_DECODING_LARGE: Final = threading.Lock()


def read_image(data: bytes, resizing: Resizing) -> tuple[Image.Image, str | None]:
    """Decode the bytes of a file, turn the picture upright, make it RGB and resize it.

    Returns
    -------
    image : PIL.Image.Image
        Of mode RGB.
    remark : str or None
        What looks like a mistake about its values, or was odd about its data.

    Raises
    ------
    PictureError
        If it is no whole picture of a kind that is read, or beyond the limits.
    """
    with _explained():
        file = _opened(BytesIO(data))
        scale = 1
        if isinstance(file, Jpeg):
            scale = decoding_scale(_upright_size(file), resizing)
        memory = _refuse_costly(file, len(data), scale)
        if isinstance(file, Jpeg):
            _refuse_many_scans(file, data)
        if memory <= _LARGE:
            return _decoded(file, data, scale, resizing)
        with _DECODING_LARGE:
            try:
                return _decoded(file, data, scale, resizing)
            finally:
                del file  # which may hold the whole picture: not beyond the lock
                _give_back()


def _give_back() -> None:
    """Let glibc return freed memory to the system; it keeps some for each thread."""
    if _TRIM is not None:
        _TRIM(0)


def _decoded(
    file: _File, data: bytes, scale: int, resizing: Resizing
) -> tuple[Image.Image, str | None]:
    image = file.image(data, scale)
    remark = file.remark
    if file.depth == 16:
        remark = remark_on_depth(image) or remark
    if not isinstance(file, Jpeg):
        remark = remark or _remark_on_switches()
    if image.mode != "RGB" or image.has_transparency_data:
        image = to_rgb(image)
    return resized(_turned(image, _orientation(file)), resizing), remark


def remark_on(data: bytes) -> str | None:
    """Give the remark of `read_image`, decoding only what it takes to know."""
    kind = _kind(data[:_PREFIX_BYTES])
    if kind not in (Png, Tiff, Jpeg2000):
        return None if kind is Jpeg else _remark_on_switches()
    with _explained():
        file = _opened(BytesIO(data))
        if file.depth <= 8:
            return file.remark or _remark_on_switches()
    return read_image(data, Resizing((1, 1)))[1]


def converted(image: Image.Image) -> Image.Image:
    """Make a PIL image that someone else opened an upright RGB picture.

    An image as it was opened is turned the way its EXIF orientation says, as its file
    would be. Any other, be it a copy, converted or turned by hand, is what it shows.
    """
    with _explained(), _CONVERTING:
        _load(image)
        orientation = _orientation_of_image(image) if _is_as_opened(image) else 1
        return _turned(to_rgb(image), orientation)


def remark_on_image(image: Image.Image) -> str | None:
    """Say what looks like a mistake about a PIL image, if anything."""
    with _explained(), _CONVERTING:
        if not _is_as_opened(image) and _orientation_of_image(image) in _UNDOING:
            return (
                "its EXIF data say that it is to be turned, which is done for images "
                "as they were opened, and not for changed ones such as this; use "
                "PIL.ImageOps.exif_transpose before changing it"
            )
        if not image.mode.startswith("I;16"):
            return None
        _load(image)
        return remark_on_depth(image)


def examine(file: IO[bytes]) -> None:
    """Look at the header of a file, and raise if no picture can come of it."""
    with _explained():
        opened = _opened(file)
        # Of the scales at which it may be decoded, the smallest is always possible.
        scale = 8 if isinstance(opened, Jpeg) else 1
        _refuse_costly(opened, file.seek(0, 2), scale)


def switches() -> str:
    """Name the global switches of Pillow that decide pixels, and are not as ever."""
    return ", ".join(
        f"PIL.{module.__name__.rpartition('.')[2]}.{name}"
        for module, name in _SWITCHES
        if getattr(module, name)
    )


def _remark_on_switches() -> str | None:
    names = switches()
    if not names:
        return None
    return f"{names} is not as usual, which decides what is read of damaged files"


def _opened(file: IO[bytes]) -> _File:
    """Recognise a file by its first bytes and read its header."""
    prefix = file.read(_PREFIX_BYTES)
    kind = _kind(prefix)
    if kind is None:
        from skresnet.reading.formats import what_it_is

        known = what_it_is(prefix)
        raise PictureError(
            f"not supported: it is {known}"
            if known
            else f"no image format recognised; read are {FORMATS}"
        )
    try:
        return kind(file)
    except PictureError:
        raise
    except Exception as error:
        # Damaged data make Pillow's plugins raise nearly every exception there is.
        if str(error).startswith("Unsupported"):
            raise PictureError(
                f"{kind.name} files of this kind are not supported: save it as PNG"
            ) from error
        raise PictureError(
            f"its {kind.name} header is damaged or cut short{_in_brackets(error)}"
        ) from error


def _kind(prefix: bytes) -> type[_File] | None:
    """Tell the format by the first bytes."""
    if prefix.startswith(b"\xff\xd8\xff"):
        return Jpeg
    if prefix.startswith(b"\x89PNG\r\n\x1a\n"):
        return Png
    if prefix[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+") and prefix[8:10] != b"CR":
        return Tiff
    if prefix.startswith((b"GIF87a", b"GIF89a")):
        return Gif
    if prefix.startswith(b"RIFF") and prefix[8:15] == b"WEBPVP8":
        return WebP
    if prefix.startswith(b"BM"):
        return Bmp
    if prefix.startswith((b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51")):
        return Jpeg2000
    if prefix[4:8] == b"ftyp":
        brands = prefix[8 : int.from_bytes(prefix[:4])]
        if b"avif" in brands or b"avis" in brands:
            return Avif
        if any(brand in brands for brand in (b"heic", b"heix", b"heim", b"mif1")):
            return Heif
    return None


def _refuse_costly(file: _File, n_bytes: int, scale: int) -> int:
    """Raise if decoding takes more than the limits; return the memory that it takes."""
    width, height = file.size
    if width < 1 or height < 1:
        raise PictureError(f"its {file.name} header is damaged: it says of no pixels")
    limit = MAX_PIXELS
    if isinstance(file, Jpeg) and not file.is_held_in_full:
        limit = MAX_SCALED_PIXELS if scale > 1 else MAX_PIXELS
    limit = min(limit, file.max_pixels or limit)
    if file.decoded_pixels > limit:
        what = f"{width} x {height} are"
        if file.decoded_pixels > width * height:
            what = "a tile of it has"
        raise PictureError(
            f"{what} {file.decoded_pixels:,} pixels, more than the limit of {limit:,}: "
            "make it smaller"
        )
    if max(width, height) > MAX_SIDE:
        raise PictureError(
            f"{width} x {height} pixels; more than {MAX_SIDE:,} in a row or column are "
            "not read: make it smaller"
        )
    memory = 2 * n_bytes + file.bytes_at(scale) + _BESIDES
    if memory > MAX_MEMORY:
        raise PictureError(
            f"{width} x {height} pixels from a file of {n_bytes:,} bytes need "
            f"{memory / 2**20:,.0f} MiB of memory, more than the limit of "
            f"{MAX_MEMORY / 2**20:,.0f}: make it smaller"
        )
    return memory


def _refuse_many_scans(jpeg: Jpeg, data: bytes) -> None:
    width, height = jpeg.size
    if width * height * jpeg.n_scans(data) > MAX_SCANNED_PIXELS:
        raise PictureError(
            f"{width} x {height} pixels are decoded in {jpeg.n_scans(data):,} scans, "
            f"more than the limit of {MAX_SCANNED_PIXELS:,} pixels: save it anew"
        )


def _turned(image: Image.Image, orientation: int) -> Image.Image:
    """Turn a picture upright."""
    # ImageOps.exif_transpose does the same, then rewrites the metadata, which nobody
    # reads here and which fails where the metadata are damaged.
    undoing = _UNDOING.get(orientation)
    return image if undoing is None else image.transpose(undoing)


def _upright_size(file: _File) -> tuple[int, int]:
    """Give the (width, height) of a picture as it will be once upright."""
    width, height = file.size
    return (height, width) if _orientation(file) in (5, 6, 7, 8) else (width, height)


def _orientation(file: _File) -> int:
    """Read the orientation, 1 where there is none that makes sense."""
    if isinstance(file, Tiff):
        return file.orientation
    if not file.exif:
        return file.xmp_orientation if isinstance(file, Jpeg) else 1
    try:
        # With Pillow, each damaged tag would be a warning that names no file.
        return Tags(BytesIO(file.exif)).number(ExifTags.Base.Orientation, 1)
    except PictureError:
        return 1


def _load(image: Image.Image) -> None:
    """Read the pixels of a PIL image, if that has not been done."""
    try:
        image.load()
    except Exception as error:
        if _is_closed(image):
            raise PictureError(
                "the PIL image is closed; use it inside the with block that opens it, "
                "or call its load() there"
            ) from error
        raise


def _is_closed(image: Image.Image) -> bool:
    """Tell whether there is no file any more that its pixels could come from."""
    file = getattr(image, "fp", None)
    return file is None or getattr(file, "closed", False)


def _is_as_opened(image: Image.Image) -> bool:
    return isinstance(image, ImageFile.ImageFile)


def _orientation_of_image(image: Image.Image) -> int:
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:
        # Damaged metadata raise almost anything, and say nothing about the pixels.
        return 1
    return orientation if isinstance(orientation, int) else 1


@contextmanager
def _explained() -> Iterator[None]:
    """Turn whatever Pillow raises about a picture into words."""
    try:
        yield
    except PictureError:
        raise
    except Exception as error:
        raise PictureError(_cause(error)) from error


def _cause(error: Exception) -> str:
    """Say what an exception out of Pillow means."""
    if isinstance(error, MemoryError):
        return "not enough memory to decode it"
    if isinstance(error, Image.DecompressionBombError):
        return "it has more pixels than PIL.Image.MAX_IMAGE_PIXELS allows"
    if isinstance(error, EOFError) or "truncated" in str(error).lower():
        return f"the file ends early{_in_brackets(error)}"
    return f"the image data are damaged{_in_brackets(error)}"


def _in_brackets(error: Exception) -> str:
    """Add what a library says, unless it may quote the content of the file."""
    text = str(error)
    if not text or len(text) > 80 or not text.replace(" ", "").isalpha():
        return f" ({type(error).__name__})"
    return f" ({text})"

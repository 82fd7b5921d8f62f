"""From the bytes of a file to an upright RGB picture."""

import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import IO, Final

from PIL import ExifTags, Image
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile

from skresnet.reading.colour import to_rgb
from skresnet.reading.errors import PictureError
from skresnet.reading.resizing import Resizing, decoding_scale

# JPEG includes MPO, the JPEG with a second picture inside that many phones write:
# Pillow opens it as a JPEG, and knows no format to open by that name.
DECODERS: Final = ("JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF")
"""Pillow's names of the formats that are read."""

MAX_PIXELS: Final = 89_478_485
"""Most pixels a picture may have when decoded.

The number from which Pillow warns of decompression bombs, 256 MiB at three bytes each.
"""

MAX_SCALED_PIXELS: Final = 4 * MAX_PIXELS
"""Most pixels a baseline JPEG may have in its file.

Its decoder works line by line and shrinks as it goes, so that a wide panorama is read
in little memory. A progressive JPEG is held in full and counts as other formats do.
"""

MAX_SIDE: Final = 2**18
"""Most pixels a picture may be wide or high.

Pillow gathers the bytes of a row in steps of 64 KiB, in time that grows with the square
of the width: a made-up WebP header of a few bytes can ask for half a minute.
"""

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

# Loading, reading metadata and converting all change a PIL image, which may stand at
# several places in X and so be met by two threads at once.
_CONVERTING: Final = threading.Lock()


def decoded(data: bytes, resizing: Resizing) -> Image.Image:
    """Decode the bytes of a file at the scale the resizing allows."""
    with _pillow_explained():
        image = _opened(BytesIO(data))
        if isinstance(image, JpegImageFile):
            scale = decoding_scale(_upright_size(image), resizing)
            if scale > 1:
                width, height = image.size
                # With mode None, draft leaves grey grey and CMYK CMYK.
                image.draft(None, (width // scale, height // scale))
        _refuse_above(MAX_PIXELS, image)
        image.load()
        return to_rgb(_upright(image))


def converted(image: Image.Image) -> Image.Image:
    """Make a PIL image that someone else opened an upright RGB picture."""
    with _pillow_explained(), _CONVERTING:
        image.load()
        return to_rgb(_upright(image))


def examine(file: IO[bytes]) -> None:
    """Look at the header of a file, and raise if no picture can come of it."""
    with _pillow_explained():
        _opened(file)


def _opened(file: IO[bytes]) -> ImageFile:
    """Recognise a file by its first bytes and read its header."""
    # Image.open does this too, but its check for decompression bombs warns, or raises,
    # before a JPEG can be scaled down, and to silence a warning is not thread-safe.
    prefix = file.read(16)
    for name, factory, accept in _openers():
        accepted = accept(prefix)
        if isinstance(accepted, str):
            raise PictureError(accepted)
        if not accepted:
            continue
        file.seek(0)
        try:
            image = factory(file, "")
        except Image.DecompressionBombError:
            raise
        except Exception as error:
            raise PictureError(
                f"its {name} header is damaged or cut short ({error})"
            ) from error
        baseline = image.format in ("JPEG", "MPO") and "progressive" not in image.info
        _refuse_above(MAX_SCALED_PIXELS if baseline else MAX_PIXELS, image)
        return image
    raise PictureError(
        "no image format recognised: the file begins with "
        f"{prefix.decode('latin-1')!r}; read are {', '.join(DECODERS)}"
    )


@functools.cache
def _openers() -> list[
    tuple[
        str,
        Callable[[IO[bytes], str | bytes], ImageFile],
        Callable[[bytes], bool | str],
    ]
]:
    """List what Pillow registered for the formats read here."""
    Image.init()
    openers = []
    for name in DECODERS:
        factory, accept = Image.OPEN[name]
        if accept is not None:
            openers.append((name, factory, accept))
    return openers


def _refuse_above(limit: int, image: Image.Image) -> None:
    """Stop before memory is asked for more pixels than the limit."""
    width, height = image.size
    if width * height > limit:
        raise PictureError(
            f"{width} x {height} are {width * height:,} pixels, more than the limit "
            f"of {limit:,}: make it smaller"
        )
    if max(width, height) > MAX_SIDE:
        raise PictureError(
            f"{width} x {height} pixels; more than {MAX_SIDE:,} in a row or column are "
            "not read: make it smaller"
        )


def _upright(image: Image.Image) -> Image.Image:
    """Turn a loaded picture the way its EXIF orientation says."""
    # ImageOps.exif_transpose does the same, then rewrites the metadata, which nobody
    # reads here and which fails where the metadata are damaged.
    undoing = _UNDOING.get(_orientation(image))
    return image if undoing is None else image.transpose(undoing)


def _upright_size(image: Image.Image) -> tuple[int, int]:
    """Give the (width, height) of a picture as it will be once upright."""
    width, height = image.size
    return (height, width) if _orientation(image) in (5, 6, 7, 8) else (width, height)


def _orientation(image: Image.Image) -> int:
    """Read the orientation, 1 where there is none that makes sense."""
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:
        # Damaged metadata raise almost anything, and say nothing about the pixels.
        return 1
    return orientation if isinstance(orientation, int) else 1


@contextmanager
def _pillow_explained() -> Iterator[None]:
    """Turn whatever Pillow raises about a picture into words."""
    try:
        yield
    except PictureError:
        raise
    except Exception as error:
        # Damaged data make Pillow's plugins raise nearly every exception there is.
        raise PictureError(_cause(error)) from error


def _cause(error: Exception) -> str:
    """Say what an exception out of Pillow means."""
    text = str(error) or type(error).__name__
    if isinstance(error, MemoryError):
        return "not enough memory to decode it"
    if isinstance(error, Image.DecompressionBombError):
        return text
    if isinstance(error, EOFError) or "truncated" in text.lower():
        return f"the file ends early ({text})"
    return f"the image data are damaged ({text})"

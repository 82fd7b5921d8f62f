"""From the bytes of a file to an upright RGB picture."""

import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import IO, Final

from PIL import Image
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile

from skresnet.reading.colour import to_rgb
from skresnet.reading.errors import Unusable
from skresnet.reading.formats import DECODERS
from skresnet.reading.orientation import upright, upright_size
from skresnet.reading.resizing import Treatment, decoding_scale

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

# Loading, reading metadata and converting all change a PIL image, which may stand at
# several places in X and so be met by two threads at once.
_CONVERTING: Final = threading.Lock()


def decoded(data: bytes, treatment: Treatment) -> Image.Image:
    """Decode the bytes of a file at the scale the treatment allows."""
    with _pillow_explained():
        image = _opened(BytesIO(data))
        if isinstance(image, JpegImageFile):
            scale = decoding_scale(upright_size(image), treatment)
            if scale > 1:
                width, height = image.size
                # With mode None, draft leaves grey grey and CMYK CMYK.
                image.draft(None, (width // scale, height // scale))
        _refuse_above(MAX_PIXELS, image)
        image.load()
        return to_rgb(upright(image))


def converted(image: Image.Image) -> Image.Image:
    """Make a PIL image that someone else opened an upright RGB picture."""
    with _pillow_explained(), _CONVERTING:
        image.load()
        return to_rgb(upright(image))


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
            raise Unusable(accepted)
        if not accepted:
            continue
        file.seek(0)
        try:
            image = factory(file, "")
        except Image.DecompressionBombError:
            raise
        except Exception as error:
            raise Unusable(
                f"its {name} header is damaged or cut short ({error})"
            ) from error
        baseline = image.format in ("JPEG", "MPO") and "progressive" not in image.info
        _refuse_above(MAX_SCALED_PIXELS if baseline else MAX_PIXELS, image)
        return image
    raise Unusable(
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
        raise Unusable(
            f"{width} x {height} are {width * height:,} pixels, more than the limit "
            f"of {limit:,}: make it smaller"
        )
    if max(width, height) > MAX_SIDE:
        raise Unusable(
            f"{width} x {height} pixels; more than {MAX_SIDE:,} in a row or column are "
            "not read: make it smaller"
        )


@contextmanager
def _pillow_explained() -> Iterator[None]:
    """Turn whatever Pillow raises about a picture into words."""
    try:
        yield
    except Unusable:
        raise
    except Exception as error:
        # Damaged data make Pillow's plugins raise nearly every exception there is.
        raise Unusable(_cause(error)) from error


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

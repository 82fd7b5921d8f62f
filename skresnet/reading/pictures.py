"""One sample of X: where it is, how it is called, and the way to its pixels."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from skresnet.reading.colour import on_white, remark_on_values, to_bytes, to_rgb
from skresnet.reading.decoding import (
    converted,
    examine,
    read_image,
    remark_on,
    remark_on_image,
    switches,
)
from skresnet.reading.errors import Failure, PictureError, UnreadableImageError
from skresnet.reading.files import content_of, file_bytes, regular_file
from skresnet.reading.resizing import Resizing, resized

_LONGEST_PATH = 4096


class Picture(Protocol):
    """One sample of X, of which nothing has been read yet.

    Attributes
    ----------
    position : int
        Its index in X.
    path : str or None
        Its path, None for an array or a PIL image.
    label : str
        What error texts call it, such as ``X[3] ('photos/a.jpg')``.
    """

    @property
    def position(self) -> int: ...  # noqa: D102 - described above

    @property
    def path(self) -> str | None: ...  # noqa: D102 - described above

    @property
    def label(self) -> str: ...  # noqa: D102 - described above

    def check(self) -> None:
        """Look at the file's header, or at the size in memory, without decoding.

        Raises
        ------
        PictureError
            If it is already certain that no pixels can come of it.
        """

    def load(self) -> "LoadedPicture":
        """Take what the picture is made of into memory, reading a file once.

        Raises
        ------
        PictureError
            If the file cannot be read.
        """


def failure_of(picture: Picture, error: PictureError) -> Failure:
    """Name the picture that an error is about."""
    return Failure(picture.position, picture.path, str(error))


class LoadedPicture(Protocol):
    """A picture in memory, not decoded yet."""

    def digest(self) -> bytes:
        """Give the 32 bytes that stand for all that decides the pixels.

        They are a SHA-256 (twice as fast as BLAKE2b where the processor has
        instructions for it) and release the global lock while computed.
        """

    def pixels(self, resizing: Resizing) -> NDArray[Any]:
        """Decode, turn upright, make RGB and resize.

        Parameters
        ----------
        resizing : Resizing
            The size to reach and the way there.

        Returns
        -------
        ndarray of shape (height, width, 3), C-contiguous
            dtype uint8, or float32 for floating-point arrays, on the 0 to 255 scale.
            To be read only, as it may be the memory of an image.

        Raises
        ------
        PictureError
            If no pixels can come of it.
        """

    def suspicion(self) -> str | None:
        """Say what looks like a mistake about a picture that can be read.

        Of a file, more is known once its pixels were asked for.

        Returns
        -------
        str or None
            A clause to follow the picture's label, None if nothing is suspicious.
        """


@dataclass(frozen=True)
class FilePicture:
    """A picture in a file."""

    position: int
    path: str

    @property
    def label(self) -> str:
        """Name the position and path."""
        return f"X[{self.position}] ({self.path!r})"

    def check(self) -> None:
        """Read the header of the file."""
        with regular_file(self.path) as file:
            examine(file)

    def load(self) -> "EncodedPicture":
        """Read the file."""
        return EncodedPicture(self.position, file_bytes(self.path), self.path)


@dataclass
class EncodedPicture:
    """The content of an image file.

    Its ``path`` is that of the file, as far as it is known.
    """

    position: int
    data: bytes = field(repr=False)
    path: str | None = None

    @property
    def label(self) -> str:
        """Name the position, and the path or how many bytes there are."""
        named = repr(self.path) if self.path else f"{len(self.data):,} bytes"
        return f"X[{self.position}] ({named})"

    def check(self) -> None:
        """Read the header."""
        try:
            examine(BytesIO(self.data))
        except PictureError as error:
            if not self.data:
                raise PictureError("it has zero bytes") from error
            if (
                self.path is None
                and len(self.data) < _LONGEST_PATH
                and 0 not in self.data
            ):
                raise PictureError(
                    f"{error} (if it is the path of a file, and not its content, "
                    "os.fsdecode makes it a str)"
                ) from error
            raise

    def load(self) -> Self:
        """Return the picture, which is in memory."""
        return self

    def digest(self) -> bytes:
        """Hash the bytes."""
        return hashlib.sha256(self.data + switches().encode()).digest()

    def pixels(self, resizing: Resizing) -> NDArray[np.uint8]:
        """Decode and resize."""
        image, self._remark = read_image(self.data, resizing)
        return np.asarray(image)

    def suspicion(self) -> str | None:
        """Say what was odd when decoding, or what the header tells of it."""
        if not hasattr(self, "_remark"):
            self._remark = remark_on(self.data)
        return self._remark


@dataclass(frozen=True)
class OpenPicture:
    """A binary file that someone else opened, or a path-like object that can be read.

    The content is read from its beginning, wherever the file stands.
    """

    position: int
    file: Any
    path: str | None

    @property
    def label(self) -> str:
        """Name the position, and the path or the kind of file."""
        named = repr(self.path) if self.path else type(self.file).__name__
        return f"X[{self.position}] ({named})"

    def check(self) -> None:
        """Read all of it, as a header may be anywhere."""
        self.load().check()

    def load(self) -> EncodedPicture:
        """Read the content."""
        return EncodedPicture(self.position, content_of(self.file), self.path)


@dataclass(frozen=True)
class ImagePicture:
    """A PIL image."""

    position: int
    image: Image.Image
    path: None = None

    @property
    def label(self) -> str:
        """Name the position, mode and size."""
        width, height = self.image.size
        return (
            f"X[{self.position}] (PIL image of mode {self.image.mode}, "
            f"{width} pixels wide, {height} high)"
        )

    def check(self) -> None:
        """Look at the size."""
        _refuse_empty(self.image.size)

    def load(self) -> Self:
        """Return the picture, which is in memory."""
        return self

    def digest(self) -> bytes:
        """Hash the size and pixels of the upright RGB picture."""
        image = self._rgb()
        digest = hashlib.sha256(f"image {image.size}".encode())
        digest.update(image.tobytes())
        return digest.digest()

    def pixels(self, resizing: Resizing) -> NDArray[np.uint8]:
        """Convert and resize."""
        return np.asarray(resized(self._rgb(), resizing))

    def suspicion(self) -> str | None:
        """Look for values of few bits, and for a turn that is not made."""
        return remark_on_image(self.image)

    def _rgb(self) -> Image.Image:
        """Make the upright RGB picture."""
        self.check()
        return converted(self.image)


@dataclass(frozen=True)
class ArrayPicture:
    """An array of shape (height, width), or (height, width, 1, 3 or 4 channels)."""

    position: int
    array: NDArray[Any]
    path: None = None

    @property
    def label(self) -> str:
        """Name the position and shape."""
        return f"X[{self.position}] (array of shape {self.array.shape})"

    def check(self) -> None:
        """Look at the shape."""
        _refuse_empty(self.array.shape)

    def load(self) -> Self:
        """Return the picture, which is in memory."""
        return self

    def digest(self) -> bytes:
        """Hash the shape, dtype and values."""
        header = f"array {self.array.dtype.str} {self.array.shape}"
        digest = hashlib.sha256(header.encode())
        digest.update(np.ascontiguousarray(self.array).data)
        return digest.digest()

    def pixels(self, resizing: Resizing) -> NDArray[Any]:
        """Convert and resize."""
        self.check()
        shape = (*resizing.input_size, 3)
        if self.array.dtype == np.uint8 and self.array.shape == shape:
            return np.ascontiguousarray(self.array)
        array = self.array[..., 0] if self.array.shape[2:] == (1,) else self.array
        if array.dtype.kind == "f":
            return _float_pixels(array, resizing)
        image = to_rgb(Image.fromarray(to_bytes(array)))
        return np.asarray(resized(image, resizing))

    def suspicion(self) -> str | None:
        """Look for values on another scale than 0 to 255."""
        array = self.array
        if array.size == 0 or array.dtype.kind not in "fu" or array.dtype == np.uint8:
            return None
        low, high = array.min(), array.max()
        if array.dtype.kind == "u":
            return remark_on_values(int(high)) if array.dtype.itemsize == 2 else None
        if low >= 0 and 0 < high <= 1:
            return (
                f"its values lie between {low:.3g} and {high:.3g}, where the 0 to 255 "
                "scale is expected; multiply them by 255"
            )
        if np.isfinite(low) and np.isfinite(high) and (low < 0 or high > 255):
            return (
                f"its values run from {low:.3g} to {high:.3g}, where the 0 to 255 "
                "scale is expected; pass pixels as they are before any preprocessing"
            )
        return None


def read_all(pictures: Iterable[Picture], resizing: Resizing) -> NDArray[np.uint8]:
    """Read pictures into one array of bytes, as the network sees them.

    Parameters
    ----------
    pictures : iterable of Picture
        At least one.
    resizing : Resizing
        The size of all, and the way there.

    Returns
    -------
    ndarray of shape (n_pictures, height, width, 3), uint8
        Floating-point pixels are rounded.

    Raises
    ------
    UnreadableImageError
        If some cannot be read; it names all of them.
    """
    read: list[NDArray[np.uint8]] = []
    failures = []
    for picture in pictures:
        try:
            pixels = picture.load().pixels(resizing)
        except PictureError as error:
            failures.append(failure_of(picture, error))
        else:
            read.append(np.rint(pixels).clip(0, 255).astype(np.uint8))
    if failures:
        raise UnreadableImageError(failures)
    return np.stack(read)


def _refuse_empty(shape: tuple[int, ...]) -> None:
    """Refuse a picture without pixels."""
    if 0 in shape:
        raise PictureError("it has no pixels: its height or width is 0")


def _float_pixels(array: NDArray[Any], resizing: Resizing) -> NDArray[np.float32]:
    """Resize a floating-point picture channel by channel, without rounding."""
    with np.errstate(over="ignore"):
        array = array.astype(np.float32)
    if not np.isfinite(array).all():
        count = np.count_nonzero(~np.isfinite(array))
        raise PictureError(f"{count} of its values are NaN or infinite")
    if array.ndim == 2:
        array = array[..., np.newaxis]
    if array.shape[2] == 4:
        array = on_white(array)
    channels = [
        np.asarray(resized(Image.fromarray(array[..., channel]), resizing))
        for channel in range(array.shape[2])
    ]
    return np.stack(channels if len(channels) == 3 else channels * 3, axis=-1)

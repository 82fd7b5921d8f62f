"""One picture in memory: a file's bytes, an array or a PIL image."""

import hashlib
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from skresnet.reading.colour import on_white, to_bytes, to_rgb
from skresnet.reading.decoding import converted, decoded
from skresnet.reading.errors import Unusable, blaming
from skresnet.reading.resizing import Treatment, fitted


class Content(Protocol):
    """A picture in memory, not decoded yet."""

    def digest(self) -> bytes:
        """Give the 32 bytes that stand for all that decides the pixels.

        They are a SHA-256 (twice as fast as BLAKE2b where the processor has
        instructions for it) and release the global lock while computed.
        """

    def pixels(self, treatment: Treatment) -> NDArray[Any]:
        """Decode, turn upright, make RGB and resize.

        Parameters
        ----------
        treatment : Treatment
            The size to reach and the way there.

        Returns
        -------
        ndarray of shape (height, width, 3), C-contiguous
            dtype uint8, or float32 for floating-point arrays, on the 0 to 255 scale.
            To be read only, as it may be the memory of an image.

        Raises
        ------
        UnreadableImageError
            If no picture can be made of it; with one failure.
        """

    def suspicion(self) -> str | None:
        """Say what about the values looks like a mistake, although they can be read.

        Returns
        -------
        str or None
            A clause to follow the picture's label, None if nothing is suspicious.
        """


@dataclass(frozen=True)
class FileContent:
    """The bytes of an image file."""

    position: int
    path: str
    data: bytes

    def digest(self) -> bytes:
        """Hash the bytes of the file."""
        return hashlib.sha256(self.data).digest()

    def pixels(self, treatment: Treatment) -> NDArray[np.uint8]:
        """Decode the file."""
        with blaming(self.position, self.path):
            image = decoded(self.data, treatment)
        return np.asarray(fitted(image, treatment))

    def suspicion(self) -> None:
        """Find nothing: a file says what its values mean."""


@dataclass(frozen=True)
class ImageContent:
    """A PIL image."""

    position: int
    image: Image.Image

    def digest(self) -> bytes:
        """Hash the size and pixels of the upright RGB picture."""
        image = self._rgb()
        digest = hashlib.sha256(f"image {image.size}".encode())
        digest.update(image.tobytes())
        return digest.digest()

    def pixels(self, treatment: Treatment) -> NDArray[np.uint8]:
        """Convert and resize the image."""
        return np.asarray(fitted(self._rgb(), treatment))

    def suspicion(self) -> None:
        """Find nothing: the mode of the image says what its values mean."""

    def _rgb(self) -> Image.Image:
        """Make the upright RGB picture."""
        with blaming(self.position, None):
            refuse_empty(self.image.size)
            return converted(self.image)


@dataclass(frozen=True)
class ArrayContent:
    """An array of shape (height, width), or (height, width, 1, 3 or 4 channels)."""

    position: int
    array: NDArray[Any]

    def digest(self) -> bytes:
        """Hash the shape, dtype and values."""
        header = f"array {self.array.dtype.str} {self.array.shape}"
        digest = hashlib.sha256(header.encode())
        digest.update(np.ascontiguousarray(self.array).data)
        return digest.digest()

    def pixels(self, treatment: Treatment) -> NDArray[Any]:
        """Convert and resize the array."""
        with blaming(self.position, None):
            refuse_empty(self.array.shape)
            array = self.array[..., 0] if self.array.shape[2:] == (1,) else self.array
            if array.dtype.kind == "f":
                return _float_pixels(array, treatment)
            image = to_rgb(Image.fromarray(to_bytes(array)))
        return np.asarray(fitted(image, treatment))

    def suspicion(self) -> str | None:
        """Look for values on another scale than 0 to 255."""
        array = self.array
        if array.size == 0 or array.dtype.kind not in "fu" or array.dtype == np.uint8:
            return None
        low, high = array.min(), array.max()
        if array.dtype.kind == "u":
            if array.dtype.itemsize == 2 and 0 < high <= 255:
                return (
                    f"its uint16 values do not exceed {high}, where 65535 is white and "
                    "255 nearly black; convert 8-bit values to uint8"
                )
            return None
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


def refuse_empty(shape: tuple[int, ...]) -> None:
    """Refuse a picture without pixels."""
    if 0 in shape:
        raise Unusable("it has no pixels: its height or width is 0")


def _float_pixels(array: NDArray[Any], treatment: Treatment) -> NDArray[np.float32]:
    """Resize a floating-point picture channel by channel, without rounding."""
    with np.errstate(over="ignore"):
        array = array.astype(np.float32)
    if not np.isfinite(array).all():
        count = np.count_nonzero(~np.isfinite(array))
        raise Unusable(f"{count} of its values are NaN or infinite")
    if array.ndim == 2:
        array = array[..., np.newaxis]
    if array.shape[2] == 4:
        array = on_white(array)
    channels = [
        np.asarray(fitted(Image.fromarray(array[..., channel]), treatment))
        for channel in range(array.shape[2])
    ]
    return np.stack(channels if len(channels) == 3 else channels * 3, axis=-1)

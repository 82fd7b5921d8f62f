"""One sample of X: where it is, how it is called, and how it gets into memory."""

from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray
from PIL import Image

from skresnet.reading.contents import (
    ArrayContent,
    Content,
    FileContent,
    ImageContent,
    refuse_empty,
)
from skresnet.reading.decoding import examine
from skresnet.reading.errors import blaming
from skresnet.reading.files import file_bytes, regular_file


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
        UnreadableImageError
            If it is already certain that no picture can come of it; with one failure.
        """

    def load(self) -> Content:
        """Take what the picture is made of into memory, reading a file once.

        Returns
        -------
        Content
            The file's bytes, or the array or image itself.

        Raises
        ------
        UnreadableImageError
            If the file cannot be read; with one failure.
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
        with blaming(self.position, self.path), regular_file(self.path) as file:
            examine(file)

    def load(self) -> FileContent:
        """Read the file."""
        with blaming(self.position, self.path):
            return FileContent(self.position, self.path, file_bytes(self.path))


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
        """Look at the size of the image."""
        with blaming(self.position, None):
            refuse_empty(self.image.size)

    def load(self) -> ImageContent:
        """Hand on the image."""
        return ImageContent(self.position, self.image)


@dataclass(frozen=True)
class ArrayPicture:
    """An array."""

    position: int
    array: NDArray[Any]
    path: None = None

    @property
    def label(self) -> str:
        """Name the position and shape."""
        return f"X[{self.position}] (array of shape {self.array.shape})"

    def check(self) -> None:
        """Look at the shape of the array."""
        with blaming(self.position, None):
            refuse_empty(self.array.shape)

    def load(self) -> ArrayContent:
        """Hand on the array."""
        return ArrayContent(self.position, self.array)

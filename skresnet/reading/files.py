"""Files that may be images: their endings, and their bytes or why there are none."""

import errno
import os
import stat
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import IO, Any, Final

from skresnet.reading.errors import PictureError

EXTENSIONS: Final[frozenset[str]] = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff"}
    | {".avif", ".heic", ".heif", ".jp2", ".j2k", ".jpx"}
)
"""File name endings taken for images, in lower case with their dot."""

MAX_FILE_BYTES: Final = 2**28
"""Larger files are refused unread: with a copy they alone take half of `MAX_MEMORY`."""

# These say that the machine is short of something, not that the picture is bad.
_SHORTAGES: Final = {errno.EMFILE, errno.ENFILE, errno.ENOMEM}

_CAUSES: Final = {
    errno.EACCES: "permission denied",
    errno.ELOOP: "a symbolic link that leads back to itself",
    errno.ENXIO: "not a regular file but a socket or a device",
    errno.ENAMETOOLONG: "the file name is too long",
    errno.EISDIR: "a directory, not a file",
}

_KINDS: Final = {
    stat.S_IFDIR: "a directory, not a file",
    stat.S_IFIFO: "not a regular file but a FIFO",
    stat.S_IFCHR: "not a regular file but a device",
    stat.S_IFBLK: "not a regular file but a device",
}


_READING: Final = threading.Lock()

# File systems of fsspec in which all threads share what is read through, the archive's
# one open file or a connection. Zip has a lock of its own.
_SHARED: Final = {"ftp", "libarchive", "tar"}


@contextmanager
def regular_file(path: str) -> Iterator[IO[bytes]]:
    """Open a regular file that is not empty for reading, and never wait for it."""
    try:
        file = open(path, "rb", opener=_without_waiting)  # noqa: SIM115
    except (OSError, ValueError) as error:
        raise PictureError(_cause(path, error)) from error
    with file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            kind = stat.S_IFMT(status.st_mode)
            raise PictureError(_KINDS.get(kind, "not a regular file"))
        if status.st_size > MAX_FILE_BYTES:
            raise PictureError(
                f"the file has {status.st_size:,} bytes, more than the limit of "
                f"{MAX_FILE_BYTES:,}"
            )
        if status.st_size == 0:
            raise PictureError("the file has zero bytes")
        yield file


def file_bytes(path: str) -> bytes:
    """Read a whole file."""
    with regular_file(path) as file:
        try:
            return file.read()
        except OSError as error:
            raise PictureError(_cause(path, error)) from error


def content_of(file: Any) -> bytes:
    """Read all of an open binary file, or of what has an ``open`` as UPath has."""
    try:
        if not hasattr(file, "read"):
            with _turn(file), file.open("rb") as opened:
                data = opened.read(MAX_FILE_BYTES + 1)
        else:
            # The same file may stand at several places in X.
            with _READING:
                file.seek(0)
                data = file.read(MAX_FILE_BYTES + 1)
    except Exception as error:
        # Files of archives and of the network raise whatever their libraries do.
        raise PictureError(f"it cannot be read ({type(error).__name__})") from error
    if len(data) > MAX_FILE_BYTES:
        raise PictureError(f"it has more bytes than the limit of {MAX_FILE_BYTES:,}")
    return bytes(data)


def _turn(file: Any) -> AbstractContextManager[Any]:
    """Keep other threads from what is shared with them while a file is read."""
    is_shared = getattr(file, "protocol", None) in _SHARED
    return _READING if is_shared else nullcontext()


def _without_waiting(path: str, flags: int) -> int:
    """Open a file as ``open`` does, but do not wait for the other end of a FIFO."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _cause(path: str, error: OSError | ValueError) -> str:
    """Say why a file could not be opened."""
    if not isinstance(error, OSError):
        return f"not a valid path ({error})"
    if error.errno in _SHORTAGES:
        raise error
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        link = Path(path)
        if link.is_symlink():
            return f"a symbolic link to {str(link.readlink())!r}, which does not exist"
        return f"no such file{_hint(path)}"
    known = _CAUSES.get(error.errno or 0)
    return known or f"cannot be opened ({error.strerror or error})"


def _hint(path: str) -> str:
    """Say what was perhaps expected of a path that leads to no file."""
    if "://" in path:
        return (
            "; it looks like an address, and nothing is read from one unless asked: "
            'pip install "skresnet[remote]" and pass upath.UPath(address)'
        )
    if path.startswith("~"):
        return "; '~' is a name like others here, os.path.expanduser makes it your home"
    return ""

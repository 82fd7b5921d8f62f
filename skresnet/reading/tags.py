"""The tags of a TIFF, and of EXIF data, which are one."""

from collections.abc import Iterable
from typing import IO, Final

import numpy as np

from skresnet.reading.errors import PictureError

SIZES: Final = {
    **{1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8},
    **{13: 4, 16: 8, 17: 8, 18: 8},
}
"""Bytes that a value of each type takes (TIFF 6.0; BigTIFF has 16 to 18)."""

_WHOLE_NUMBERS: Final = {1: "u1", 3: "u2", 4: "u4", 16: "u8"}
_MOST_ENTRIES: Final = 2**16
_MOST_NUMBERS: Final = 2**20


class Tags:
    """The tags of the first page of a TIFF, or of EXIF data, which are one.

    Parameters
    ----------
    file : binary file
        Its position does not matter.

    Attributes
    ----------
    n_damaged : int
        How many tags are of no known type or lie outside the file.

    Raises
    ------
    PictureError
        If there are none.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._end = file.seek(0, 2)
        header = self._at(0, 16)
        self.order = "little" if header[:2] == b"II" else "big"
        self._is_big = self._number(header[2:4]) == 43
        width = 8 if self._is_big else 4
        start = self._number(header[8:16] if self._is_big else header[4:8])
        counting = 8 if self._is_big else 2
        count = self._number(self._at(start, counting))
        length = 4 + 2 * width
        if not 0 < count <= _MOST_ENTRIES or start + counting > self._end:
            raise PictureError("its TIFF header is damaged or cut short")
        entries = self._at(start + counting, count * length)
        self.n_damaged = 0
        self._entries: dict[int, tuple[int, int, int | bytes]] = {}
        for place in range(0, len(entries) - length + 1, length):
            self._take(entries[place : place + length], width)

    def _take(self, entry: bytes, width: int) -> None:
        """Note a tag, or that it is damaged."""
        tag, kind = self._number(entry[:2]), self._number(entry[2:4])
        count, value = self._number(entry[4 : 4 + width]), entry[4 + width :]
        size = SIZES.get(kind, 0) * count
        if size <= width:
            where: int | bytes = value[:size]
        else:
            where = self._number(value)
        if size == 0 or (isinstance(where, int) and where + size > self._end):
            self.n_damaged += 1
        else:
            self._entries.setdefault(tag, (kind, count, where))

    def __contains__(self, tag: int) -> bool:
        return tag in self._entries

    def field(self, tag: int) -> tuple[int, int, bytes]:
        """Give the type, count and bytes of a tag."""
        kind, count, where = self._entries[tag]
        if isinstance(where, int):
            where = self._at(where, SIZES[kind] * count)
        return kind, count, where

    def numbers(self, tag: int, default: Iterable[int] = ()) -> tuple[int, ...]:
        """Give the whole numbers of a tag."""
        if tag not in self._entries or self._entries[tag][0] not in _WHOLE_NUMBERS:
            return tuple(default)
        kind, count, field = self.field(tag)
        if count > _MOST_NUMBERS:
            raise PictureError(f"its TIFF header is damaged: tag {tag} is too long")
        order = "<" if self.order == "little" else ">"
        return tuple(np.frombuffer(field, order + _WHOLE_NUMBERS[kind]).tolist())

    def number(self, tag: int, default: int) -> int:
        """Give the first number of a tag."""
        return next(iter(self.numbers(tag)), default)

    def _at(self, offset: int, length: int) -> bytes:
        self._file.seek(min(offset, self._end))
        return self._file.read(length)

    def _number(self, data: bytes) -> int:
        return int.from_bytes(data, self.order)  # type: ignore[arg-type]

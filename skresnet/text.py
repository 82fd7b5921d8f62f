"""How messages and pages count, list and spell what they speak of."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, Protocol

_JOINERS = {"\u200c", "\u200d"}  # hold emoji and letters of some scripts together


class Placed(Protocol):
    """A picture, or what is said of one: its place in X, and its path if it has one."""

    @property
    def position(self) -> int: ...  # noqa: D102 - described above

    @property
    def path(self) -> str | None: ...  # noqa: D102 - described above


def listed(names: Collection[str], at_most: int = 8) -> str:
    """Write names in quotes, the first few where there are many."""
    # repr keeps line breaks, quotes and undecodable bytes of a name on one clear line.
    shown = ", ".join(repr(name) for name in sorted(names)[:at_most])
    hidden = len(names) - at_most
    if hidden > 0:
        return f"{shown} and {hidden} more"
    return shown or "nothing"


def counted(number: int, singular: str, plural: str | None = None) -> str:
    """Write a number with its noun."""
    return f"{number} {singular if number == 1 else plural or singular + 's'}"


def shown(name: Any) -> str:
    """Write a class or file name so that it can be drawn and encoded.

    Control characters, the surrogates that stand for undecodable bytes of a file name,
    and the marks that turn the direction of text around are written as escapes.
    """
    return "".join(_visible(character) for character in str(name))


def shared_folder(pictures: Sequence[Placed]) -> str:
    """Find the folder that holds all pictures of files; empty where there is none."""
    folders = {str(Path(p.path).parent) for p in pictures if p.path is not None}
    try:
        return os.path.commonpath(folders)
    except ValueError:  # none at all, or relative and absolute ones
        return ""


def picture_names(pictures: Sequence[Placed]) -> list[str]:
    """Name pictures by their path below the folder they share, or their place in X."""
    shared = shared_folder(pictures)
    return [
        f"X[{picture.position}]"
        if picture.path is None
        else shown(os.path.relpath(picture.path, shared) if shared else picture.path)
        for picture in pictures
    ]


def _visible(character: str) -> str:
    hidden = unicodedata.category(character) in {"Cc", "Cs", "Cf"}
    if hidden and character not in _JOINERS:
        return character.encode("unicode_escape").decode("ascii")
    return character

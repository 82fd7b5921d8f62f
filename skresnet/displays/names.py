"""How classes and pictures are called where people read them."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from skresnet.reading import Picture

_JOINERS = {"\u200c", "\u200d"}  # hold emoji and letters of some scripts together


def shown(name: Any) -> str:
    """Write a class or file name so that it can be drawn and encoded.

    Control characters, the surrogates that stand for undecodable bytes of a file name,
    and the marks that turn the direction of text around are written as escapes.
    """
    return "".join(_visible(character) for character in str(name))


def picture_names(pictures: Sequence[Picture]) -> list[str]:
    """Name pictures by their path below the folder they share, or their place in X."""
    folders = {str(Path(p.path).parent) for p in pictures if p.path is not None}
    try:
        shared = os.path.commonpath(folders)
    except ValueError:  # none at all, or relative and absolute ones
        shared = ""
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

"""The packed pictures: pixels.bin, and index.json that says what lies where."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

PIXELS = "pixels.bin"
INDEX = "index.json"


@dataclass(frozen=True)
class Level:
    """One size of a picture: where its rows begin in the pixels, and its shape."""

    offset: int
    height: int
    width: int

    @property
    def size(self) -> int:
        """Number of bytes, three for each pixel."""
        return 3 * self.height * self.width

    def pixels(self, packed: np.ndarray) -> np.ndarray:
        """Return a view of the pixels, uint8 RGB of shape (height, width, 3)."""
        rows = packed[self.offset : self.offset + self.size]
        return rows.reshape(self.height, self.width, 3)


@dataclass(frozen=True)
class PackedPicture:
    """A picture: the number of its source, its name there and its levels.

    The largest level comes first.
    """

    source: int
    name: str
    levels: tuple[Level, ...]


def load_pictures(folder: str | Path) -> tuple[np.memmap, list[PackedPicture]]:
    """Open the pictures that `python -m tools.distill.pictures` has packed.

    Parameters
    ----------
    folder : str or Path
        The folder given as `--out`.

    Returns
    -------
    pixels : memmap of shape (n_bytes,), dtype uint8
        All levels one after another; see `Level.pixels`.
    pictures : list of PackedPicture

    Raises
    ------
    FileNotFoundError
        If the folder holds no packed pictures.
    ValueError
        If the two files do not belong together.
    """
    folder = Path(folder)
    for name in (INDEX, PIXELS):
        if not (folder / name).is_file():
            raise FileNotFoundError(
                f"{folder} has no {name}. Pack pictures into it with "
                f"`python -m tools.distill.pictures --out {folder}`."
            )
    index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
    pictures = [
        PackedPicture(
            entry["source"],
            entry["name"],
            tuple(Level(*level) for level in entry["levels"]),
        )
        for entry in index["pictures"]
    ]
    pixels = np.memmap(folder / PIXELS, dtype=np.uint8, mode="r")
    expected = sum(level.size for picture in pictures for level in picture.levels)
    if len(pixels) != expected:
        raise ValueError(
            f"{folder / PIXELS} has {len(pixels)} bytes, but {INDEX} describes "
            f"{expected}. Pack the pictures again."
        )
    return pixels, pictures


def drawing_weights(folder: str | Path) -> np.ndarray:
    """Return how likely each picture is to be drawn, shape (n_pictures,), sum 1.

    A source counts with its share and the square root of its number of pictures, so
    that a package of thousands of drawings does not drown one of fifty photographs.
    """
    index = json.loads((Path(folder) / INDEX).read_text(encoding="utf-8"))
    weights = [
        source["share"] / max(1, source["pictures"]) ** 0.5
        for source in index["sources"]
    ]
    drawn = np.array([weights[entry["source"]] for entry in index["pictures"]])
    return drawn / drawn.sum()

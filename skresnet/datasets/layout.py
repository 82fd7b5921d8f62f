"""How a data set lies on disk, and how errors speak of it."""

from collections.abc import Collection
from typing import Final

SPLIT_FOLDERS: Final[dict[str, tuple[str, ...]]] = {
    "train": ("train", "training"),
    "val": ("val", "valid", "validation"),
    "test": ("test",),
}
"""For each split, the folder names taken for it, in lower case."""

FOLDER_TREE: Final = """\
Expected one folder a class, with its images inside:

    photos/
    ├── cats/
    │   ├── 001.jpg
    │   └── 002.png
    └── dogs/
        └── 003.jpg"""

SPLITS_TREE: Final = """\
Expected one folder a split, each with the same class folders:

    photos/
    ├── train/
    │   ├── cats/
    │   └── dogs/
    ├── val/
    │   ├── cats/
    │   └── dogs/
    └── test/
        ├── cats/
        └── dogs/"""


def split_of(folder_name: str) -> str | None:
    """Name the split that a folder of this name holds, None if it is no split."""
    for split, names in SPLIT_FOLDERS.items():
        if folder_name.lower() in names:
            return split
    return None


def are_splits(folder_names: Collection[str]) -> bool:
    """Tell whether the folders of a data set are its splits rather than its classes."""
    splits = [split_of(name) for name in folder_names]
    # A lone "train" among other names may well be a class: trains, cars, buses.
    return len({*splits} - {None}) > 1 or all(splits)

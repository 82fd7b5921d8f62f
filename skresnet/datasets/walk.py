"""How a data set lies on disk: class folders, splits, images, what else is there."""

import os
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from skresnet.datasets.elsewhere import (
    ARCHIVE_ENDINGS,
    Entry,
    Place,
    entries,
    is_elsewhere,
    name_of,
    opened_archive,
    refuse_address,
)
from skresnet.reading.files import EXTENSIONS
from skresnet.text import counted, listed
from skresnet.validation import user_path

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

CAUSES: Final[dict[str, tuple[str, str]]] = {
    "hidden": ("hidden file or folder", "hidden files and folders"),
    "thumbnail": (
        "thumbnail or other file of the system",
        "thumbnails and other files of the system",
    ),
    "not_image": ("file that is no image", "files that are no images"),
    "outside_class": ("image outside a class", "images outside a class"),
    "broken_link": ("broken link", "broken links"),
    "repeated_folder": (
        "link to a folder already read",
        "links to folders already read",
    ),
    "special_file": ("special file", "special files"),
}
"""Why a path is left out: the key in ``skipped``, and its words for one and many."""

# What network drives, archives and operating systems put beside pictures, in lower
# case: copies of them in small, and bins of those that were deleted.
_OF_THE_SYSTEM: Final = {
    *("@eadir", "@__thumb", "@tmp", "@recycle", "@recently-snapshot", "#recycle"),
    *("#snapshot", "__macosx", "$recycle.bin", "system volume information"),
    *("lost+found", "thumbs.db", "ehthumbs.db", "desktop.ini"),
}
_OF_ANY_IMAGES: Final = {
    *("data", "dataset", "images", "image", "imgs", "img", "photos", "pictures"),
}
_THUMBNAIL_PREFIXES: Final = ("synofile_thumb", "synophoto_thumb", "synoindex_thumb")


@dataclass
class Contents:
    """Paths sorted by what they are; `skipped` has a list for every cause."""

    images: list[Place] = field(default_factory=list)
    folders: list[Place] = field(default_factory=list)
    skipped: dict[str, list[Place]] = field(
        default_factory=lambda: {cause: [] for cause in CAUSES}
    )


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


def list_folder(folder: Place) -> Contents:
    """Sort what lies directly in a folder; no file is opened."""
    contents = Contents()
    if isinstance(folder, str):
        with _permission_explained(folder), os.scandir(folder) as listed_entries:
            for entry in listed_entries:
                _put(entry, contents)
    else:
        for found in entries(folder):
            _put(found, contents)
    _sort(contents)
    return contents


def _sort(contents: Contents) -> None:
    for paths in (contents.images, contents.folders, *contents.skipped.values()):
        paths.sort(key=str)


def find_images(folder: Place, *, above: Iterable[Place]) -> Contents:
    """Collect the images below a folder, links followed, no folder read twice.

    A link back to the folder, or to one of those in `above`, is set aside: its images
    are here already and following it would never end.
    """
    found = Contents()
    seen = {folder_identity(path) for path in above}
    waiting = [folder]
    while waiting:
        current = waiting.pop()
        identity = folder_identity(current)
        if identity in seen:
            found.skipped["repeated_folder"].append(current)
            continue
        seen.add(identity)
        here = list_folder(current)
        found.images += here.images
        for cause, paths in here.skipped.items():
            found.skipped[cause] += paths
        waiting += reversed(here.folders)
    _sort(found)
    return found


def innermost(folder: Place) -> Place:
    """Step into lone folders that only hold the data set, as unpacking leaves them.

    Such a folder has no image in it and either the name of the folder that it lies in,
    or a name for any images, or the splits, or it is all there is in an archive.
    """
    seen = set()
    while (identity := folder_identity(folder)) not in seen:
        seen.add(identity)
        here = list_folder(folder)
        if here.images or len(here.folders) != 1:
            break
        (inner,) = here.folders
        name = name_of(inner).casefold()
        inside = list_folder(inner)
        names = [name_of(path) for path in inside.folders]
        outer = name_of(folder) or Path(str(folder)).absolute().name
        wraps = name in {*_OF_ANY_IMAGES, outer.casefold()}
        wraps |= not isinstance(folder, str) and not folder.name and len(names) > 1
        if inside.images or not names or not (wraps or are_splits(names)):
            break
        folder = inner
    return folder


def folder_above(folder: Place) -> list[Place]:
    """List a folder and all that it lies in, links resolved."""
    if not isinstance(folder, str):
        return [folder]
    real = Path(folder).resolve()
    return [str(path) for path in (real, *real.parents)]


def existing_folder(root: Any) -> Place:
    """Expand ``~``; make sure that `root` is a folder, or step into an archive."""
    if is_elsewhere(root):
        if name_of(root).lower().endswith(ARCHIVE_ENDINGS) and root.is_file():
            return opened_archive(root)
        if not root.is_dir():
            raise FileNotFoundError(f"root {str(root)!r} is no folder. {FOLDER_TREE}")
        return root
    try:
        path = Path(os.fsdecode(root))
    except TypeError as error:
        archive = "; of an archive, pass the path of its file"
        raise TypeError(
            f"root must be the path of a folder, as str or pathlib.Path; "
            f"got {type(root).__name__}"
            f"{archive if type(root).__module__.startswith('zipfile') else ''}."
        ) from error
    if not os.fspath(root):
        raise ValueError(
            "root is empty. Name the folder of the data set; '.' is the folder that "
            "the program runs in."
        )
    path = user_path(path)
    with _permission_explained(str(path)):
        if path.is_dir():
            return str(path)
        if path.is_file() and path.name.lower().endswith(ARCHIVE_ENDINGS):
            return opened_archive(path)
        if path.exists():
            raise NotADirectoryError(
                f"root must be a folder, but {str(path)!r} is a file. {FOLDER_TREE}"
            )
    refuse_address("root", os.fsdecode(root))
    nearest = next(parent for parent in path.absolute().parents if parent.is_dir())
    names = [name_of(path) for path in list_folder(str(nearest)).folders]
    raise FileNotFoundError(
        f"root {str(path)!r} does not exist. The part of it that does exist is "
        f"{str(nearest)!r}, with these folders: {listed(names)}. {FOLDER_TREE}"
    )


def describe_skipped(skipped: dict[str, list[Place]]) -> str:
    """Write what was left out in words, such as ``3 hidden files and folders``."""
    parts = []
    for cause, paths in skipped.items():
        if paths:
            names = [name_of(path) for path in paths]
            parts.append(f"{counted(len(paths), *CAUSES[cause])} ({listed(names, 4)})")
    return ", ".join(parts) or "nothing"


def _put(entry: os.DirEntry[str] | Entry, contents: Contents) -> None:
    """Sort one entry of a folder."""
    name = entry.name.lower()
    if name.startswith("."):
        contents.skipped["hidden"].append(entry.path)
    elif name in _OF_THE_SYSTEM or name.startswith(_THUMBNAIL_PREFIXES):
        contents.skipped["thumbnail"].append(entry.path)
    elif _leads_nowhere(entry):
        contents.skipped["broken_link"].append(entry.path)
    elif entry.is_dir():
        contents.folders.append(entry.path)
    elif not entry.is_file():
        contents.skipped["special_file"].append(entry.path)
    elif Path(entry.name).suffix.lower() in EXTENSIONS:
        contents.images.append(entry.path)
    else:
        contents.skipped["not_image"].append(entry.path)


def _leads_nowhere(entry: os.DirEntry[str] | Entry) -> bool:
    """Say whether an entry is a link without an end, be it missing or circular."""
    return entry.is_symlink() and not Path(entry.path).exists()


def folder_identity(folder: Place) -> Any:
    """Tell one folder from another whatever path leads to it."""
    if not isinstance(folder, str):
        return str(folder)
    with _permission_explained(folder):
        status = Path(folder).stat()
    return status.st_dev, status.st_ino


@contextmanager
def _permission_explained(folder: str) -> Iterator[None]:
    """Turn a refusal of the system into an error that says what to do."""
    try:
        yield
    except PermissionError as error:
        raise PermissionError(
            f"{(error.filename or folder)!r} cannot be read: permission denied. Every "
            f"folder of the data set must be readable and enterable; give yourself "
            f"the right (chmod u+rx on a folder) or leave the folder out."
        ) from error

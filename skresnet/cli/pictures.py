"""The pictures that a command is about: listed, divided, embedded."""

from __future__ import annotations

import csv
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import click
import numpy as np

from skresnet.cli.outputs import spreadsheet_cell
from skresnet.cli.terminal import say

if TYPE_CHECKING:
    from skresnet.cli.sources import Source
    from skresnet.embedding import Embedded
    from skresnet.reading import Failure

# Enough for the threads that read to stay ahead of the network nearly always, few
# enough for a bar that moves; 2 MB of features at 2048 a picture.
_AT_ONCE = 256

_Rows = Iterable[tuple[str, str | None]]

# The exit status of a command that did its work, but for pictures it could not read.
SOME_UNREADABLE = 3


class Part(NamedTuple):
    """Pictures with their classes, and the groups that they belong to."""

    paths: np.ndarray
    classes: np.ndarray
    groups: np.ndarray | None = None

    def at(self, rows: np.ndarray) -> Part:
        """Take some of them."""
        groups = None if self.groups is None else self.groups[rows]
        return Part(self.paths[rows], self.classes[rows], groups)


class Parts(NamedTuple):
    """The pictures of a training."""

    train: Part
    val: Part | None
    test: Part | None
    test_was_set_aside: bool = False

    def paths(self) -> list[Any]:
        """List all pictures."""
        parts = (self.train, self.val, self.test)
        return [path for part in parts if part for path in part.paths]


class Listed(NamedTuple):
    """Pictures that need no class, with what is known of each."""

    paths: list[Any]
    classes: list[str | None]
    splits: list[str | None]
    groups: list[str | None]

    def at(self, rows: Sequence[int]) -> Listed:
        """Take some of them."""
        return Listed(*([column[row] for row in rows] for column in self))


def load(
    source: Source, group_by: str | None = None, *, allow_empty: bool = False
) -> Any:
    """List the pictures of a table, of the splits of a folder, or of its classes."""
    from skresnet import load_image_folder, load_image_splits

    if source.columns is not None:
        return source.list_table(source.chosen(group_by))
    load_images = (
        load_image_splits if split_folders(source.place) else load_image_folder
    )
    return load_images(source.place, groups=group_by, allow_empty=allow_empty)


def load_parts(
    source: Source, test_size: float, random_state: int, group_by: str | None = None
) -> Parts:
    """List the splits of a source, or its pictures, and set some aside for the test."""
    loaded = load(source, group_by)
    if "data" in loaded:
        every = _part(loaded)
        if test_size == 0:
            return Parts(every, None, None)
        test = set_aside(every, test_size, random_state)
        train = np.delete(np.arange(len(every.paths)), test)
        return Parts(every.at(train), None, every.at(test), test_was_set_aside=True)
    val, test_part = (
        _part(loaded[n]) if n in loaded else None for n in ("val", "test")
    )
    return Parts(_part(_split(loaded, "train", source)), val, test_part)


def _split(loaded: Any, name: str, source: Source) -> Any:
    """Take a split of a table that a command cannot do without."""
    if name in loaded:
        return loaded[name]
    others = [repr(other) for other in ("train", "val", "test") if other in loaded]
    raise ValueError(
        f"No row of {source.text!r} is in the split {name!r}; its splits are "
        f"{' and '.join(others)}. Say {name!r} where it belongs, or take out the "
        "column of splits."
    )


def set_aside(every: Part, test_size: float, random_state: int) -> np.ndarray:
    """Choose pictures for the test, whole groups where there are groups."""
    from sklearn.model_selection import train_test_split
    from sklearn.utils import check_random_state

    from skresnet.head.rows import set_groups_aside
    from skresnet.text import listed

    groups = np.arange(len(every.paths)) if every.groups is None else every.groups
    what = "picture" if every.groups is None else "group"
    pairs = set(zip(every.classes.tolist(), groups.tolist(), strict=True))
    counts = Counter(name for name, _ in pairs)
    if lone := [name for name, count in counts.items() if count < 2]:
        raise ValueError(
            f"Each class needs at least 2 {what}s, one to train and one to test; "
            f"found 1 in {listed(lone)}. Add pictures, or set none "
            "aside with --test-size 0."
        )
    if every.groups is not None:
        classes, codes = np.unique(every.classes, return_inverse=True)
        generator = check_random_state(random_state)
        return set_groups_aside(codes, groups, test_size, generator, classes)
    try:
        _, test = train_test_split(
            groups,
            test_size=test_size,
            stratify=every.classes,
            random_state=random_state,
        )
    except ValueError as error:
        raise ValueError(
            f"--test-size {test_size}: {error} Choose a share that leaves a picture of "
            "each class on both sides, or set none aside with --test-size 0."
        ) from error
    return test


def load_test(source: Source, group_by: str | None = None) -> Part:
    """List the test pictures of a source, or all where there are no splits."""
    from skresnet import load_image_folder

    if source.columns is not None:
        loaded = load(source, group_by)
        return _part(loaded if "data" in loaded else _split(loaded, "test", source))
    splits = split_folders(source.place)
    tests = [path for path, split in splits.items() if split == "test"]
    if splits and not tests:
        raise ValueError(
            f"No test folder in {source.text!r}, which has the splits "
            f"{', '.join(map(repr, splits))}. Name one of these to evaluate on it."
        )
    folder = tests[0] if tests else source.place
    return _part(load_image_folder(folder, groups=group_by))


def list_below(
    source: Source, group_by: str | None = None, *, paths_only: bool = False
) -> Listed:
    """List every picture below a folder, and the class folder that each lies in.

    A picture in no folder has no class. A table is listed with its classes, or none;
    other columns than that of its paths are left alone if these are all that counts.
    """
    from skresnet.datasets.bunches import class_name
    from skresnet.datasets.groups import group_finder
    from skresnet.datasets.walk import (
        SPLIT_FOLDERS,
        existing_folder,
        find_images,
        folder_above,
    )

    listed = Listed([], [], [], [])

    def add(paths: Sequence[Any], classes: Any, split: str | None, groups: Any) -> None:
        unknown = [None] * len(paths)
        listed.paths.extend(paths)
        listed.classes.extend(unknown if classes is None else classes)
        listed.splits.extend([split] * len(paths))
        listed.groups.extend(unknown if groups is None else groups.tolist())

    if source.columns is not None:
        chosen = source.chosen(group_by)
        chosen = {"path": chosen["path"]} if paths_only else chosen
        loaded = source.list_table(chosen, labelled=False)
        parts: list[tuple[str | None, Any]] = []
        if "data" in loaded:
            parts.append((None, loaded))
        parts += [(name, loaded[name]) for name in SPLIT_FOLDERS if name in loaded]
        for split, part in parts:
            target = None if part.target is None else part.target.tolist()
            add(part.data.tolist(), target, split, part.groups)
        return listed
    root = existing_folder(source.place)
    find_groups = group_finder(group_by)
    splits: dict[Any, str | None] = {**split_folders(root)} or {root: None}
    for top, split in splits.items():
        above = (
            folder_above(str(Path(top).resolve().parent))
            if isinstance(top, str)
            else []
        )
        found = find_images(top, above=above)
        _tell_skipped(found.skipped, f" in {top}")
        classes = []
        for path in found.images:
            place = Path(path) if isinstance(path, str) else path
            inside = place.relative_to(top).parts
            classes.append(class_name(inside[0]) if len(inside) > 1 else None)
        add(found.images, classes, split, find_groups(found.images, top))
    if not listed.paths:
        raise ValueError(
            f"No pictures below {source.text!r}. Pictures are files that end in .jpg, "
            ".png, .bmp, .gif, .webp, .tif, .avif, .heic or .jp2 and their variants."
        )
    return listed


def split_folders(folder: Any) -> dict[Any, str]:
    """Find the folders of splits in a folder, and which one each is.

    There are none where the folders in it are classes.
    """
    from skresnet.datasets.elsewhere import name_of
    from skresnet.datasets.walk import (
        are_splits,
        existing_folder,
        innermost,
        list_folder,
        split_of,
    )
    from skresnet.text import listed

    folders = list_folder(innermost(existing_folder(folder))).folders
    splits = {path: split_of(name_of(path)) for path in folders}
    if not are_splits([name_of(path) for path in folders]):
        return {}
    if others := [name_of(path) for path, split in splits.items() if not split]:
        say(
            f"Left out in {folder}: folders that are no splits: {listed(others)}",
            err=True,
        )
    return {path: split for path, split in splits.items() if split}


@contextmanager
def list_writer(
    path: Path,
) -> Iterator[Callable[[Iterable[tuple[str, str | None]]], None]]:
    """Write a CSV file of paths and classes, which `load_test` reads, row by row."""
    # Names of files need not be valid UTF-8; this gives back the bytes they have.
    with path.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["path", "class"])
        yield lambda rows: writer.writerows(map(_cells, rows))


def _cells(row: tuple[str, str | None]) -> list[str | None]:
    return [cell and spreadsheet_cell(cell) for cell in row]


def _part(bunch: Any) -> Part:
    _tell_skipped(bunch.skipped)
    return Part(bunch.data, bunch.target, bunch.groups)


def _tell_skipped(skipped: dict[str, list[str]], where: str = "") -> None:
    from skresnet.datasets.walk import describe_skipped

    if any(skipped.values()):
        say(f"Left out{where}: {describe_skipped(skipped)}", err=True)


def embed_part(
    embedder: Any, part: Part, on_error: str
) -> tuple[np.ndarray, Part, Embedded]:
    """Embed pictures and leave out, or refuse, those that cannot be read.

    Returns
    -------
    rows : ndarray of shape (n_readable, n_features), float32
    part : Part
        Those that could be read.
    embedded : Embedded
        All that came of the pass.
    """
    from skresnet.reading import as_pictures

    # What the embedder prints is news of progress, not part of a command's output.
    with redirect_stdout(sys.stderr):
        embedded = embedder._embed(
            as_pictures(part.paths), on_error="raise" if on_error == "raise" else "nan"
        )
    readable = embedded.readable
    if embedded.failures and (on_error == "raise" or not readable.size):
        raise_unreadable(embedded.failures, may_skip=bool(readable.size))
    tell_unreadable(embedded.failures, len(part.paths))
    return embedded.rows[readable], part.at(readable), embedded


def chunks(paths: list[Any], *, silent: bool = False) -> Iterator[list[Any]]:
    """Hand out paths, so few at a time that memory does not grow with their number.

    A bar tells how far it is where standard error is a terminal.
    """
    from skresnet.progress import Bar

    with Bar(
        total=len(paths), unit="picture", disable=True if silent else None
    ) as progress:
        for start in range(0, len(paths), _AT_ONCE):
            chunk = paths[start : start + _AT_ONCE]
            yield chunk
            progress.update(len(chunk))


def check_headers(
    paths: Sequence[str] | np.ndarray, n_jobs: int | None, *, may_skip: bool = True
) -> None:
    """Refuse what is certainly unreadable now, not after hours of the others."""
    from skresnet.embedding import unreadable_headers
    from skresnet.reading import as_pictures

    if failures := unreadable_headers(as_pictures(paths), n_jobs=n_jobs):
        raise_unreadable(failures, may_skip=may_skip)


def first_readable(paths: Iterable[Any], failures: Iterable[Failure]) -> Any:
    """Find a picture to go on with."""
    failed = {failure.position for failure in failures}
    return next(path for i, path in enumerate(paths) if i not in failed)


def tell_unreadable(failures: Sequence[Failure], n_pictures: int) -> None:
    """Count and list the pictures that were left out."""
    if failures:
        say(
            f"Left out {len(failures)} of {n_pictures} pictures, which cannot be "
            f"read:\n{_lines(failures)}",
            err=True,
        )


def raise_unreadable(failures: Sequence[Failure], *, may_skip: bool = True) -> NoReturn:
    """Raise the error that names all pictures that cannot be read.

    It advises to leave them out where that can be asked for, and others are left.
    """
    from skresnet.text import counted

    raise click.ClickException(
        f"{counted(len(failures), 'picture')} cannot be read:\n{_lines(failures)}\n"
        f"Mend or remove them{', or leave them out with --on-error skip' * may_skip}."
    )


def _lines(failures: Iterable[Failure]) -> str:
    from skresnet.text import shown

    return "\n".join(
        f"  {shown(failure.path)}: {failure.cause}" for failure in failures
    )

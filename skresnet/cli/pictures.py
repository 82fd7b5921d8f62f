"""The pictures that a command is about: listed, divided, embedded."""

from __future__ import annotations

import codecs
import csv
import io
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import click
import numpy as np

from skresnet.cli.outputs import from_spreadsheet_cell, spreadsheet_cell
from skresnet.cli.terminal import say

if TYPE_CHECKING:
    from skresnet.embedding import Embedded
    from skresnet.reading import Failure

# Enough for the threads that read to stay ahead of the network nearly always, few
# enough for a bar that moves; 2 MB of features at 2048 a picture.
_AT_ONCE = 256

_Rows = Iterable[tuple[str, str | None]]

# The exit status of a command that did its work, but for pictures it could not read.
SOME_UNREADABLE = 3


class Part(NamedTuple):
    """Pictures with their classes."""

    paths: np.ndarray
    classes: np.ndarray

    def at(self, rows: np.ndarray) -> Part:
        """Take some of them."""
        return Part(self.paths[rows], self.classes[rows])


class Parts(NamedTuple):
    """The pictures of a training."""

    train: Part
    val: Part | None
    test: Part | None
    test_was_set_aside: bool = False

    def paths(self) -> list[str]:
        """List all pictures."""
        parts = (self.train, self.val, self.test)
        return [path for part in parts if part for path in part.paths]


def load_parts(folder: str, test_size: float, random_state: int) -> Parts:
    """List the splits of a folder, or the classes, of which a test set is set aside."""
    from sklearn.model_selection import train_test_split

    from skresnet import load_image_folder, load_image_splits
    from skresnet.datasets.walk import SPLIT_FOLDERS
    from skresnet.text import listed

    if split_folders(folder):
        splits = load_image_splits(folder)
        found = {name: _part(splits[name]) for name in SPLIT_FOLDERS if name in splits}
        return Parts(found["train"], found.get("val"), found.get("test"))
    every = _part(load_image_folder(folder))
    if test_size == 0:
        return Parts(every, None, None)
    counts = Counter(every.classes.tolist())
    if lone := [name for name, count in counts.items() if count < 2]:
        raise ValueError(
            "Each class needs at least 2 pictures, one to train and one to test; "
            f"found 1 in {listed(lone)}. Add pictures, or set none "
            "aside with --test-size 0."
        )
    try:
        train, test = train_test_split(
            np.arange(len(every.paths)),
            test_size=test_size,
            stratify=every.classes,
            random_state=random_state,
        )
    except ValueError as error:
        raise ValueError(f"--test-size {test_size}: {error}") from error
    return Parts(every.at(train), None, every.at(test), test_was_set_aside=True)


def load_test(source: str) -> Part:
    """List the test pictures of a folder, or those that a CSV file names."""
    from skresnet import load_image_folder

    if Path(source).is_file():
        return _read_list(source)
    splits = split_folders(source)
    tests = [path for path, split in splits.items() if split == "test"]
    if splits and not tests:
        raise ValueError(
            f"No test folder in {source!r}, which has the splits "
            f"{', '.join(map(repr, splits))}. Name one of these to evaluate on it."
        )
    return _part(load_image_folder(tests[0] if tests else source))


def list_below(folder: str) -> tuple[list[str], list[str | None]]:
    """List every picture below a folder, and the class folder that each lies in.

    A picture in no folder has no class.
    """
    from skresnet.datasets.walk import existing_folder, find_images, folder_above

    root = existing_folder(folder)
    paths: list[str] = []
    classes: list[str | None] = []
    for top in split_folders(root) or [root]:
        found = find_images(top, above=folder_above(str(Path(top).parent)))
        _tell_skipped(found.skipped, f" in {top}")
        for path in found.images:
            inside = Path(path).relative_to(top).parts
            classes.append(inside[0] if len(inside) > 1 else None)
        paths += found.images
    if not paths:
        raise ValueError(
            f"No pictures below {root!r}. Pictures are files that end in .jpg, .png, "
            ".bmp, .gif, .webp or .tif and their variants."
        )
    return paths, classes


def split_folders(folder: str) -> dict[str, str]:
    """Find the folders of splits in a folder, and which one each is.

    There are none where the folders in it are classes.
    """
    from skresnet.datasets.walk import (
        are_splits,
        existing_folder,
        list_folder,
        split_of,
    )
    from skresnet.text import listed

    folders = list_folder(existing_folder(folder)).folders
    splits = {path: split_of(Path(path).name) for path in folders}
    if not are_splits([Path(path).name for path in folders]):
        return {}
    if others := [Path(path).name for path, split in splits.items() if not split]:
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


def decoded(content: bytes) -> str:
    """Decode a list of paths, by its byte-order mark where it has one."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16")
    return content.removeprefix(codecs.BOM_UTF8).decode("utf-8", "surrogateescape")


def _cells(row: tuple[str, str | None]) -> list[str | None]:
    return [cell and spreadsheet_cell(cell) for cell in row]


def _read_list(source: str) -> Part:
    rows = csv.DictReader(io.StringIO(decoded(Path(source).read_bytes()), newline=""))
    if not {"path", "class"} <= set(rows.fieldnames or ()):
        raise ValueError(
            f"{source!r} is no list of pictures: expected a CSV file whose first "
            "line names the columns path and class, as `skresnet train` writes "
            "beside a model."
        )
    pairs = [
        (from_spreadsheet_cell(row["path"]), from_spreadsheet_cell(row["class"] or ""))
        for row in rows
    ]
    if not pairs:
        raise ValueError(f"The list {source!r} names no picture.")
    paths, classes = zip(*pairs, strict=True)
    return Part(np.array(paths, object), np.array(classes))


def _part(bunch: Any) -> Part:
    _tell_skipped(bunch.skipped)
    return Part(bunch.data, bunch.target)


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
        raise_unreadable(embedded.failures)
    tell_unreadable(embedded.failures, len(part.paths))
    return embedded.rows[readable], part.at(readable), embedded


def chunks(paths: list[str], *, silent: bool = False) -> Iterator[list[str]]:
    """Hand out paths, so few at a time that memory does not grow with their number.

    A bar tells how far it is where standard error is a terminal.
    """
    from tqdm.auto import tqdm

    with tqdm(
        total=len(paths), unit="picture", disable=True if silent else None
    ) as progress:
        for start in range(0, len(paths), _AT_ONCE):
            chunk = paths[start : start + _AT_ONCE]
            yield chunk
            progress.update(len(chunk))


def check_headers(paths: Sequence[str] | np.ndarray, n_jobs: int | None) -> None:
    """Refuse what is certainly unreadable now, not after hours of the others."""
    from skresnet.embedding import unreadable_headers
    from skresnet.reading import as_pictures

    if failures := unreadable_headers(as_pictures(paths), n_jobs=n_jobs):
        raise_unreadable(failures)


def tell_unreadable(failures: Sequence[Failure], n_pictures: int) -> None:
    """Count and list the pictures that were left out."""
    if failures:
        say(
            f"Left out {len(failures)} of {n_pictures} pictures, which cannot be "
            f"read:\n{_lines(failures)}",
            err=True,
        )


def raise_unreadable(failures: Sequence[Failure]) -> NoReturn:
    """Raise the error that names all pictures that cannot be read."""
    from skresnet.text import counted

    raise click.ClickException(
        f"{counted(len(failures), 'picture')} cannot be read:\n{_lines(failures)}\n"
        "Mend or remove them, or leave them out with --on-error skip."
    )


def _lines(failures: Iterable[Failure]) -> str:
    from skresnet.text import shown

    return "\n".join(
        f"  {shown(failure.path)}: {failure.cause}" for failure in failures
    )

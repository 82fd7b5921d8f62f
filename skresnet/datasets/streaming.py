"""Pictures listed as a stream of parts, in the order of their paths.

A million names are never waited for: the first part is there once the folders that it
lies in are listed. What is listed ahead is bounded, and so is the memory for it.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import count, islice
from pathlib import Path
from queue import Queue
from threading import Event, Thread
from typing import Any, NamedTuple

from skresnet.datasets.bunches import class_name
from skresnet.datasets.columns import PARAMETERS, read_columns
from skresnet.datasets.elsewhere import Place, is_elsewhere, name_of
from skresnet.datasets.table import splits_of_rows
from skresnet.datasets.walk import (
    CAUSES,
    existing_folder,
    folder_identity,
    list_folder,
)
from skresnet.text import counted

# Parts of 256 are a quarter of a million pictures.
_PARTS_AHEAD = 1024


class Listing(NamedTuple):
    """One picture: where it is, and what is known of it."""

    path: Place
    class_: str | None
    split: str | None
    group: str | None


class Part(NamedTuple):
    """Some pictures in the order of the listing, which are embedded together."""

    number: int
    pictures: list[Listing]

    @property
    def name(self) -> str:
        """The name of its file, which no other number or pictures have."""
        digest = hashlib.sha256()
        for picture in self.pictures:
            cells = ("" if cell is None else str(cell) for cell in picture)
            digest.update("\0".join([*cells, "\n"]).encode("utf-8", "surrogatepass"))
        return f"part-{self.number:06}-{digest.hexdigest()[:8]}.parquet"


class FolderStream:
    """The pictures below some folders, one after the other, as they are found.

    Parameters
    ----------
    tops : iterable of (folder, split)
        The folders, and the split that each one is or None. In them lie the folders
        of classes.

    find_groups : callable
        Takes paths and the folder they are in, returns their groups or None.
    """

    def __init__(
        self,
        tops: Iterable[tuple[Place, str | None]],
        find_groups: Callable[[list[Place], Place], Any],
    ) -> None:
        self._tops = [
            (os.path.abspath(top) if isinstance(top, str) else top, split)  # noqa: PTH100 - of links
            for top, split in tops
        ]
        self._find_groups = find_groups
        self.left_out: Counter[str] = Counter()

    def __iter__(self) -> Iterator[Listing]:
        self.left_out.clear()
        for top, split in self._tops:
            found = self._below(top)
            # Some at a time, as finders of groups name several that have none.
            while chunk := list(islice(found, 256)):
                groups = self._find_groups([path for path, _ in chunk], top)
                for row, (path, name) in enumerate(chunk):
                    group = None if groups is None else str(groups[row])
                    yield Listing(path, name, split, group)

    def describe_left_out(self) -> str:
        """Count in words what was no picture; empty where there was nothing."""
        return ", ".join(
            counted(number, *CAUSES[cause]) for cause, number in self.left_out.items()
        )

    def _below(self, top: Place) -> Iterator[tuple[Place, str | None]]:
        """Walk in the order of whole paths, each folder listed when its turn comes."""
        seen = set()
        waiting: list[tuple[Place, bool, str | None]] = [(top, True, None)]
        while waiting:
            place, is_folder, name = waiting.pop()
            if not is_folder:
                yield place, name
                continue
            identity = folder_identity(place)
            if identity in seen:
                self.left_out["repeated_folder"] += 1
                continue
            seen.add(identity)
            here = list_folder(place)
            for cause, paths in here.skipped.items():
                if paths:
                    self.left_out[cause] += len(paths)
            inside = [(path, False, name) for path in here.images]
            inside += [
                (path, True, name or class_name(name_of(path))) for path in here.folders
            ]
            # A folder comes where the paths in it come, of which the next character
            # is a slash.
            inside.sort(key=lambda entry: f"{entry[0]}/" if entry[1] else str(entry[0]))
            waiting += reversed(inside)


class TableStream:
    """The pictures of a table, in its order.

    The table is read at once. Whether the files that it names are there is seen when
    their turn comes.

    Parameters
    ----------
    table : path
        The table.

    root : str, path-like, ``upath.UPath`` or None
        What its paths are relative to; None is its folder.

    chosen : mapping of str to str or None
        The name of the column for each role, None to find it by its usual names.

    spoken : mapping of str to str
        What lets a caller choose them, for errors.
    """

    def __init__(
        self,
        table: Any,
        chosen: Mapping[str, str | None],
        *,
        root: Any = None,
        spoken: Mapping[str, str] = PARAMETERS,
    ) -> None:
        self._columns = read_columns(table, chosen, required=("path",), spoken=spoken)
        self._splits = splits_of_rows(self._columns)
        folder = self._columns.folder if root is None else existing_folder(root)
        self._folder = Path(folder).absolute() if not is_elsewhere(folder) else folder

    def __iter__(self) -> Iterator[Listing]:
        cells = self._columns.cells
        unknown = [None] * len(cells["path"])
        for path, name, split, group in zip(
            cells["path"],
            cells.get("class", unknown),
            self._splits or unknown,
            cells.get("group", unknown),
            strict=True,
        ):
            place = self._folder / path
            yield Listing(
                place if is_elsewhere(place) else str(place),
                None if name is None else class_name(name.strip()),
                split,
                group,
            )

    def describe_left_out(self) -> str:
        """Say nothing: all rows of a table are pictures."""
        return ""


def in_parts(listings: Iterable[Listing], size: int) -> Iterator[Part]:
    """Divide pictures into parts."""
    iterator = iter(listings)
    for number in count():
        pictures = list(islice(iterator, size))
        if not pictures:
            return
        yield Part(number, pictures)


class ListedAhead:
    """Parts listed by a thread of its own, ahead of whoever takes them.

    Parameters
    ----------
    parts : iterator of Part
        All parts.

    shard : tuple of int
        Which of them to hand out: of (i, n), every n-th from the i-th on.

    Attributes
    ----------
    n_parts : int
        Parts listed so far, of all shards.

    n_pictures : int
        Pictures listed so far in the parts to be handed out.

    has_ended : bool
        Whether these are all.
    """

    def __init__(self, parts: Iterator[Part], shard: tuple[int, int]) -> None:
        self.n_parts = 0
        self.n_pictures = 0
        self.has_ended = False
        self._parts = parts
        self._shard = shard
        self._queue: Queue[Part | BaseException | None] = Queue(_PARTS_AHEAD)
        self._stopped = Event()
        Thread(target=self._list, name="skresnet-listing", daemon=True).start()

    def is_own(self, number: int) -> bool:
        """Tell whether a part of that number is to be handed out."""
        index, n_shards = self._shard
        return number % n_shards == index - 1

    def take(self) -> Part | None:
        """Take the next part, and wait for it; None where there are no more."""
        part = self._queue.get()
        if isinstance(part, BaseException):
            raise part
        return part

    def stop(self) -> None:
        """List no more."""
        self._stopped.set()
        while not self._queue.empty():  # so that the thread, if it waits, goes on
            self._queue.get_nowait()

    def _list(self) -> None:
        last: BaseException | None = None
        try:
            for part in self._parts:
                if self._stopped.is_set():
                    return
                self.n_parts += 1
                if self.is_own(part.number):
                    self.n_pictures += len(part.pictures)
                    self._queue.put(part)
        except BaseException as error:  # which belongs to whoever takes the parts
            last = error
        self.has_ended = last is None
        self._queue.put(last)

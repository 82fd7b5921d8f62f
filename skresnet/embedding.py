"""One pass over pictures: reading, cache and backbone joined."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from itertools import islice
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from tqdm.auto import tqdm

from skresnet.backbone import load_backbone
from skresnet.plan import Plan
from skresnet.reading import Failure, Picture, UnreadableImageError, map_ahead
from skresnet.shelf import Shelf
from skresnet.warn import warn_user

_LOOKED_UP_AT_ONCE = 256
_NAMED_IN_WARNINGS = 3


class _Progress(tqdm):
    """A progress bar without tqdm's thread, which would outlive the call."""

    monitor_interval = 0


class Prepared(NamedTuple):
    """A picture on its way to the backbone."""

    position: int
    digest: bytes
    pixels: NDArray[np.generic]


T = TypeVar("T")
P = TypeVar("P", Picture, Prepared)


class Embedding:
    """The rows of some pictures, and what it took to get them.

    Parameters
    ----------
    pictures : sequence of Picture
        What to embed.

    plan : Plan
        How.

    around_batch : callable, default=nullcontext
        Makes the context in which a batch goes through the backbone.

    Attributes
    ----------
    rows : ndarray of shape (n_pictures, n_features), float32
        One row a picture, in their order; NaN where there is none.

    n_cached, n_computed, n_duplicates : int
        How many rows came from the cache, from the backbone, and from another picture
        of the same content.

    failures : list of Failure
        The pictures that cannot be read.
    """

    def __init__(
        self,
        pictures: Sequence[Picture],
        plan: Plan,
        around_batch: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        shape = (len(pictures), plan.spec.n_features)
        self.rows = np.full(shape, np.nan, np.float32)
        self.n_cached = self.n_computed = self.n_duplicates = 0
        self.failures: list[Failure] = []
        self._pictures = pictures
        self._plan = plan
        self._around_batch = around_batch
        self._shelf = Shelf(plan.cache, plan.settings)
        self._suspicions: dict[int, str] = {}

    def run(self) -> NDArray[np.float32]:
        """Fill the rows and return them.

        Raises
        ------
        UnreadableImageError
            If pictures cannot be read and ``on_error`` is ``"raise"``. The error names
            all of them; the rows of the others are in the cache, where there is one.
        """
        with _Progress(
            total=len(self._pictures), unit="picture", disable=not self._plan.verbose
        ) as self._progress:
            missing = self._looked_up() if self._shelf.is_open else self._pictures
            self._compute(self._headers_checked(missing))
        if self._plan.verbose:
            print(self._report())
        if self._suspicions:
            self._warn_of_suspicions()
        if self.failures:
            self._face_failures()
        return self.rows

    def _looked_up(self) -> list[Picture]:
        """Take rows from the cache; return the pictures it does not have."""
        missing = []
        with self._ahead(
            self._digested, self._pictures, _LOOKED_UP_AT_ONCE
        ) as digested:
            for chunk in _chunks(digested, _LOOKED_UP_AT_ONCE):
                pictures, digests = zip(*chunk, strict=True)
                rows = self._shelf.get(digests)
                missing += self._taken(pictures, rows)
        return missing

    def _headers_checked(self, pictures: Sequence[Picture]) -> list[Picture]:
        """Find what cannot be read before the network runs; return the others."""
        with self._ahead(_checked, pictures, 4 * self._plan.batch_size) as checked:
            return list(checked)

    def _compute(self, pictures: Sequence[Picture]) -> None:
        """Send pictures through the backbone, each content once."""
        size = self._plan.batch_size
        first_of: dict[bytes, int] = {}
        copies: list[tuple[int, int]] = []

        def new_contents(prepared: Iterable[Prepared]) -> Iterator[Prepared]:
            for item in prepared:
                first = first_of.setdefault(item.digest, item.position)
                if first == item.position:
                    yield item
                else:
                    copies.append((item.position, first))

        with self._ahead(self._prepared, pictures, 2 * size) as prepared:
            for batch in _chunks(new_contents(prepared), size):
                if self._is_worth_computing:
                    self._embed(batch)
        for position, first in copies:
            self.rows[position] = self.rows[first]
        self.n_duplicates = len(copies)
        self._progress.update(len(copies))

    @property
    def _is_worth_computing(self) -> bool:
        """Whether new rows will reach anybody, or die with the error to come."""
        return not self.failures or self._plan.on_error == "nan" or self._shelf.is_open

    def _embed(self, batch: list[Prepared]) -> None:
        """Compute the rows of a batch, but those that another process has stored."""
        # Before the turn: others need not wait while this process builds its own.
        backbone = load_backbone(self._plan.spec)
        with self._around_batch(), self._shelf.turn():
            known = self._shelf.get([item.digest for item in batch])
            missing = self._taken(batch, known)
            if missing:
                rows = backbone(np.stack([item.pixels for item in missing]))
                self.rows[[item.position for item in missing]] = rows
                self._shelf.put([item.digest for item in missing], rows)
                self.n_computed += len(missing)
                self._progress.update(len(missing))

    def _taken(
        self, items: Sequence[P], rows: Sequence[NDArray[np.float32] | None]
    ) -> list[P]:
        """Take the rows that the cache had; return the items without one."""
        missing = []
        for item, row in zip(items, rows, strict=True):
            if row is None:
                missing.append(item)
            else:
                self.rows[item.position] = row
        found = len(items) - len(missing)
        self.n_cached += found
        self._progress.update(found)
        return missing

    def _digested(self, picture: Picture) -> tuple[Picture, bytes]:
        content = picture.load()
        self._note(picture, content.suspicion())
        return picture, content.digest()

    def _prepared(self, picture: Picture) -> Prepared:
        content = picture.load()
        self._note(picture, content.suspicion())
        return Prepared(
            picture.position, content.digest(), content.pixels(self._plan.treatment)
        )

    def _note(self, picture: Picture, suspicion: str | None) -> None:
        if suspicion:
            self._suspicions[picture.position] = f"{picture.label}: {suspicion}"

    @contextmanager
    def _ahead(
        self, function: Callable[[Picture], T], pictures: Sequence[Picture], ahead: int
    ) -> Iterator[Iterator[T]]:
        """Work ahead in threads, and note the pictures that cannot be read."""

        def attempt(picture: Picture) -> T | UnreadableImageError:
            try:
                return function(picture)
            except UnreadableImageError as error:
                return error

        def readable(results: Iterable[T | UnreadableImageError]) -> Iterator[T]:
            for result in results:
                if isinstance(result, UnreadableImageError):
                    self.failures += result.failures
                    self._progress.update()
                else:
                    yield result

        # Closed at the end of the block, so that no thread outlives an exception.
        with closing(
            map_ahead(attempt, pictures, n_jobs=self._plan.n_jobs, ahead=ahead)
        ) as results:
            yield readable(results)

    def _report(self) -> str:
        unreadable = f", {len(self.failures)} unreadable" if self.failures else ""
        return (
            f"{len(self._pictures)} pictures: {self.n_cached} from the cache, "
            f"{self.n_computed} computed, {self.n_duplicates} duplicates{unreadable}."
        )

    def _warn_of_suspicions(self) -> None:
        named = [self._suspicions[position] for position in sorted(self._suspicions)]
        warn_user(f"Suspicious values in {_counted(named)}: {_few(named)}.")

    def _face_failures(self) -> None:
        error = UnreadableImageError(self.failures)
        if self._plan.on_error == "raise":
            raise error
        named = [str(failure) for failure in error.failures]
        warn_user(
            f"A row of NaN stands for {_counted(named)} that cannot be read: "
            f"{_few(named)}."
        )


def _checked(picture: Picture) -> Picture:
    picture.check()
    return picture


def _chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk


def _counted(pictures: list[str]) -> str:
    return "1 picture" if len(pictures) == 1 else f"{len(pictures)} pictures"


def _few(texts: list[str]) -> str:
    more = len(texts) - _NAMED_IN_WARNINGS
    return "; ".join(texts[:_NAMED_IN_WARNINGS]) + (
        f"; and {more} more" if more > 0 else ""
    )

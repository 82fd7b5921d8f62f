"""One pass over pictures: reading, cache and backbone joined."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import asdict, dataclass
from itertools import islice
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from tqdm.auto import tqdm

from skresnet.backbone import BackboneSpec, load_backbone
from skresnet.cache import EmbeddingCache
from skresnet.reading import (
    Failure,
    Picture,
    Treatment,
    UnreadableImageError,
    map_ahead,
)
from skresnet.shelf import Shelf

# Raised whenever other features come of the same picture and settings, so that rows
# of an earlier version are not taken from a cache.
FEATURES_VERSION = 1

_LOOKED_UP_AT_ONCE = 256
_NAMED_IN_WARNINGS = 3

T = TypeVar("T")


@dataclass(frozen=True)
class Plan:
    """How to turn pictures into rows."""

    spec: BackboneSpec
    treatment: Treatment
    batch_size: int
    n_jobs: int | None
    on_error: str
    cache: EmbeddingCache | None
    verbose: int

    @property
    def settings(self) -> str:
        """All that decides a row besides the content of the picture."""
        decisive = {**asdict(self.spec), **asdict(self.treatment)}
        # Equal weights are equal wherever their file lies.
        decisive["weights"] = self.spec.weights.digest
        return json.dumps({**decisive, "version": FEATURES_VERSION}, sort_keys=True)


class Prepared(NamedTuple):
    """A picture on its way to the backbone."""

    picture: Picture
    digest: bytes
    pixels: NDArray[np.generic]
    suspicion: str | None


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
        One row a picture, in their order.

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
        self.rows = np.empty((len(pictures), plan.spec.n_features), np.float32)
        self.n_cached = self.n_computed = self.n_duplicates = 0
        self.failures: list[Failure] = []
        self._pictures = pictures
        self._plan = plan
        self._around_batch = around_batch
        self._shelf = Shelf(plan.cache, plan.settings)
        self._suspicions: list[str] = []

    def run(self) -> NDArray[np.float32]:
        """Fill the rows and return them.

        Raises
        ------
        UnreadableImageError
            If pictures cannot be read and ``on_error`` is ``"raise"``. The error names
            all of them; the rows of the others are in the cache, where there is one.
        """
        with tqdm(
            total=len(self._pictures), unit="picture", disable=not self._plan.verbose
        ) as self._progress:
            self._compute(self._headers_checked(self._looked_up(self._pictures)))
        if self._plan.verbose:
            print(self._report())
        self._warn_of_suspicions()
        if self.failures:
            self._face_failures()
        return self.rows

    def _looked_up(self, pictures: Sequence[Picture]) -> list[Picture]:
        """Take rows from the cache; return the pictures it does not have."""
        if not self._shelf.is_open:
            return list(pictures)
        missing = []
        for chunk in _chunks(
            self._ahead(_digested, pictures, _LOOKED_UP_AT_ONCE), _LOOKED_UP_AT_ONCE
        ):
            rows = self._shelf.get([digest for _, digest in chunk])
            for (picture, _), row in zip(chunk, rows, strict=True):
                if row is None:
                    missing.append(picture)
                else:
                    self._take_cached(picture, row)
        return missing

    def _headers_checked(self, pictures: Sequence[Picture]) -> list[Picture]:
        """Find what cannot be read before the network runs; return the others."""
        return list(self._ahead(_checked, pictures, 4 * self._plan.batch_size))

    def _compute(self, pictures: Sequence[Picture]) -> None:
        """Send pictures through the backbone, each content once."""
        first_of: dict[bytes, int] = {}
        copies: list[tuple[int, int]] = []

        def new_contents() -> Iterator[Prepared]:
            for item in self._ahead(
                self._prepared, pictures, 2 * self._plan.batch_size
            ):
                position = item.picture.position
                first = first_of.setdefault(item.digest, position)
                if first != position:
                    copies.append((position, first))
                    continue
                if item.suspicion:
                    self._suspicions.append(f"{item.picture.label} {item.suspicion}")
                yield item

        for batch in _chunks(new_contents(), self._plan.batch_size):
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
        with self._shelf.turn(), self._around_batch():
            known = self._shelf.get([item.digest for item in batch])
            missing = []
            for item, row in zip(batch, known, strict=True):
                if row is None:
                    missing.append(item)
                else:
                    self._take_cached(item.picture, row)
            if missing:
                backbone = load_backbone(self._plan.spec)
                rows = backbone(np.stack([item.pixels for item in missing]))
                self.rows[[item.picture.position for item in missing]] = rows
                self._shelf.put([item.digest for item in missing], rows)
                self.n_computed += len(missing)
                self._progress.update(len(missing))

    def _take_cached(self, picture: Picture, row: NDArray[np.float32]) -> None:
        self.rows[picture.position] = row
        self.n_cached += 1
        self._progress.update()

    def _prepared(self, picture: Picture) -> Prepared:
        content = picture.load()
        return Prepared(
            picture,
            content.digest(),
            content.pixels(self._plan.treatment),
            content.suspicion(),
        )

    def _ahead(
        self, function: Callable[[Picture], T], pictures: Iterable[Picture], ahead: int
    ) -> Generator[T]:
        """Work ahead in threads, and note the pictures that cannot be read."""

        def attempt(picture: Picture) -> T | UnreadableImageError:
            try:
                return function(picture)
            except UnreadableImageError as error:
                return error

        results = map_ahead(attempt, pictures, n_jobs=self._plan.n_jobs, ahead=ahead)
        with closing(results):
            for result in results:
                if isinstance(result, UnreadableImageError):
                    self.failures += result.failures
                    self._progress.update()
                else:
                    yield result

    def _report(self) -> str:
        unreadable = f", {len(self.failures)} unreadable" if self.failures else ""
        return (
            f"{len(self._pictures)} pictures: {self.n_cached} from the cache, "
            f"{self.n_computed} computed, {self.n_duplicates} duplicates{unreadable}."
        )

    def _warn_of_suspicions(self) -> None:
        if self._suspicions:
            warnings.warn(
                f"{len(self._suspicions)} pictures have suspicious values. "
                + "; ".join(self._suspicions[:_NAMED_IN_WARNINGS]),
                stacklevel=2,
            )

    def _face_failures(self) -> None:
        error = UnreadableImageError(self.failures)
        if self._plan.on_error == "raise":
            raise error
        self.rows[[failure.position for failure in error.failures]] = np.nan
        named = "; ".join(map(str, error.failures[:_NAMED_IN_WARNINGS]))
        more = len(error.failures) - _NAMED_IN_WARNINGS
        warnings.warn(
            f"{len(error.failures)} pictures cannot be read and get a row of NaN: "
            f"{named}{f'; and {more} more' if more > 0 else ''}.",
            stacklevel=2,
        )


def _digested(picture: Picture) -> tuple[Picture, bytes]:
    return picture, picture.load().digest()


def _checked(picture: Picture) -> Picture:
    picture.check()
    return picture


def _chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk

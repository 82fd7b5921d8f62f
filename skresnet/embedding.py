"""One pass over pictures: reading, cache and backbone joined; rows and failures."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import (
    AbstractContextManager,
    ExitStack,
    closing,
    contextmanager,
    nullcontext,
)
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Any, NamedTuple, TypeVar

import numpy as np
from joblib import effective_n_jobs, parallel_config
from numpy.typing import NDArray

from skresnet.backbone import BackboneSettings, load_backbone, most_threads
from skresnet.cache import (
    CacheFormatError,
    CacheUnavailableError,
    CacheWarning,
    EmbeddingCache,
)
from skresnet.progress import Bar, leave_line
from skresnet.reading import (
    Failure,
    Picture,
    PictureError,
    Resizing,
    UnreadableImageError,
    failure_of,
)
from skresnet.text import counted
from skresnet.warn import warn_user

# Raised whenever other features come of the same picture and settings, so that rows
# of an earlier version are not taken from a cache.
FEATURES_VERSION = 2

_LOOKED_UP_AT_ONCE = 256
_NAMED_IN_WARNINGS = 3

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class EmbeddingSettings:
    """How pictures become rows."""

    backbone: BackboneSettings
    resizing: Resizing
    batch_size: int
    n_jobs: int | None
    cache: EmbeddingCache | None
    verbose: int

    @property
    def cache_key(self) -> str:
        """All that decides a row besides the content of the picture, as text."""
        decisive = {**asdict(self.backbone), **asdict(self.resizing)}
        # Equal weights are equal wherever their file lies.
        decisive["weights"] = self.backbone.weights.digest
        decisive["version"] = FEATURES_VERSION
        if self.backbone.precision == "int8":
            decisive["calibration"] = self.backbone.calibration
        if self.backbone.weights.network != "resnet50":  # the only one there once was
            decisive["network"] = self.backbone.weights.network
        return json.dumps(decisive, sort_keys=True)


@dataclass
class Embedded:
    """What came of a pass over pictures.

    Attributes
    ----------
    rows : ndarray of shape (n_pictures, n_features), float32
        One row a picture, in their order; NaN where there is none.

    failures : list of Failure
        The pictures that cannot be read, in their order.

    digests : dict of int to bytes
        What stands for the content of a picture that could be read, by its position.

    n_cached, n_computed, n_duplicates : int
        How many rows came from the cache, from the backbone, and from another picture
        of the same content.
    """

    rows: NDArray[np.float32]
    failures: list[Failure] = field(default_factory=list)
    digests: dict[int, bytes] = field(default_factory=dict)
    n_cached: int = 0
    n_computed: int = 0
    n_duplicates: int = 0

    @property
    def readable(self) -> NDArray[np.intp]:
        """The positions of the pictures that can be read."""
        unreadable = [failure.position for failure in self.failures]
        return np.delete(np.arange(len(self.rows)), unreadable)

    def complete_rows(self, on_error: str) -> NDArray[np.float32]:
        """Return all rows, after raising, or warning of, the failures among them.

        Raises
        ------
        UnreadableImageError
            If there are failures and ``on_error`` is ``"raise"``.
        """
        if self.failures:
            if on_error == "raise":
                raise UnreadableImageError(self.failures)
            named = [str(failure) for failure in self.failures]
            warn_user(
                f"A row of NaN stands for {counted(len(named), 'picture')} that cannot "
                f"be read: {_few(named)}."
            )
        return self.rows

    def __str__(self) -> str:
        unreadable = f", {len(self.failures)} unreadable" if self.failures else ""
        return (
            f"{len(self.rows)} pictures: {self.n_cached} from the cache, "
            f"{self.n_computed} computed, {self.n_duplicates} duplicates{unreadable}."
        )


def embed(
    pictures: Sequence[Picture],
    settings: EmbeddingSettings,
    *,
    in_vain_after_failure: bool = False,
    around_batch: Callable[[], AbstractContextManager[None]] = nullcontext,
    in_turns: bool = True,
) -> Embedded:
    """Pass over pictures once: read them, look them up, compute what is missing.

    Parameters
    ----------
    pictures : sequence of Picture
        What to embed.

    settings : EmbeddingSettings
        How.

    in_vain_after_failure : bool, default=False
        Whether the caller has no use for rows once a picture cannot be read. Nothing
        more is then computed, unless a cache keeps it for the next call.

    around_batch : callable, default=nullcontext
        Makes the context in which a batch goes through the backbone.

    in_turns : bool, default=True
        Whether processes that share a cache compute in turns, as those should that
        may have the same pictures.

    Returns
    -------
    embedded : Embedded
        Rows and failures.
    """
    with Bar(
        total=len(pictures),
        unit="picture",
        disable=not settings.verbose,
        leave=False,  # the line below stays
    ) as progress:
        embedded = _Pass(
            pictures, settings, in_vain_after_failure, around_batch, progress, in_turns
        ).run()
    if settings.verbose:
        leave_line(embedded)
    return embedded


def unreadable_headers(
    pictures: Sequence[Picture], *, n_jobs: int | None = None
) -> list[Failure]:
    """Find the pictures whose header already tells that they cannot be read.

    Parameters
    ----------
    pictures : sequence of Picture
        What to look at; nothing is decoded.

    n_jobs : int or None, default=None
        Threads that read, as joblib counts.

    Returns
    -------
    failures : list of Failure
        In the order of the pictures.
    """
    attempts = map_ahead(
        attempting(_checked), pictures, n_jobs=n_jobs, ahead=_LOOKED_UP_AT_ONCE
    )
    with closing(attempts):
        return [failure for failure in attempts if isinstance(failure, Failure)]


class Prepared(NamedTuple):
    """A picture on its way to the backbone."""

    position: int
    digest: bytes
    pixels: NDArray[np.generic]


P = TypeVar("P", Picture, Prepared)


class _Pass:
    """The state of one pass; see `embed`."""

    def __init__(
        self,
        pictures: Sequence[Picture],
        settings: EmbeddingSettings,
        in_vain_after_failure: bool,
        around_batch: Callable[[], AbstractContextManager[None]],
        progress: Any,
        in_turns: bool,
    ) -> None:
        shape = (len(pictures), settings.backbone.n_features)
        self._result = Embedded(np.full(shape, np.nan, np.float32))
        self._pictures = pictures
        self._settings = settings
        self._in_vain_after_failure = in_vain_after_failure
        self._around_batch = around_batch
        self._progress = progress
        self._cache = _CallCache(
            settings.cache, settings.cache_key, settings.backbone.n_features
        )
        self._turn = self._cache.lock if in_turns else nullcontext
        self._suspicions: dict[int, str] = {}

    def run(self) -> Embedded:
        """Fill the rows and gather the failures."""
        missing = self._looked_up() if self._cache.is_open else self._pictures
        self._compute(self._headers_checked(missing))
        self._result.failures.sort(key=lambda failure: failure.position)
        if self._suspicions:
            named = [
                self._suspicions[position] for position in sorted(self._suspicions)
            ]
            warn_user(
                f"Suspicious values in {counted(len(named), 'picture')}: {_few(named)}."
            )
        return self._result

    def _looked_up(self) -> list[Picture]:
        """Take rows from the cache; return the pictures it does not have."""
        missing = []
        with self._ahead(
            self._digested, self._pictures, _LOOKED_UP_AT_ONCE
        ) as digested:
            for chunk in _chunks(digested, _LOOKED_UP_AT_ONCE):
                pictures, digests = zip(*chunk, strict=True)
                positions = (picture.position for picture in pictures)
                self._result.digests.update(zip(positions, digests, strict=True))
                rows = self._cache.get(digests)
                missing += self._taken(pictures, rows)
        return missing

    def _headers_checked(self, pictures: Sequence[Picture]) -> list[Picture]:
        """Find what cannot be read before the network runs; return the others."""
        with self._ahead(_checked, pictures, 4 * self._settings.batch_size) as checked:
            return list(checked)

    def _compute(self, pictures: Sequence[Picture]) -> None:
        """Send pictures through the backbone, each content once."""
        size = self._settings.batch_size
        first_of: dict[bytes, int] = {}
        copies: list[tuple[int, int]] = []

        def new_contents(prepared: Iterable[Prepared]) -> Iterator[Prepared]:
            for item in prepared:
                self._result.digests[item.position] = item.digest
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
            self._result.rows[position] = self._result.rows[first]
        self._result.n_duplicates = len(copies)
        self._progress.update(len(copies))

    @property
    def _is_worth_computing(self) -> bool:
        """Whether new rows will reach anybody, or die with the error to come."""
        in_vain = self._in_vain_after_failure and bool(self._result.failures)
        return self._cache.is_open or not in_vain

    def _embed(self, batch: list[Prepared]) -> None:
        """Compute the rows of a batch, but those that another process has stored."""
        # Before the lock: others need not wait while this process builds its own.
        backbone = load_backbone(self._settings.backbone)
        with self._around_batch(), self._turn():
            known = self._cache.get([item.digest for item in batch])
            missing = self._taken(batch, known)
            if missing:
                rows = backbone(np.stack([item.pixels for item in missing]))
                self._result.rows[[item.position for item in missing]] = rows
                self._cache.put([item.digest for item in missing], rows)
                self._result.n_computed += len(missing)
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
                self._result.rows[item.position] = row
        found = len(items) - len(missing)
        self._result.n_cached += found
        self._progress.update(found)
        return missing

    def _digested(self, picture: Picture) -> tuple[Picture, bytes]:
        content = picture.load()
        self._note(picture, content.suspicion())
        return picture, content.digest()

    def _prepared(self, picture: Picture) -> Prepared:
        content = picture.load()
        pixels = content.pixels(self._settings.resizing)
        self._note(picture, content.suspicion())
        return Prepared(picture.position, content.digest(), pixels)

    def _note(self, picture: Picture, suspicion: str | None) -> None:
        if suspicion:
            self._suspicions[picture.position] = f"{picture.label}: {suspicion}"

    @contextmanager
    def _ahead(
        self, function: Callable[[Picture], T], pictures: Sequence[Picture], ahead: int
    ) -> Iterator[Iterator[T]]:
        """Work ahead in threads, and gather the pictures that cannot be read."""

        def readable(results: Iterable[T | Failure]) -> Iterator[T]:
            for result in results:
                if isinstance(result, Failure):
                    self._result.failures.append(result)
                    self._progress.update()
                else:
                    yield result

        attempts = map_ahead(
            attempting(function), pictures, n_jobs=self._settings.n_jobs, ahead=ahead
        )
        # Closed at the end of the block, so that no thread outlives an exception.
        with closing(attempts):
            yield readable(attempts)


class _CallCache:
    """The cache as one call sees it: rows that are there, and a place for new ones.

    A cache that cannot be used is a loss of time, not of results: the first failure
    gives a warning and the call goes on without it. Only a store of another format is
    an error, since going on would hide it for ever.

    Parameters
    ----------
    cache : EmbeddingCache or None
        The cache; None has no rows and forgets new ones.

    settings : str
        All that decides a row besides the content of the picture.

    n_features : int
        The length of a row.
    """

    def __init__(
        self, cache: EmbeddingCache | None, settings: str, n_features: int
    ) -> None:
        self._cache = cache
        self._settings = settings
        self._n_features = n_features

    @property
    def is_open(self) -> bool:
        """Whether new rows are kept."""
        return self._cache is not None

    def get(self, digests: Sequence[bytes]) -> list[NDArray[np.float32] | None]:
        """Return the row of each picture, or None."""
        nothing: list[NDArray[np.float32] | None] = [None] * len(digests)
        return self._unless_unavailable(
            lambda cache: cache.get_many(
                self._settings, digests, n_features=self._n_features
            ),
            nothing,
        )

    def put(self, digests: Sequence[bytes], rows: NDArray[np.float32]) -> None:
        """Keep the rows of some pictures."""
        named = dict(zip(digests, rows, strict=True))
        self._unless_unavailable(
            lambda cache: cache.put_many(self._settings, named), None
        )

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Be the only one who computes these rows, where that is possible.

        Processes that embed the same pictures at once, as the workers of a grid search
        do, would otherwise compute the same batches at the same time. In turns, each
        finds what the others have stored; the processor is shared either way.
        """
        with ExitStack() as stack:
            self._unless_unavailable(
                lambda cache: stack.enter_context(cache.lock(self._settings)), False
            )
            yield

    def _unless_unavailable(
        self, action: Callable[[EmbeddingCache], T], otherwise: T
    ) -> T:
        if self._cache is None:
            return otherwise
        try:
            return action(self._cache)
        except CacheFormatError:
            raise
        except CacheUnavailableError as error:
            self._cache = None
            warn_user(
                f"Going on without the embedding cache for this call: {error}",
                CacheWarning,
            )
            return otherwise


def map_ahead(
    function: Callable[[T], R],
    items: Iterable[T],
    *,
    n_jobs: int | None = None,
    ahead: int,
) -> Generator[R]:
    """Apply a function to items in threads, some way ahead of the consumer.

    Parameters
    ----------
    function : callable
        Called with one item, in any of the threads.
    items : iterable
        Pulled one by one in the consumer's thread, never more than ``ahead`` before
        the result last handed out.
    n_jobs : int or None, default=None
        Number of threads, as joblib counts it: None is 1 unless a
        ``joblib.parallel_config`` says otherwise, -1 is one per processor. In a worker
        of Dask, no more than it has.
    ahead : int
        Most items in work or finished and not handed out yet, at least 1.

    Yields
    ------
    result
        What the function returns, in the order of the items.

    Raises
    ------
    ValueError
        If ``ahead`` is below 1 or ``n_jobs`` is 0.
    Exception
        Whatever ``function`` or ``items`` raises, when its turn comes.

    Notes
    -----
    When the generator ends, fails or is closed, calls not begun are cancelled and those
    begun are waited for, so that no thread stays behind. A consumer that may fail
    halfway closes it with :func:`contextlib.closing`.
    """
    if ahead < 1:
        raise ValueError(f"ahead is {ahead}; expected at least 1")
    waiting: deque[Future[R]] = deque()
    # These are no processes, which a worker of Dask, a daemon, could not have.
    with parallel_config(backend="threading"):
        n_threads = effective_n_jobs(n_jobs)
    n_threads = min(n_threads, most_threads() or n_threads)
    pool = ThreadPoolExecutor(n_threads, "skresnet-reading")
    try:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) == ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def attempting(
    function: Callable[[Picture], T],
) -> Callable[[Picture], T | Failure]:
    """Let a function of a picture return, not raise, that it cannot be read."""

    def attempt(picture: Picture) -> T | Failure:
        try:
            return function(picture)
        except PictureError as error:
            return failure_of(picture, error)

    return attempt


def _checked(picture: Picture) -> Picture:
    picture.check()
    return picture


def _chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk


def _few(texts: list[str]) -> str:
    more = len(texts) - _NAMED_IN_WARNINGS
    return "; ".join(texts[:_NAMED_IN_WARNINGS]) + (
        f"; and {more} more" if more > 0 else ""
    )

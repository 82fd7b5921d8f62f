"""The cache as one call of ``transform`` sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from skresnet.cache import (
    CacheFormatError,
    CacheUnavailableError,
    CacheWarning,
    EmbeddingCache,
)
from skresnet.warn import warn_user

T = TypeVar("T")


class Shelf:
    """Rows that are already there, and a place for new ones, if there is a cache.

    A cache that cannot be used is a loss of time, not of results: the first failure
    gives a warning and the call goes on without it. Only a store of another format is
    an error, since going on would hide it for ever.

    Parameters
    ----------
    cache : EmbeddingCache or None
        The cache; None has no rows and forgets new ones.

    settings : str
        All that decides a row besides the content of the picture.
    """

    def __init__(self, cache: EmbeddingCache | None, settings: str) -> None:
        self._cache = cache
        self._settings = settings
        self._takes_turns = True

    @property
    def is_open(self) -> bool:
        """Whether new rows are kept."""
        return self._cache is not None

    def get(self, digests: Sequence[bytes]) -> list[NDArray[np.float32] | None]:
        """Return the row of each picture, or None."""
        nothing: list[NDArray[np.float32] | None] = [None] * len(digests)
        return self._unless_unavailable(
            lambda cache: cache.get_many(self._settings, digests), nothing
        )

    def put(self, digests: Sequence[bytes], rows: NDArray[np.float32]) -> None:
        """Keep the rows of some pictures."""
        named = dict(zip(digests, rows, strict=True))
        self._unless_unavailable(
            lambda cache: cache.put_many(self._settings, named), None
        )

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Be the only one who computes rows for this cache, where that is possible.

        Processes that embed the same pictures at once, as the workers of a grid search
        do, would otherwise compute the same batches at the same time. In turns, each
        finds what the others have stored; the processor is shared either way.
        """
        with ExitStack() as stack:
            if self._takes_turns:
                # Who has waited in vain once does not wait again for each batch.
                self._takes_turns = self._unless_unavailable(
                    lambda cache: stack.enter_context(cache.turn()), False
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

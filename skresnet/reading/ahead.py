"""Work done in threads ahead of the one who consumes it."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from joblib import effective_n_jobs

T = TypeVar("T")
R = TypeVar("R")


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
        ``joblib.parallel_config`` says otherwise, -1 is one per processor.
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
    pool = ThreadPoolExecutor(effective_n_jobs(n_jobs), "skresnet-reading")
    try:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) == ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)

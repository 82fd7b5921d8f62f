"""Rows to train on: in memory, or a block at a time where memory does not hold them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

import numpy as np

from skresnet.lazy import computed_blocks

BUFFER_BYTES: Final = 2**29
"""What rows of a Dask array are shuffled in."""

LOADED_BYTES: Final = 2**27
"""A Dask array up to this size is loaded: a training has several copies of an array."""


class Rows(NamedTuple):
    """Rows to train or to validate on."""

    X: Any  # float32, (n_rows, n_features); a Dask array where it is a large one
    codes: np.ndarray  # int32, position of each label in the sorted classes
    weights: np.ndarray  # float32


def parts(rows: Rows) -> Iterator[Rows]:
    """Give all rows of blocks in their order, a block at a time."""
    return _read(rows, np.arange(len(rows.X.chunks[0])))


def joined_moments(
    measured: Iterable[tuple[float, np.ndarray, np.ndarray]],
) -> tuple[np.ndarray, np.ndarray]:
    """Compute the mean and the variance of all rows from those of parts of them.

    By Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for
    computing sample variances", 1979.

    Parameters
    ----------
    measured : iterable of (float, ndarray, ndarray)
        The weight of each part, and of each of its features the mean and the variance.
    """
    total, mean, variance = 0.0, np.zeros(1), np.zeros(1)
    for weight, part_mean, part_variance in measured:
        total += weight
        share, step = weight / total, part_mean - mean
        mean = mean + share * step
        variance = variance + share * (part_variance - variance)
        variance = variance + share * (1 - share) * np.square(step)
    return mean, variance


def shuffled(
    rows: Rows, random_state: np.random.RandomState, n_at_once: int
) -> Iterator[Rows]:
    """Give all rows of blocks in random order, so many at once.

    Blocks come in random order, and a buffer holds the rows of many. Each row that is
    read takes the place of a random one there, which is given. Files are in the order
    of folders, so that blocks are often of one class: those come evenly spaced.

    Parameters
    ----------
    rows : Rows
        In blocks.

    random_state : RandomState
        Draws the order.

    n_at_once : int
        How many are given at once, but for the last.
    """
    n_rows, n_features = rows.X.shape
    capacity = min(max(BUFFER_BYTES // (4 * n_features), 1), n_rows)
    buffer = _empty(rows, capacity)
    waiting = _empty(rows, 0)
    n_filled = 0
    for part in _read(rows, _interleaved(rows, random_state)):
        n_new = min(capacity - n_filled, part.codes.size)
        _put(part, slice(n_new), buffer, slice(n_filled, n_filled + n_new))
        n_filled += n_new
        n_taken = part.codes.size - n_new
        if n_taken:
            places = random_state.permutation(capacity)[:n_taken]
            waiting = _joined(waiting, _at(buffer, places))
            _put(part, slice(n_new, None), buffer, places)
        while waiting.codes.size >= n_at_once:
            yield _at(waiting, slice(n_at_once))
            waiting = _at(waiting, slice(n_at_once, None))
    order = random_state.permutation(capacity)
    while waiting.codes.size + order.size:
        n_taken = n_at_once - waiting.codes.size
        yield _joined(waiting, _at(buffer, order[:n_taken]))
        waiting, order = _empty(rows, 0), order[n_taken:]


def _empty(like: Rows, n_rows: int) -> Rows:
    return Rows(
        np.empty((n_rows, like.X.shape[1]), np.float32),
        np.empty(n_rows, like.codes.dtype),
        np.empty(n_rows, like.weights.dtype),
    )


def _at(rows: Rows, places: Any) -> Rows:
    return Rows(*(column[places] for column in rows))


def _put(rows: Rows, chosen: Any, others: Rows, places: Any) -> None:
    for column, other in zip(rows, others, strict=True):
        other[places] = column[chosen]


def _joined(first: Rows, second: Rows) -> Rows:
    return Rows(*map(np.concatenate, zip(first, second, strict=True)))


def _interleaved(rows: Rows, random_state: np.random.RandomState) -> np.ndarray:
    """Order the blocks so that those of each class are evenly spaced."""
    lengths = np.array(rows.X.chunks[0])
    starts = np.cumsum(lengths) - lengths
    middle = rows.codes[starts + lengths // 2]  # of a block of several classes, one
    positions = np.empty(lengths.size)
    for code in np.unique(middle):
        blocks = random_state.permutation(np.flatnonzero(middle == code))
        offset = random_state.uniform()
        positions[blocks] = (np.arange(blocks.size) + offset) / blocks.size
    return np.argsort(positions, kind="stable")


def _read(rows: Rows, order: np.ndarray) -> Iterator[Rows]:
    ends = np.cumsum(rows.X.chunks[0])
    for index, block in zip(order, computed_blocks(rows.X, order), strict=True):
        part = slice(ends[index] - len(block), ends[index])
        yield Rows(block, rows.codes[part], rows.weights[part])

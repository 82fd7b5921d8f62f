"""Rows to train on: in memory, or a block at a time where memory does not hold them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

import numpy as np

from skresnet.lazy import computed_blocks

BUFFER_BYTES: Final = 2**29
"""What rows of a Dask array are shuffled in; fewer are loaded, as any array."""


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
    rows: Rows, random_state: np.random.RandomState, batch_size: int
) -> Iterator[Rows]:
    """Give all rows in random order, a buffer full at a time.

    Each buffer has rows of blocks from all over, with the classes in about the shares
    that all rows have: blocks are often of one class, since files are in the order of
    folders. What is given is overwritten by the next. All but the last have room for a
    whole number of batches, so that no batch is cut short.

    Parameters
    ----------
    rows : Rows
        In blocks.

    random_state : RandomState
        Draws the order.

    batch_size : int
        Rows of a batch.
    """
    n_left, n_features = rows.X.shape
    at_once = BUFFER_BYTES // (4 * n_features * batch_size)
    capacity = min(max(at_once, 1) * batch_size, n_left)
    buffer = Rows(
        np.empty((capacity, n_features), np.float32),
        np.empty(capacity, rows.codes.dtype),
        np.empty(capacity, rows.weights.dtype),
    )
    places = random_state.permutation(capacity)
    n_filled = 0
    for part in _read(rows, _dealt(rows, -(-n_left // capacity), random_state)):
        start = 0
        while start < part.codes.size:
            free = places[n_filled : n_filled + part.codes.size - start]
            for whole, read in zip(buffer, part, strict=True):
                whole[free] = read[start : start + free.size]
            start += free.size
            n_filled += free.size
            if n_filled == places.size:
                yield Rows(*(whole[:n_filled] for whole in buffer))
                n_left -= n_filled
                places = random_state.permutation(min(capacity, n_left))
                n_filled = 0


def _dealt(rows: Rows, n_hands: int, random_state: np.random.RandomState) -> np.ndarray:
    """Order the blocks so that each of some runs of them has its share of each class.

    They are sorted by class, those of one class shuffled, and dealt like cards.
    """
    lengths = np.array(rows.X.chunks[0])
    order = random_state.permutation(lengths.size)
    starts = np.cumsum(lengths) - lengths
    middle = rows.codes[starts + lengths // 2]  # of a block of several classes, one
    order = order[np.argsort(middle[order], kind="stable")]
    hands = np.arange(order.size) % n_hands
    return order[np.lexsort((random_state.permutation(order.size), hands))]


def _read(rows: Rows, order: np.ndarray) -> Iterator[Rows]:
    ends = np.cumsum(rows.X.chunks[0])
    for index, block in zip(order, computed_blocks(rows.X, order), strict=True):
        part = slice(ends[index] - len(block), ends[index])
        yield Rows(block, rows.codes[part], rows.weights[part])

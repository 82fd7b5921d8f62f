"""Collections of Dask: how they are told, and arrays whose blocks are yet to be made.

Dask need not be installed: without it, nobody has a collection of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, Protocol, runtime_checkable

import numpy as np

READ_BYTES: Final = 2**25
"""What `computed_blocks` holds at once, or one block if that is more."""


@runtime_checkable
class DaskCollection(Protocol):
    """Anything of Dask, of which nothing is computed yet."""

    compute: Any

    def __dask_graph__(self) -> Any: ...


@runtime_checkable
class DaskArray(DaskCollection, Protocol):
    """An array among the collections of Dask."""

    chunks: Any
    dtype: Any
    ndim: int
    rechunk: Any
    shape: Any
    to_delayed: Any


def lazy_method(estimator: Any, rows: Any, method: str) -> Any:
    """Call a method of a fitted estimator on each block of a lazy array of rows.

    Parameters
    ----------
    estimator : estimator
        Fitted. It is one task of the graph, and goes to each worker once.

    rows : dask.array.Array of shape (n, n_features)
        What is predicted of; blocks that divide the columns are joined.

    method : str
        The name of the method. It is called once here, with a row of zeros, to see
        what it returns.

    Returns
    -------
    lazy : dask.array.Array of shape (n,) or (n, n_columns)
        With the blocks of the rows.
    """
    from dask import delayed
    from dask.base import tokenize

    if not (isinstance(rows, DaskArray) and rows.ndim == 2):
        raise ValueError(
            f"X is a {type(rows).__name__} of Dask; expected an array of shape "
            "(n_samples, n_features)."
        )
    rows = rows.rechunk({1: -1})
    one = _call(estimator, method, np.zeros((1, rows.shape[1]), np.float32))
    sent = delayed(estimator, name=f"estimator-{tokenize(estimator)}", traverse=False)
    name = f"{method}-{tokenize(rows, sent.key, method)}"
    blocks = list(rows.to_delayed()[:, 0])
    columns = tuple((length,) for length in one.shape[1:])
    layer = {
        (name, i, *(0 for _ in columns)): (_call, sent.key, method, block.key)
        for i, block in enumerate(blocks)
    }
    chunks = (rows.chunks[0], *columns)
    return lazy_array(name, layer, [sent, *blocks], chunks, one.dtype)


def lazy_array(
    name: str, layer: dict[Any, Any], needed: list[Any], chunks: Any, dtype: Any
) -> Any:
    """Make a Dask array of tasks.

    Parameters
    ----------
    name : str
        The name of the array, the first part of each key.

    layer : dict
        A task for the key of each block.

    needed : list of Dask collections
        What the tasks take.

    chunks : tuple of tuple of int
        The lengths of the blocks along each axis.

    dtype : numpy.dtype
        Of the blocks.
    """
    import dask.array as da
    from dask.highlevelgraph import HighLevelGraph

    graph = HighLevelGraph.from_collections(name, layer, dependencies=needed)
    return da.Array(graph, name, chunks=chunks, dtype=dtype)


def check_lazy_rows(X: Any, name: str = "X") -> None:
    """Raise unless a Dask collection is an array of rows whose number is known.

    Raises
    ------
    ValueError
        If it is of another kind or shape, or the length of a block is unknown.
    """
    if not (isinstance(X, DaskArray) and X.ndim == 2):
        raise ValueError(
            f"{name} is a {type(X).__name__} of Dask; expected a Dask array of shape "
            "(n_samples, n_features). Of a DataFrame of numbers, that is "
            f"{name}.to_dask_array(lengths=True)."
        )
    if any(length != length for side in X.chunks for length in side):
        raise ValueError(
            f"{name} is a Dask array with blocks of unknown length. Call "
            f"{name}.compute_chunk_sizes() first, or make the array from blocks whose "
            "lengths are known."
        )


def mapped_blocks(X: Any, function: Callable[[Any, int], Any]) -> Any:
    """Make float32 of each block by a function of it and the number of its first row.

    Empty blocks are left out.
    """
    from dask.base import tokenize

    name = f"mapped-{tokenize(X, function)}"
    starts = np.cumsum((0, *X.chunks[0]))
    blocks = X.to_delayed()[:, 0]
    kept = [index for index, length in enumerate(X.chunks[0]) if length]
    layer = {
        (name, i, 0): (function, blocks[index].key, int(starts[index]))
        for i, index in enumerate(kept)
    }
    chunks = (tuple(X.chunks[0][index] for index in kept), X.chunks[1])
    needed = [blocks[index] for index in kept]
    return lazy_array(name, layer, needed, chunks, np.float32)


def taken_rows(X: Any, rows: np.ndarray) -> Any:
    """Take some rows of a Dask array, in ascending order, from the blocks they are in.

    Dask's own indexing makes new blocks of many, of which each is then read again.
    """
    from dask.base import tokenize

    ends = np.cumsum(X.chunks[0])
    name = f"taken-{tokenize(X, rows)}"
    layer: dict[Any, Any] = {}
    needed: list[Any] = []
    lengths: list[int] = []
    parts = np.split(rows, np.searchsorted(rows, ends[:-1]))
    blocks = X.to_delayed()[:, 0]
    for block, part, first in zip(blocks, parts, (0, *ends[:-1]), strict=True):
        if part.size:
            layer[name, len(needed), 0] = (_take, block.key, part - first)
            needed.append(block)
            lengths.append(part.size)
    return lazy_array(name, layer, needed, (tuple(lengths), X.chunks[1]), X.dtype)


def computed_blocks(X: Any, order: Iterable[int]) -> Iterator[np.ndarray]:
    """Compute blocks of rows one after another, as many at once as memory allows."""
    from dask import compute

    blocks = X.to_delayed()[:, 0]
    row_bytes = X.dtype.itemsize * max(X.shape[1], 1)
    waiting: list[Any] = []
    n_bytes = 0
    for index in order:
        of_block = X.chunks[0][index] * row_bytes
        if waiting and n_bytes + of_block > READ_BYTES:
            yield from compute(*waiting)
            waiting, n_bytes = [], 0
        waiting.append(blocks[index])
        n_bytes += of_block
    if waiting:
        yield from compute(*waiting)


def _take(block: Any, rows: np.ndarray) -> Any:
    return block[rows]


def _call(estimator: Any, method: str, rows: Any) -> Any:
    function: Callable[[Any], Any] = getattr(estimator, method)
    if len(rows):
        return function(rows)
    # An empty partition is no mistake here; estimators refuse no rows at all.
    one: np.ndarray = function(np.zeros((1, rows.shape[1]), rows.dtype))
    return one[:0]

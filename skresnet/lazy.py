"""Collections of Dask: how they are told, and arrays whose blocks are yet to be made.

Dask need not be installed: without it, nobody has a collection of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import numpy as np


@runtime_checkable
class DaskCollection(Protocol):
    """Anything of Dask, of which nothing is computed yet."""

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


def _call(estimator: Any, method: str, rows: Any) -> Any:
    function: Callable[[Any], Any] = getattr(estimator, method)
    if len(rows):
        return function(rows)
    # An empty partition is no mistake here; estimators refuse no rows at all.
    one: np.ndarray = function(np.zeros((1, rows.shape[1]), rows.dtype))
    return one[:0]

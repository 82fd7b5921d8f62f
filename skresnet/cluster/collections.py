"""Dask collections of pictures, and what becomes of them: lazy Dask arrays of rows.

Nothing here computes. A block of pictures is a task; what the task needs to know is a
small description of the settings, with which the worker builds, or finds, its network.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any, Final

import numpy as np
from joblib import cpu_count

from skresnet.backbone import limit_threads
from skresnet.embedding import EmbeddingSettings, embed
from skresnet.lazy import DaskArray, lazy_array
from skresnet.reading import as_pictures

AT_A_TASK: Final = 256
"""Pictures of a task: seconds of work, beside which a millisecond to send it is little.

Few enough that the worker's memory holds them and that little is lost with it.
"""

_EXPECTED = (
    "expected a Dask array of shape (n,) or (n, 1) of paths or bytes, one of pixels of "
    "shape (n, height, width, 3) or (n, height, width), a bag or a Series"
)


def check_lazy_pictures(X: Any) -> None:
    """Refuse a Dask collection that cannot hold pictures; nothing is computed.

    Raises
    ------
    TypeError, ValueError
        If it is of another kind or shape.
    """
    if isinstance(X, DaskArray):
        if X.dtype.kind in "OUST":
            if X.ndim == 1 or (X.ndim == 2 and X.shape[1] == 1):
                return
        elif X.dtype.kind in "buif" and X.ndim in (3, 4):
            return
        raise ValueError(
            f"X is a Dask array of shape {X.shape} and dtype {X.dtype}; {_EXPECTED}."
        )
    if hasattr(X, "columns") and hasattr(X, "npartitions"):
        if len(X.columns) != 1:
            raise ValueError(
                f"X is a Dask DataFrame with {len(X.columns)} columns; expected a "
                'single column of pictures, such as X["path"].'
            )
        return
    if not (hasattr(X, "npartitions") and hasattr(X, "to_delayed")):
        raise TypeError(f"X is a {type(X).__name__} of Dask; {_EXPECTED}.")


def lazy_rows(
    X: Any, settings: EmbeddingSettings, *, on_error: str, allow_paths: bool
) -> Any:
    """Make the lazy array of the rows of a Dask collection of pictures.

    Parameters
    ----------
    X : dask array, bag, Series or DataFrame of one column
        Pictures.

    settings : EmbeddingSettings
        How pictures become rows.

    on_error : {"raise", "nan"}
        What becomes of those that cannot be read.

    allow_paths : bool
        Whether X may name files.

    Returns
    -------
    rows : dask.array.Array of shape (n, n_features), float32
        A block for each block or partition of X; those of an array are brought to 256
        pictures where they are many more or many fewer. The number of rows is nan
        where X does not tell it.
    """
    from dask.base import tokenize

    check_lazy_pictures(X)
    width = settings.backbone.n_features
    embed_block = _EmbedBlock(replace(settings, verbose=0), on_error, allow_paths)
    token = tokenize(
        *(X, settings.cache_key, settings.batch_size, settings.n_jobs),
        *(repr(settings.cache), on_error, allow_paths),
    )
    if isinstance(X, DaskArray):
        X = _of_useful_blocks(X)
        lengths = X.chunks[0]
        starts = np.cumsum((0, *lengths[:-1]))
        blocks = X.to_delayed().reshape(-1)
    else:
        lengths = (np.nan,) * X.npartitions
        starts = lengths
        blocks = X.to_delayed()
    name = f"embed-{token}"
    layer = {
        (name, i, 0): (embed_block, block.key, None if start != start else int(start))
        for i, (block, start) in enumerate(zip(blocks, starts, strict=True))
    }
    return lazy_array(name, layer, list(blocks), (lengths, (width,)), np.float32)


def _of_useful_blocks(X: Any) -> Any:
    """Give each task whole pictures, and neither a handful nor thousands."""
    whole = dict.fromkeys(range(1, X.ndim), -1)
    lengths = X.chunks[0]
    if any(length != length for length in lengths):
        return X.rechunk(whole) if whole else X
    useful = all(AT_A_TASK // 4 <= length <= 4 * AT_A_TASK for length in lengths[:-1])
    if useful and lengths[-1] <= 4 * AT_A_TASK:
        return X.rechunk(whole) if whole else X
    return X.rechunk({0: AT_A_TASK, **whole})


class _EmbedBlock:
    """What a worker needs to know to embed a block of pictures."""

    def __init__(
        self, settings: EmbeddingSettings, on_error: str, allow_paths: bool
    ) -> None:
        self._settings = settings
        self._on_error = on_error
        self._allow_paths = allow_paths

    def __call__(self, block: Any, start: int | None) -> np.ndarray:
        """Embed the pictures, of which the first is number ``start`` of all."""
        limit_to_worker()
        pictures = block if hasattr(block, "__len__") else list(block)
        if len(pictures) == 0:
            return np.empty((0, self._settings.backbone.n_features), np.float32)
        embedded = embed(
            as_pictures(pictures, allow_paths=self._allow_paths),
            self._settings,
            in_vain_after_failure=self._on_error == "raise",
        )
        if embedded.failures and start is not None:
            embedded.failures = [
                failure._replace(position=failure.position + start)
                for failure in embedded.failures
            ]
        return embedded.complete_rows(self._on_error)


def limit_to_worker() -> None:
    """Let readers, and networks still to be built, use no more threads than the worker.

    Several workers of a machine would otherwise each compute with all of its cores.
    Outside of a worker of dask.distributed, nothing is changed.
    """
    distributed = sys.modules.get("distributed")
    if distributed is None:
        return
    try:
        threads = distributed.get_worker().state.nthreads
    except ValueError:  # in no worker
        return
    if threads < cpu_count():
        limit_threads(threads)

"""Rows of features as tables of Parquet, with what is known of their pictures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np

KNOWN: Final = ("path", "class", "split", "group")
"""What a table says of a picture besides its digest and its row; null if unknown."""


def feature_schema(n_features: int, metadata: Mapping[bytes, bytes]) -> Any:
    """Make the schema of the files.

    Parameters
    ----------
    n_features : int
        The length of a row.

    metadata : mapping of bytes to bytes
        What the files say of the embedder.
    """
    import pyarrow

    text = pyarrow.string()
    return pyarrow.schema(
        [
            *((name, text) for name in (*KNOWN, "digest")),
            ("features", pyarrow.list_(pyarrow.float32(), n_features)),
        ],
        metadata=dict(metadata),
    )


def feature_table(
    schema: Any,
    known: Iterable[Sequence[Any]],
    digests: Sequence[bytes],
    rows: np.ndarray,
) -> Any:
    """Make a table of that schema.

    Parameters
    ----------
    schema : pyarrow.Schema
        Of `feature_schema`.

    known : four sequences
        Path, class, split and group of each picture.

    digests : sequence of bytes
        The SHA-256 of their contents.

    rows : ndarray of shape (n_pictures, n_features), float32
        Their rows.
    """
    import pyarrow

    columns = [
        *map(text_column, known),
        text_column([digest.hex() for digest in digests]),
        pyarrow.FixedSizeListArray.from_arrays(
            pyarrow.array(rows.reshape(-1)), type=schema.field("features").type
        ),
    ]
    return pyarrow.table(columns, schema=schema)


def text_column(cells: Sequence[Any]) -> Any:
    """Make a column of text of paths, names and Nones."""
    import pyarrow

    # Parquet takes no bytes of a file name that are not UTF-8.
    valid = [
        None if cell is None else str(cell).encode("utf-8", "backslashreplace").decode()
        for cell in cells
    ]
    return pyarrow.array(valid, pyarrow.string())

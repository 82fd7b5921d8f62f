"""Files of features: one of Parquet, or an array of NumPy with a list beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from skresnet.cli.pictures import Listed, list_writer

if TYPE_CHECKING:
    from skresnet.image_embedder import ImageEmbedder

# Takes some pictures, the digests of their contents, and their rows.
Append = Callable[[Listed, Sequence[bytes], np.ndarray], None]


@contextmanager
def parquet_file(files: list[Path], embedder: ImageEmbedder) -> Iterator[Append]:
    """Write a file of Parquet, a row group a call."""
    import pyarrow.parquet

    from skresnet.feature_tables import feature_schema, feature_table
    from skresnet.stored_features import embedder_metadata

    n_features = len(embedder.get_feature_names_out())
    schema = feature_schema(n_features, embedder_metadata(embedder))

    def append(listed: Listed, digests: Sequence[bytes], rows: np.ndarray) -> None:
        writer.write_table(feature_table(schema, listed, digests, rows))

    with pyarrow.parquet.ParquetWriter(
        files[0], schema, use_dictionary=["class", "split", "group"]
    ) as writer:
        yield append


@contextmanager
def npy_file(files: list[Path], embedder: ImageEmbedder) -> Iterator[Append]:
    """Write one float32 array, and a CSV file of path and class beside it.

    Written from front to back, not through a memory map, whose pages would count as
    memory of this process.
    """
    from numpy.lib.format import write_array_header_1_0

    n_rows = 0
    n_features = len(embedder.get_feature_names_out())

    def write_header() -> None:
        # Of the same length for any number of rows: ten spare digits are part of the
        # format for that purpose.
        file.seek(0)
        shape = (n_rows, n_features)
        write_array_header_1_0(
            file, {"descr": "<f4", "fortran_order": False, "shape": shape}
        )

    def append(listed: Listed, digests: Sequence[bytes], rows: np.ndarray) -> None:
        nonlocal n_rows
        file.write(rows.astype("<f4", copy=False).tobytes())
        append_to_list(zip(map(str, listed.paths), listed.classes, strict=True))
        n_rows += len(rows)

    with files[0].open("wb") as file, list_writer(files[1]) as append_to_list:
        write_header()
        yield append
        write_header()

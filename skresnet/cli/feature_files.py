"""Files of features that are written as they come."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import click
import numpy as np

from skresnet.cli.outputs import replacing


class FeatureFile(Protocol):
    """A file that takes rows."""

    def append(
        self, paths: Sequence[str], classes: Sequence[str | None], rows: np.ndarray
    ) -> None:
        """Write some pictures, their classes and their features."""


class _Parquet:
    """A row group a call: path and class as strings, features as a list of float32."""

    def __init__(self, file: Path, n_features: int) -> None:
        import pyarrow  # type: ignore[import-untyped]
        import pyarrow.parquet  # type: ignore[import-untyped]

        self._arrow = pyarrow
        self._features = pyarrow.list_(pyarrow.float32(), n_features)
        text = pyarrow.string()
        schema = pyarrow.schema(
            [("path", text), ("class", text), ("features", self._features)]
        )
        self.writer = pyarrow.parquet.ParquetWriter(
            file, schema, use_dictionary=["class"]
        )

    def append(
        self, paths: Sequence[str], classes: Sequence[str | None], rows: np.ndarray
    ) -> None:
        """Write a row group."""
        flat = self._arrow.array(rows.reshape(-1))
        columns = [
            self._arrow.array([_valid(path) for path in paths]),
            self._arrow.array([name and _valid(name) for name in classes], "string"),
            self._arrow.FixedSizeListArray.from_arrays(flat, type=self._features),
        ]
        self.writer.write_table(
            self._arrow.table(columns, names=["path", "class", "features"])
        )


class _Npy:
    """One float32 array, with a CSV file of path and class beside it.

    Written from front to back, not through a memory map, whose pages would count as
    memory of this process.
    """

    def __init__(self, file: Any, table: Any, n_features: int) -> None:
        self._file = file
        self._table = csv.writer(table, lineterminator="\n")
        self._table.writerow(["path", "class"])
        self._shape = (0, n_features)
        self.write_header()

    def write_header(self) -> None:
        """Write the header for the rows so far; it has the same length for any number.

        Ten spare digits are part of the format for that purpose.
        """
        self._file.seek(0)
        np.lib.format.write_array_header_1_0(
            self._file,
            {"descr": "<f4", "fortran_order": False, "shape": self._shape},
        )

    def append(
        self, paths: Sequence[str], classes: Sequence[str | None], rows: np.ndarray
    ) -> None:
        """Write rows behind the others."""
        self._file.write(rows.astype("<f4", copy=False).tobytes())
        self._table.writerows(zip(paths, classes, strict=True))
        self._shape = (self._shape[0] + len(rows), self._shape[1])


def paths_beside(out: Path) -> Path:
    """Name the list of pictures of a .npy file."""
    return out.with_suffix(".paths.csv")


def check_kind(out: Path) -> None:
    """Refuse a name that says no kind of file, or one that needs what is missing."""
    if out.suffix not in (".parquet", ".npy"):
        raise click.UsageError(
            f"--out {out}: the name must end in .parquet or .npy, which says what "
            "kind of file to write."
        )
    if out.suffix == ".parquet":
        try:
            import pyarrow.parquet  # noqa: F401
        except ModuleNotFoundError as error:
            raise click.ClickException(
                "Parquet files are written with pyarrow, which is not installed: "
                'python -m pip install "skresnet[parquet]". Or choose a name that '
                "ends in .npy, which needs nothing."
            ) from error


@contextmanager
def opened(out: Path, n_features: int) -> Iterator[FeatureFile]:
    """Open a new file of features; it gets its name once it is whole."""
    if out.suffix == ".parquet":
        with replacing(out) as unfinished:
            parquet = _Parquet(unfinished, n_features)
            with parquet.writer:
                yield parquet
        return
    with (
        replacing(out) as unfinished,
        replacing(paths_beside(out)) as unfinished_paths,
        unfinished.open("wb") as file,
        unfinished_paths.open(
            "w", encoding="utf-8", errors="surrogateescape", newline=""
        ) as table,
    ):
        npy = _Npy(file, table, n_features)
        yield npy
        npy.write_header()


def _valid(text: str) -> str:
    """Mark bytes of a file name that are not UTF-8, which Parquet does not take."""
    return text.encode("utf-8", "backslashreplace").decode()

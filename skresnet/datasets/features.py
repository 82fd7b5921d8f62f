"""Features that `skresnet embed` has written: read a row group at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np
from sklearn.utils import Bunch

from skresnet.datasets.bunches import ImageSplits
from skresnet.datasets.elsewhere import Place, is_elsewhere, name_of, place_at, within
from skresnet.datasets.walk import SPLIT_FOLDERS, split_of
from skresnet.lazy import lazy_array, taken_rows
from skresnet.text import counted, listed
from skresnet.validation import user_path

EMBEDDER_KEY: Final = b"skresnet.embedder"
"""The key of a Parquet file's metadata that tells which embedder has made the rows."""

_FEATURES: Final = "features"
_TEXTS: Final = ("path", "class", "split", "group")


def load_features(place: Any, *, labelled: bool = True) -> Bunch:
    """Load the features in Parquet files, as `skresnet embed` writes them, lazily.

    The columns ``path``, ``class``, ``split`` and ``group`` are read now, those of them
    that there are; features are read when they are computed, a row group at a time.
    Needs ``pip install "skresnet[dask]"``.

    Parameters
    ----------
    place : str, path-like or ``upath.UPath``
        A Parquet file, or a folder of such, at any depth. Files and folders whose names
        start with a dot or an underscore are left out, and files without a column
        ``features``.
    labelled : bool, default=True
        Whether each row must have a class. If False and a row has none, `target` is
        None and `target_names` is empty.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        Rows in the order of the files' paths, with these attributes, or where there are
        splits a Bunch for each of ``train``, ``val`` and ``test`` that has them:

        data : dask.array.Array of shape (n_samples, n_features), float32
            Features; each block is a row group.
        target : ndarray of str of shape (n_samples,)
            Class of each row.
        target_names : list of str
            The classes, sorted.
        filenames : ndarray of object of shape (n_samples,) or None
            Path of the picture of each row.
        groups : ndarray of str of shape (n_samples,) or None
            Group of each row.
        embedder : str or None
            What the files say of the embedder that has made them, as JSON.
        DESCR : str
            What was found.

    Raises
    ------
    FileNotFoundError
        If there is no such file or folder, or none with features in it.
    ImportError
        If dask or pyarrow is not installed.
    ValueError
        If a file is damaged, files differ in their embedder or the number of features,
        or a cell is empty that must not be.

    Examples
    --------
    >>> from skresnet import DenseSGDClassifier, load_features
    >>> photos = load_features("features/")  # doctest: +SKIP
    >>> DenseSGDClassifier().fit(photos.data, photos.target)  # doctest: +SKIP
    """
    _check_installed()
    if isinstance(place, str):
        place = place_at(place)
    place = place if is_elsewhere(place) else str(user_path(place))
    parts = {file: found for file in _files(place) if (found := _opened(file))}
    if not parts:
        raise FileNotFoundError(
            f"No features in {str(place)!r}: expected a Parquet file with a column "
            f"{_FEATURES!r}, or a folder of such, as `skresnet embed` writes them."
        )
    embedder = _the_same(parts, "embedder", lambda found: _embedder_of(found.schema))
    width = _the_same(parts, "number of features", lambda found: _width(found.schema))
    if not width:
        first = next(iter(parts))
        width = _measured(first, parts[first].stamp)
    cells = _cells(parts)
    rows = _lazy_features(parts, width)
    where = repr(str(place))
    classes = _complete(cells["class"], "class", where) if labelled else cells["class"]
    if classes is not None and None in set(classes):
        classes = None
    splits = _complete(cells["split"], "split", where, may_be_absent=True)
    groups = _complete(cells["group"], "group", where, may_be_absent=True)

    def bunch(chosen: np.ndarray | None) -> Bunch:
        def of(column: Any, kind: Any) -> Any:
            if column is None:
                return None
            return np.array(column if chosen is None else column[chosen], kind)

        target = of(classes, np.str_)
        counts = Counter([] if target is None else target.tolist())
        n_rows = rows.shape[0] if chosen is None else chosen.size
        lines = [f"{counted(n_rows, 'row')} of {width} features in {where}", ""]
        lines += [f"  {name!r}: {count}" for name, count in sorted(counts.items())]
        return Bunch(
            data=rows if chosen is None else taken_rows(rows, chosen),
            target=target,
            target_names=sorted(counts),
            filenames=of(cells["path"], object),
            groups=of(groups, np.str_),
            embedder=embedder,
            DESCR="\n".join(lines),
        )

    if splits is None:
        return bunch(None)
    names = {text: split_of(text) for text in set(splits)}
    if unknown := [text for text, split in names.items() if split is None]:
        raise ValueError(
            f"The column 'split' in {where} has {listed(unknown)}; expected train, val "
            "and test."
        )
    found = np.array([names[text] for text in splits])
    bunches = {
        name: bunch(np.flatnonzero(found == name))
        for name in SPLIT_FOLDERS
        if name in found
    }
    described = [f"{name}: {part.DESCR}" for name, part in bunches.items()]
    return ImageSplits(
        **bunches,
        target_names=sorted(
            {n for part in bunches.values() for n in part.target_names}
        ),
        embedder=embedder,
        DESCR="\n".join([f"Splits of features in {where}", "", *described]),
    )


def are_features(place: Any) -> bool:
    """Tell a folder on this disk that has Parquet files of features directly in it."""
    if is_elsewhere(place) or not Path(place).is_dir():
        return False
    entries = [e for e in Path(place).iterdir() if not e.name.startswith((".", "_"))]
    files = [str(entry) for entry in entries if entry.suffix == ".parquet"]
    if files and find_spec("pyarrow") is None:
        # They may lie beside folders of pictures; else this leads to a message.
        return not any(entry.is_dir() for entry in entries)
    for file in sorted(files):
        with suppress(ValueError):  # of what may be no such file among pictures
            if _opened(file):
                return True
    return False


def _check_installed() -> None:
    try:
        import dask.array  # noqa: F401
        import pyarrow.parquet  # noqa: F401
    except ImportError as error:
        raise ImportError(
            f"Features are read with dask and pyarrow, and that fails ({error}). "
            'Install them with: pip install "skresnet[dask]"'
        ) from error


def _files(place: Place) -> Iterator[Place]:
    """List the file, or the Parquet files of a folder in the order of their paths."""
    root = Path(place) if isinstance(place, str) else place
    if root.is_file():
        yield place
        return
    if not root.is_dir():
        raise FileNotFoundError(f"No file or folder {str(place)!r}.")
    found = {}
    for file in root.rglob("*.parquet"):
        parts = (
            file.relative_to(root).parts
            if isinstance(file, Path)
            else tuple(within(root, file).split("/"))
        )
        if not any(part.startswith((".", "_")) for part in parts) and file.is_file():
            found[parts] = str(file) if isinstance(place, str) else file
    yield from (found[parts] for parts in sorted(found))


def _opened(file: Place) -> Any:
    """Read what a file says of itself; None if there are no features in it."""
    import pyarrow
    import pyarrow.parquet

    stamp = _stamp(file)
    try:
        metadata = _metadata(file, stamp)
        schema = metadata.schema.to_arrow_schema()
    except pyarrow.ArrowInvalid as error:
        raise ValueError(
            f"{str(file)!r} is no Parquet file, or a damaged one. Write it again, or "
            "take it away."
        ) from error
    if _FEATURES not in schema.names:
        return None
    kind = schema.field(_FEATURES).type
    if not (
        (pyarrow.types.is_fixed_size_list(kind) or pyarrow.types.is_list(kind))
        and pyarrow.types.is_floating(kind.value_type)
    ):
        raise ValueError(
            f"The column {_FEATURES!r} of {str(file)!r} is of type {kind}; expected "
            "lists of float32, all of one length."
        )
    return Bunch(schema=schema, metadata=metadata, stamp=stamp)


def _stamp(file: Place) -> tuple[int, float]:
    """Tell a file from one that takes its name later."""
    stated = (Path(file) if isinstance(file, str) else file).stat()
    return stated.st_size, getattr(stated, "st_mtime", 0.0)


@lru_cache(maxsize=64)
def _metadata(file: Place, stamp: tuple[int, float]) -> Any:
    """Read a file's table of row groups, which may be of megabytes, once."""
    from pyarrow.parquet import ParquetFile

    with ParquetFile(file if isinstance(file, str) else file.open("rb")) as opened:
        return opened.metadata


def _embedder_of(schema: Any) -> str | None:
    text = (schema.metadata or {}).get(EMBEDDER_KEY)
    return None if text is None else text.decode()


def _width(schema: Any) -> int:
    return int(getattr(schema.field(_FEATURES).type, "list_size", 0))


def _measured(file: Place, stamp: tuple[int, float]) -> int:
    """Measure the first row of a file that does not say how long its rows are."""
    return _read_group(file, stamp, 0, None).shape[1]


def _the_same(parts: Mapping[Place, Bunch], what: str, of: Any) -> Any:
    """Take what all files say, or name two that do not agree."""
    first, *others = parts
    said = of(parts[first])
    for file in others:
        if of(parts[file]) != said:
            raise ValueError(
                f"{name_of(first)!r} and {name_of(file)!r} differ in the {what} of "
                "their features. Keep features of each embedder in a folder of its own."
            )
    return said


def _cells(parts: Mapping[Place, Bunch]) -> dict[str, np.ndarray | None]:
    """Read the columns of text, of which files may lack some: those cells are None."""
    from pyarrow.parquet import ParquetFile

    columns: dict[str, list[np.ndarray]] = {name: [] for name in _TEXTS}
    for file, found in parts.items():
        names = [name for name in _TEXTS if name in found.schema.names]
        with ParquetFile(file if isinstance(file, str) else file.open("rb")) as opened:
            table = opened.read(columns=names)
        for name, column in columns.items():
            cells = np.full(found.metadata.num_rows, None, object)
            if name in names:
                # Few names, each of them one object.
                read = table.column(name).combine_chunks().dictionary_encode()
                cells = read.to_numpy(zero_copy_only=False)
            column.append(cells)
    joined = {name: np.concatenate(column) for name, column in columns.items()}
    return {
        name: cells if any(cell is not None for cell in cells) else None
        for name, cells in joined.items()
    }


def _complete(
    cells: np.ndarray | None, name: str, where: str, *, may_be_absent: bool = False
) -> np.ndarray | None:
    """Refuse a column of which some cells are empty, or all if there must be some."""
    if cells is None and may_be_absent:
        return None
    if cells is None:
        raise ValueError(
            f"No row in {where} has a class. Embed a folder of class folders, or a "
            "table with classes; or pass labelled=False."
        )
    if n_empty := sum(cell is None for cell in cells):
        raise ValueError(
            f"{n_empty} of {counted(len(cells), 'row')} in {where} have no {name}. "
            "Give all of them one, or none."
        )
    return cells


def _lazy_features(parts: Mapping[Place, Bunch], width: int) -> Any:
    from dask.base import tokenize

    name = f"features-{tokenize([(str(f), found.stamp) for f, found in parts.items()])}"
    layer: dict[Any, Any] = {}
    lengths: list[int] = []
    for file, found in parts.items():
        for group in range(found.metadata.num_row_groups):
            layer[name, len(lengths), 0] = (
                _read_group,
                file,
                found.stamp,
                group,
                width,
            )
            lengths.append(found.metadata.row_group(group).num_rows)
    return lazy_array(name, layer, [], (tuple(lengths), (width,)), np.float32)


def _read_group(
    file: Place, stamp: tuple[int, float], group: int, width: int | None
) -> np.ndarray:
    """Read the features of a row group; a width of None is that of the first row."""
    from pyarrow.parquet import ParquetFile

    source = file if isinstance(file, str) else file.open("rb")
    with ParquetFile(source, metadata=_metadata(file, stamp)) as opened:
        column = opened.read_row_group(group, columns=[_FEATURES]).column(0)
    numbers = column.combine_chunks().flatten().to_numpy(zero_copy_only=False)
    n_rows = len(column)
    if width is None:
        width = len(numbers) // max(n_rows, 1)
    if column.null_count or len(numbers) != n_rows * width:
        raise ValueError(
            f"{name_of(file)!r} has rows of other lengths than {width} features in its "
            f"row group {group}. Write it again."
        )
    return numbers.reshape(n_rows, width).astype(np.float32, copy=False)

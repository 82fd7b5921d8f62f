"""Read a data set that a table lists."""

import os
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils import Bunch

from skresnet.datasets.bunches import (
    class_name,
    image_bunch,
    image_splits,
    look_alikes,
    unreadable_headers,
)
from skresnet.datasets.columns import PARAMETERS, Columns, read_columns
from skresnet.datasets.elsewhere import Place, is_elsewhere
from skresnet.datasets.walk import (
    CAUSES,
    SPLIT_FOLDERS,
    existing_folder,
    split_of,
)
from skresnet.text import counted, listed


def load_image_table(
    table: Any,
    *,
    path_column: str | None = None,
    class_column: str | None = None,
    split_column: str | None = None,
    group_column: str | None = None,
    root: Any = None,
    labelled: bool = True,
    verify: bool = False,
) -> Bunch:
    """List the images that a CSV or Parquet file names, with their classes.

    The first line of a CSV file names the columns; commas, semicolons and tabs divide
    them. A column that is not named here is found by its usual names, in upper or lower
    case: ``path``, ``file``, ``filename``, ``filepath`` or ``image``; ``class``,
    ``label``, ``target`` or ``category``; ``split`` or ``subset``; ``group``,
    ``subject`` or ``patient``, and the like. No image is opened.

    Parameters
    ----------
    table : str, path-like or ``upath.UPath``
        The file, of Parquet if its name ends in ``.parquet`` or ``.pq``, which needs
        ``pip install "skresnet[parquet]"``. A leading ``~`` is the home folder.
    path_column : str or None, default=None
        The column of the paths.
    class_column : str or None, default=None
        The column of the classes.
    split_column : str or None, default=None
        The column that says ``train``, ``val`` or ``test``, or another of the names
        that :func:`load_image_splits` knows. None where there is no such column is one
        data set without splits.
    group_column : str or None, default=None
        The column of the groups, pictures of one subject for instance. None where there
        is no such column is no groups.
    root : str, path-like, ``upath.UPath`` or None, default=None
        The folder that paths are relative to, or an archive or place elsewhere; see
        :func:`load_image_folder`. None is the folder of the table.
    labelled : bool, default=True
        Whether there must be a column of classes. False is for pictures that are to be
        predicted or embedded; without the column, `target` is None and `target_names`
        is empty.
    verify : bool, default=False
        Open each file, read its header and take those whose header cannot be read out
        of the data; see :func:`load_image_folder`.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        What :func:`load_image_folder` returns, in the order of the table, or with a
        column of splits what :func:`load_image_splits` returns. A split need not have
        all classes of ``train``, but no other.

    Raises
    ------
    FileNotFoundError
        If the table, or a file that it names, does not exist.
    ImportError
        If the table is of Parquet and pyarrow is not installed.
    ValueError
        If the table cannot be read, a column is missing or may be one of several, a
        cell is empty, a path has two classes, or a split has a name or a class that
        cannot be.

    Examples
    --------
    >>> from skresnet import load_image_table
    >>> birds = load_image_table("birds.csv")  # doctest: +SKIP
    >>> birds.data, birds.target, birds.groups  # doctest: +SKIP
    """
    chosen = {
        "path": path_column,
        "class": class_column,
        "split": split_column,
        "group": group_column,
    }
    return list_table(table, chosen, root=root, labelled=labelled, verify=verify)


def list_table(
    table: Any,
    chosen: Mapping[str, str | None],
    *,
    root: Any = None,
    labelled: bool = True,
    verify: bool = False,
    need_all: bool = True,
    spoken: Mapping[str, str] = PARAMETERS,
) -> Bunch:
    """List the images of a table for callers who may do with less.

    Parameters
    ----------
    table, root, labelled, verify
        As of `load_image_table`.
    chosen : mapping of str to str or None
        The name of the column for each role, None to find it. Other columns are left
        alone.
    need_all : bool
        Whether every file must be there, not one of them alone.
    spoken : mapping of str to str
        What the caller's parameters are called, as `PARAMETERS`.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        As of `load_image_table`.
    """
    required = ("path", "class") if labelled else ("path",)
    columns = read_columns(table, chosen, required=required, spoken=spoken)
    folder = columns.folder if root is None else existing_folder(root)
    folder = Path(folder) if isinstance(folder, str) else folder
    paths: list[Place] = [folder / path for path in columns.cells["path"]]
    if not is_elsewhere(folder):
        paths = [str(path) for path in paths]
    _expect_files(columns, paths, folder, spoken["root"], need_all=need_all)
    classes = [class_name(name.strip()) for name in columns.cells.get("class", [])]
    if classes:
        _expect_one_class(columns, paths, classes)
    groups = columns.cells.get("group")
    broken = unreadable_headers(paths) if verify else {}
    where = repr(columns.file)

    def bunch(rows: list[int]) -> Bunch:
        kept = [row for row in rows if paths[row] not in broken]
        return image_bunch(
            where,
            [paths[row] for row in kept],
            [classes[row] for row in kept] if classes else None,
            groups=np.array([groups[row] for row in kept], np.str_) if groups else None,
            skipped={cause: [] for cause in CAUSES},
            unreadable=[
                (paths[r], broken[paths[r]]) for r in rows if paths[r] in broken
            ],
        )

    named = splits_of_rows(columns)
    if named is None:
        return bunch(list(range(len(paths))))
    rows_of: dict[str, list[int]] = defaultdict(list)
    for row, name in enumerate(named):
        rows_of[name].append(row)
    splits = {name: bunch(rows_of[name]) for name in SPLIT_FOLDERS if name in rows_of}
    _expect_classes_of_train(columns, splits)
    column = columns.names["split"]
    why = f"missing; no row has it in the column {column!r}"
    missing = dict.fromkeys(SPLIT_FOLDERS, why)
    return image_splits(where, splits, missing)


def _expect_files(
    columns: Columns, paths: list[Place], folder: Any, root: str, *, need_all: bool
) -> None:
    """Raise if files that the table names are not there, and name them."""
    gone = [row for row, path in enumerate(paths) if not _is_file(path)]
    if gone and (need_all or len(gone) == len(paths)):
        names = ", ".join(repr(columns.cells["path"][row]) for row in gone[:3])
        raise FileNotFoundError(
            f"{len(gone)} of the {len(paths)} files in the column "
            f"{columns.names['path']!r} of {columns.file!r} do not exist or are no "
            f"files: {names}{', ...' if len(gone) > 3 else ''} "
            f"({columns.places(gone)}). Paths are taken from {str(folder)!r}; give "
            f"another folder with {root}."
        )


def _is_file(path: Place) -> bool:
    return bool((Path(path) if isinstance(path, str) else path).is_file())


def _expect_one_class(columns: Columns, paths: list[Place], classes: list[str]) -> None:
    """Raise if a path has several classes."""
    rows_of: dict[str, list[int]] = defaultdict(list)
    for row, path in enumerate(paths):
        rows_of[os.path.normpath(str(path))].append(row)
    several = [
        rows for rows in rows_of.values() if len({classes[row] for row in rows}) > 1
    ]
    if several:
        first = several[0]
        raise ValueError(
            f"In {columns.file!r}, {counted(len(several), 'file')} with more than one "
            f"class: {columns.cells['path'][first[0]]!r} for instance has "
            f"{listed({classes[row] for row in first})} ({columns.places(first)}). "
            "Give each file one class."
        )


def splits_of_rows(columns: Columns) -> list[str] | None:
    """Tell the split that each row is in; None where there is no such column.

    Raises
    ------
    ValueError
        If a cell names no split.
    """
    if "split" not in columns.names:
        return None
    splits = []
    unknown: dict[str, list[int]] = defaultdict(list)
    for row, cell in enumerate(columns.cells["split"]):
        name = split_of(cell.strip())
        if name is None:
            unknown[cell].append(row)
        splits.append(name or "")
    if unknown:
        rows = [row for rows in unknown.values() for row in rows]
        known = ", ".join(name for names in SPLIT_FOLDERS.values() for name in names)
        raise ValueError(
            f"The column {columns.names['split']!r} of {columns.file!r} has what is no "
            f"split: {listed(unknown)} ({columns.places(sorted(rows))}). Expected one "
            f"of {known}."
        )
    return splits


def _expect_classes_of_train(columns: Columns, splits: dict[str, Any]) -> None:
    """Raise if a split has a class that train lacks."""
    if "train" not in splits:
        return
    train = splits["train"].target_names
    for name, split in splits.items():
        if added := set(split.target_names).difference(train):
            raise ValueError(
                f"In {columns.file!r}, the {name} split has classes that train lacks: "
                f"{listed(added)}. Train has {listed(train)}."
                f"{look_alikes(added, train)} Check how they are spelt."
            )

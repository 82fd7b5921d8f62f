"""The columns of a CSV or Parquet file, found by the names that people give them."""

import codecs
import csv
import io
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import compress
from typing import Any, Final

from skresnet.datasets.elsewhere import is_elsewhere, refuse_address
from skresnet.text import counted, listed
from skresnet.validation import user_path

TABLE_ENDINGS: Final = (".csv", ".tsv", ".parquet", ".pq")
"""Endings of the names of files that are taken for tables."""

USUAL_NAMES: Final[dict[str, tuple[str, ...]]] = {
    "path": (
        *("path", "file", "filename", "file_name", "filepath", "file_path"),
        *("image", "image_path", "img", "img_path"),
    ),
    "class": ("class", "label", "target", "category", "class_name", "label_name"),
    "split": ("split", "subset", "partition"),
    "group": ("group", "subject", "subject_id", "group_id", "patient", "patient_id"),
}
"""For each role, the names of columns that are taken for it, in lower case."""

PARAMETERS: Final[dict[str, str]] = {
    **{role: f"{role}_column" for role in USUAL_NAMES},
    "root": "root",
}
"""For each role, the parameter that names a column for it; and that of the folder."""

# What makes a spreadsheet take a cell for a formula. Programs that write tables for
# people, the `skresnet` command among them, put an apostrophe before it.
_FORMULA: Final = tuple("=+-@＝＋－＠'")  # noqa: RUF001
_LISTED: Final = 5


@dataclass(frozen=True)
class Columns:
    """Some columns of a table, without empty cells.

    Attributes
    ----------
    file : str
        The path of the table, for messages.

    folder : path
        The folder that it lies in.

    names : dict of str to str
        The name of the column for each role that was found.

    cells : dict of str to list of str
        Its cells.

    rows : list of str
        How to speak of each row, such as ``line 2``.
    """

    file: str
    folder: Any
    names: dict[str, str]
    cells: dict[str, list[str]]
    rows: list[str]

    def places(self, indices: Sequence[int]) -> str:
        """Name some rows, the first few where there are many."""
        named = ", ".join(self.rows[index] for index in indices[:_LISTED])
        more = len(indices) - _LISTED
        return f"{named} and {more} more" if more > 0 else named


def read_columns(
    table: Any,
    chosen: Mapping[str, str | None],
    *,
    required: Sequence[str],
    spoken: Mapping[str, str] = PARAMETERS,
) -> Columns:
    """Read the columns of some roles from a CSV or Parquet file.

    Parameters
    ----------
    table : str or path-like
        The file, of Parquet if its name ends in ``.parquet`` or ``.pq``.

    chosen : mapping of str to str or None
        The name of the column for each role, None to find it by `USUAL_NAMES`. One that
        was found, is not required and is empty in all rows counts as none.

    required : sequence of str
        The roles that must be found.

    spoken : mapping of str to str
        What lets a caller choose another column for a role, for errors; empty where
        nothing does.

    Raises
    ------
    FileNotFoundError, IsADirectoryError, PermissionError
        If the file cannot be opened.
    ImportError
        If it is of Parquet and pyarrow is not installed.
    ValueError
        If it cannot be read, a column is missing or may be one of several, or a cell
        is empty.
    """
    try:
        path = table if is_elsewhere(table) else user_path(os.fsdecode(table))
    except TypeError as error:
        raise TypeError(
            "table must be the path of a CSV or Parquet file, as str or pathlib.Path; "
            f"got {type(table).__name__}."
        ) from error
    if not is_elsewhere(path) and not path.exists():
        refuse_address("table", os.fsdecode(table))
    if path.suffix.lower() in (".parquet", ".pq"):
        header, read = _open_parquet(path)
    else:
        header, read = _open_csv(path)
    names = {}
    for role, name in chosen.items():
        found = _find(str(path), header, role, name, spoken)
        if found is None and role in required:
            raise ValueError(
                f"The table {str(path)!r} has no column for the {role}; "
                f"{_columns_of(header)}. Expected one of "
                f"{', '.join(USUAL_NAMES[role])}{_choice(spoken, role)}. The first "
                "line must name the columns."
            )
        if found is not None:
            names[role] = found
    cells, rows = read(list(names.values()))
    # As in a file of features, where nothing is known of splits or groups.
    said = [
        role in required or chosen[role] is not None or any(map(str.strip, values))
        for role, values in zip(names, cells, strict=True)
    ]
    names = dict(compress(names.items(), said))
    cells = [*compress(cells, said)]
    columns = Columns(
        str(path), path.parent, names, dict(zip(names, cells, strict=True)), rows
    )
    if not rows:
        raise ValueError(f"The table {str(path)!r} has no row below its column names.")
    for role, values in columns.cells.items():
        if empty := [i for i, value in enumerate(values) if not value.strip()]:
            raise ValueError(
                f"The column {names[role]!r} of {str(path)!r} is empty in "
                f"{counted(len(empty), 'row')}: {columns.places(empty)}. Fill in the "
                f"{role}, or take the rows out."
            )
    return columns


def _find(
    file: str,
    header: list[str],
    role: str,
    name: str | None,
    spoken: Mapping[str, str],
) -> str | None:
    """Choose the column of a role."""
    if name is not None:
        if name not in header:
            raise ValueError(
                f"{spoken[role]}: the table {file!r} has no column {name!r}; "
                f"{_columns_of(header)}."
            )
        return name
    usual = [c for c in header if c.strip().lower() in USUAL_NAMES[role]]
    if len(usual) > 1:
        raise ValueError(
            f"The table {file!r} has several columns that may be the {role}: "
            f"{listed(usual)}. Keep one of these names{_choice(spoken, role)}."
        )
    return usual[0] if usual else None


def _choice(spoken: Mapping[str, str], role: str) -> str:
    return f", or name it with {spoken[role]}" if role in spoken else ""


def _columns_of(header: list[str]) -> str:
    """List the columns, unless the file may be any other one: no content is quoted."""
    usual = {name for names in USUAL_NAMES.values() for name in names}
    if usual.isdisjoint(name.strip().lower() for name in header):
        return "none of its columns has a usual name"
    return f"its columns are {listed(header, 20)}"


def decoded(content: bytes) -> str:
    """Decode a text of paths, by its byte-order mark where it has one.

    Names of files need not be valid UTF-8; what is not survives the way back.
    """
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16")
    return content.removeprefix(codecs.BOM_UTF8).decode("utf-8", "surrogateescape")


def _open_csv(path: Any) -> tuple[list[str], Any]:
    with _troubles_named(path, (csv.Error, UnicodeDecodeError)):
        text = decoded(path.read_bytes())
        if "\0" in text:
            raise csv.Error("it is no text")
        first = text.partition("\n")[0]
        delimiter = max(",;\t", key=first.count)
        reader = csv.reader(
            io.StringIO(text, newline=""), delimiter=delimiter, strict=True
        )
        lines = [(reader.line_num, cells) for cells in reader if any(cells)]
    header = [name.strip() for name in lines[0][1]] if lines else []

    def read(names: list[str]) -> tuple[list[list[str]], list[str]]:
        for number, cells in lines[1:]:
            if len(cells) != len(header):
                raise ValueError(
                    f"Line {number} of {str(path)!r} has "
                    f"{counted(len(cells), 'cell')}, but the first line names "
                    f"{counted(len(header), 'column')}. Put "
                    f'cells with {delimiter!r} in them into double quotes (").'
                )
        places = [header.index(name) for name in names]
        columns = [[_plain(cells[at]) for _, cells in lines[1:]] for at in places]
        return columns, [f"line {number}" for number, _ in lines[1:]]

    return header, read


def _open_parquet(path: Any) -> tuple[list[str], Any]:
    try:
        from pyarrow import ArrowInvalid, parquet, types
    except ImportError as error:
        raise ImportError(
            f"{str(path)!r} is read with pyarrow, which cannot be imported ({error}). "
            'Install it with: pip install "skresnet[parquet]"'
        ) from error
    with _troubles_named(path, (ArrowInvalid,)):
        path.open("rb").close()
        source = io.BytesIO(path.read_bytes()) if is_elsewhere(path) else path
        schema = parquet.read_schema(source)
    readable = [types.is_string, types.is_large_string, types.is_dictionary]
    readable += [types.is_string_view, types.is_integer, types.is_boolean]

    def read(names: list[str]) -> tuple[list[list[str]], list[str]]:
        for name in names:
            kind = schema.field(name).type
            if not any(is_readable(kind) for is_readable in readable):
                raise ValueError(
                    f"The column {name!r} of {str(path)!r} holds {kind}, expected "
                    "text: paths of images, not the images themselves."
                )
        with _troubles_named(path, (ArrowInvalid,)):
            table = parquet.read_table(source, columns=names)
        columns = [
            ["" if cell is None else str(cell) for cell in table[name].to_pylist()]
            for name in names
        ]
        return columns, [f"row {index}" for index in range(table.num_rows)]

    return schema.names, read


@contextmanager
def _troubles_named(path: Any, damage: tuple[type[Exception], ...]) -> Iterator[None]:
    troubles: tuple[type[Exception], ...] = (OSError, *damage)
    try:
        yield
    except troubles as error:
        # Arrow's errors of damaged files are of this kind too, but have no number.
        if isinstance(error, OSError) and error.errno is not None:
            raise type(error)(
                f"The table {str(path)!r} cannot be opened: {error.strerror}."
            ) from error
        raise ValueError(
            f"The table {str(path)!r} cannot be read: {error}. Expected a CSV file in "
            "UTF-8, or a Parquet file whose name ends in .parquet. (Archives of "
            "pictures are for load_image_folder.)"
        ) from error


def _plain(cell: str) -> str:
    return cell[1:] if cell[:1] == "'" and cell[1:].startswith(_FORMULA) else cell

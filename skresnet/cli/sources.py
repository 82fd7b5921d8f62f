"""Where the pictures of a command come from: folder, archive, table or address."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import click

_TABLE = "table__"

SPOKEN: Final = {
    "path": "--path-column",
    "class": "--class-column",
    "split": "--split-column",
    "group": "--group-by",
    "root": "--root",
}
"""What the parameters of tables are called on a command line."""


class Source(NamedTuple):
    """What stands for FOLDER_OR_TABLE on a command line.

    Attributes
    ----------
    text : str
        As it was given.
    place : str or upath.UPath
        Where it is.
    columns : dict or None
        The parameters of `load_image_table`; None where it is no table.
    """

    text: str
    place: Any
    columns: dict[str, Any] | None

    def chosen(self, group_by: str | None) -> dict[str, str | None]:
        """Give the column that is asked for, for each role of a table."""
        columns = self.columns or {}
        roles = ("path", "class", "split")
        return {
            **{role: columns.get(f"{role}_column") for role in roles},
            "group": group_by,
        }

    def list_table(self, chosen: dict[str, str | None], **settings: Any) -> Any:
        """List the rows of a table; a file that is missing is one not to be read."""
        from skresnet.datasets.table import list_table

        root = (self.columns or {}).get("root")
        settings |= {"root": root, "need_all": False, "spoken": SPOKEN}
        return list_table(self.place, chosen, **settings)

    @property
    def root(self) -> Any:
        """What paths in a list of its pictures are relative to, None for this disk."""
        from skresnet.datasets.elsewhere import is_elsewhere
        from skresnet.datasets.walk import existing_folder

        if self.columns is None:
            root = existing_folder(self.place)
        else:
            root = self.columns["root"] or getattr(self.place, "parent", None)
            root = None if root is None else existing_folder(root)
        return root if is_elsewhere(root) else None

    def listed(self, paths: Iterable[Any]) -> list[str]:
        """Write paths so that a list beside a model leads to the pictures."""
        from skresnet.datasets.elsewhere import within

        root = self.root
        if root is None:
            return [os.path.abspath(path) for path in paths]  # noqa: PTH100 - of links
        return [within(root, path) for path in paths]

    @property
    def words(self) -> list[Any]:
        """The source and its options, as a command line names them."""
        options = [
            word
            for name, value in (self.columns or {}).items()
            for word in ("--" + name.replace("_", "-"), str(value))
            if value
        ]
        return [self._word(self.text), *options]

    @property
    def words_for_list(self) -> list[Any]:
        """The options that a list of its pictures needs on a command line."""
        if self.root is None:
            return []
        if self.columns is None:
            return ["--root", self._word(self.text)]
        return ["--root", str(self.columns["root"] or self.place.parent)]

    def words_for_picture(self, path: Any) -> list[Any]:
        """One of its pictures, or where it cannot be named alone, all of them."""
        return [Path(path)] if isinstance(path, str) else self.words

    @staticmethod
    def _word(text: str) -> Any:
        return text if "://" in text else Path(text)


def source_of(text: str, params: Mapping[str, Any]) -> tuple[Source, dict[str, Any]]:
    """Tell what a source is, with the options for tables among some parameters.

    Returns
    -------
    source : Source
    params : dict
        The other parameters.
    """
    from skresnet.datasets.columns import TABLE_ENDINGS
    from skresnet.datasets.elsewhere import ARCHIVE_ENDINGS, is_elsewhere

    columns = {
        name.removeprefix(_TABLE): value
        for name, value in params.items()
        if name.startswith(_TABLE)
    }
    others = {name: params[name] for name in params if not name.startswith(_TABLE)}
    place = _place(text)
    name = text.lower()
    is_table = name.endswith(TABLE_ENDINGS) or (
        not is_elsewhere(place)
        and Path(place).is_file()
        and not name.endswith(ARCHIVE_ENDINGS)
    )
    if columns.get("root"):
        columns["root"] = _place(columns["root"])
    if not is_table:
        if given := [name for name, value in columns.items() if value]:
            option = "--" + given[0].replace("_", "-")
            raise click.UsageError(f"{option} is about tables, and {text} is none.")
        return Source(text, place, None), others
    return Source(text, place, columns), others


def _place(text: str) -> Any:
    from skresnet.datasets.elsewhere import place_at

    try:
        return place_at(text)
    except ImportError as error:
        raise click.ClickException(str(error)) from error

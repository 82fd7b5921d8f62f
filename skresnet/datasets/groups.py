"""Which pictures show the same subject, and must stay on one side of a split."""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skresnet.datasets.columns import TABLE_ENDINGS, read_columns
from skresnet.datasets.elsewhere import Place, name_of
from skresnet.text import counted, listed

Groups = str | re.Pattern[str] | os.PathLike[str] | Mapping[Any, Any] | None
"""What loaders take for ``groups``; `group_finder` says what each means."""

_Finder = Callable[[Place], str | None]


def group_finder(groups: Groups) -> Callable[[Sequence[Place], Place], Any]:
    """Check a ``groups`` parameter, before any folder is read.

    Returns
    -------
    find : callable
        Gives the array of the groups of some paths below a folder, or None where no
        groups are asked for.
    """
    if groups is None:
        return lambda paths, folder: None
    if isinstance(groups, Mapping):
        return _checked(_by_table({str(k): str(v) for k, v in groups.items()}), "keys")
    if isinstance(groups, str) and groups == "parent":
        return _by_parent
    if isinstance(groups, os.PathLike) or (
        isinstance(groups, str) and groups.lower().endswith(TABLE_ENDINGS)
    ):
        return _checked(_by_table(_read_groups(groups)), f"rows of {str(groups)!r}")
    if not isinstance(groups, str | re.Pattern):
        raise TypeError(
            "groups: expected 'parent', a pattern, the path of a table or a mapping of "
            f"paths to groups; found {type(groups).__name__}."
        )
    try:
        pattern = re.compile(groups)
    except re.error as error:
        raise ValueError(
            f"groups: {groups!r} is no regular expression ({error}). Expected "
            r"'parent', or a pattern such as r'(\w+)_\d+' for names such as "
            "anna_01.jpg."
        ) from error
    if pattern.groups != 1:
        raise ValueError(
            f"groups: the pattern {pattern.pattern!r} has "
            f"{counted(pattern.groups, 'part')} in parentheses, expected one: what it "
            "matches is the group. Write (?:...) for parentheses that only hold "
            "together."
        )

    def matched(path: Place) -> str | None:
        found = pattern.search(name_of(path))
        return found[1] if found else None

    return _checked(matched, f"names that match {pattern.pattern!r}")


def _checked(find: _Finder, expected: str) -> Callable[[Sequence[Place], Place], Any]:
    def groups_of(paths: Sequence[Place], folder: Place) -> NDArray[np.str_]:
        found = [find(path) for path in paths]
        without = [p for p, g in zip(paths, found, strict=True) if not g]
        if without:
            raise ValueError(
                f"groups: {len(without)} of {counted(len(paths), 'image')} in "
                f"{folder!r} have no group; expected {expected}, found "
                f"{listed(without, 4)}."
            )
        return np.array(found, np.str_)

    return groups_of


def _by_parent(paths: Sequence[Place], folder: Place) -> NDArray[np.str_]:
    """Take the name of the folder that an image lies in, below that of its class."""
    inside = [_inside(path, folder) for path in paths]
    loose = [p for p, parts in zip(paths, inside, strict=True) if len(parts) < 3]
    if loose:
        raise ValueError(
            f"groups='parent': {len(loose)} of {counted(len(paths), 'image')} in "
            f"{folder!r} lie directly in the folder of their class: "
            f"{listed(loose, 4)}. Expected <class>/<group>/<image>; give a pattern "
            "where names tell the group."
        )
    return np.array([parts[-2] for parts in inside], np.str_)


def _inside(path: Place, folder: Place) -> tuple[str, ...]:
    path = Path(path) if isinstance(path, str) else path
    return tuple(path.relative_to(folder).parts)


def _by_table(group_of: Mapping[str, str]) -> _Finder:
    """Look paths up wherever they lead, or else by the name of the file alone."""
    real = {os.path.realpath(path): group for path, group in group_of.items()}
    names = {path: group for path, group in group_of.items() if Path(path).name == path}

    def find(path: Place) -> str | None:
        whole = os.path.realpath(path) if isinstance(path, str) else str(path)
        return real.get(whole) or group_of.get(whole) or names.get(name_of(path))

    return find


def _read_groups(table: str | os.PathLike[str]) -> dict[str, str]:
    roles = ("path", "group")
    columns = read_columns(table, dict.fromkeys(roles), required=roles, spoken={})
    folder = columns.folder
    found = dict(zip(columns.cells["path"], columns.cells["group"], strict=True))
    # A path is taken from the folder of the table, and a bare name is a name besides.
    return {
        key: group
        for path, group in found.items()
        for key in (str(folder / path), *([path] if Path(path).name == path else []))
    }

"""Data sets that do not lie in folders of this disk: in archives, on the network."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

Place = Any
"""A path: a str on this disk, an ``upath.UPath`` in an archive or on the network."""

ARCHIVE_ENDINGS: Final = (".zip", ".tar", ".tar.gz", ".tgz")
"""Endings of the names of files that are taken for archives."""


@dataclass(frozen=True)
class Entry:
    """What ``os.DirEntry`` is on this disk."""

    name: str
    path: Place
    kind: str

    def is_dir(self) -> bool:
        """Tell a folder."""
        return self.kind == "directory"

    def is_file(self) -> bool:
        """Tell a file from a folder, and from links within an archive."""
        return self.kind == "file"

    def is_symlink(self) -> bool:
        """Know of no links."""
        return False


def name_of(path: Place) -> str:
    """Give the last part of a path."""
    return Path(path).name if isinstance(path, str) else str(path.name)


def is_elsewhere(path: Any) -> bool:
    """Tell an ``upath.UPath`` of a place that is not this disk."""
    return hasattr(path, "fs") and not isinstance(path, os.PathLike)


def refuse_address(parameter: str, path: str) -> None:
    """Raise if a path that leads nowhere looks like an address on the network.

    Nothing is read from one unless it is asked for by an object that says so.
    """
    if "://" in path:
        raise ValueError(
            f"{parameter} {path!r} looks like an address, and nothing is read from "
            'one unless asked: pip install "skresnet[remote]" and give '
            "upath.UPath(address)."
        )


def place_at(address: str) -> Place:
    """Take what a person gives as a source for a path on this disk, or an address.

    Raises
    ------
    ImportError
        If it is an address, and what reads it is not installed.
    ValueError
        If nothing is known of addresses of its kind.
    """
    if "://" not in address or os.path.lexists(address):
        return address
    place = _upath(f"{address!r} is an address, which is read")(address)
    try:
        known = place.fs
    except ImportError as error:
        raise ImportError(f"{address!r} cannot be read: {error}.") from error
    except ValueError as error:
        raise ValueError(f"{address!r} cannot be read: {error}.") from error
    return place if known and is_elsewhere(place) else os.fspath(place)


def within(root: Place, path: Place) -> str:
    """Write where a place lies below another one."""
    return str(path.path).removeprefix(str(root.path)).lstrip("/")


def opened_archive(path: Any) -> Place:
    """Step into an archive, which is fetched whole if it is not on this disk.

    Raises
    ------
    ImportError
        If universal_pathlib is not installed.
    ValueError
        If the archive is damaged.
    """
    open_place = _upath(f"root {str(path)!r} is an archive, which is read")
    options: dict[str, Any] = {}
    if is_elsewhere(path):
        options["fo"] = f"simplecache::{path}"
        options["target_options"] = {path.protocol: dict(path.storage_options)}
    else:
        options["fo"] = str(path.absolute())
    try:
        if path.name.lower().endswith(".zip"):
            inside = open_place("zip://", **options)
        else:
            packed = "gzip" if path.name.lower().endswith("gz") else None
            inside = open_place("tar://", compression=packed, **options)
        inside.fs.ls("")
    except Exception as error:
        # Damage is whatever the libraries that unpack make of it.
        raise ValueError(
            f"The archive {str(path)!r} cannot be read: {error or type(error).__name__}"
        ) from error
    return inside


def _upath(what: str) -> Any:
    try:
        from upath import UPath
    except ImportError as error:
        raise ImportError(
            f"{what} with universal_pathlib; it cannot be imported ({error}). Install "
            'it with: pip install "skresnet[remote]"'
        ) from error
    return UPath


def entries(folder: Place) -> Iterator[Entry]:
    """List what lies directly in a folder elsewhere."""
    # One question for all, which on the network takes as long as one for each.
    found = folder.fs.ls(folder.path, detail=True)
    if [entry["name"] for entry in found] == ["."]:
        # Names in the tar are "./train" and so on, and UPath cannot step into ".".
        for entry in folder.fs.ls(".", detail=True):
            address = f"{folder.protocol}://{entry['name']}"
            path = type(folder)(address, **folder.storage_options)
            yield Entry(path.name, path, entry["type"])
        return
    for entry in found:
        name = entry["name"].rstrip("/").rpartition("/")[2]
        if name:
            yield Entry(name, folder / name, entry["type"])
